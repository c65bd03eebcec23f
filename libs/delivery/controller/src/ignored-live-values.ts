import type { IgnoreDifference } from '@tiphys/delivery-applications';
import { ignoreRulesFor } from '@tiphys/delivery-diff';
import { cloneMutable, isJsonObject, type KubeObject } from '@tiphys/kube-model';

/** The desired object with the live values at the places whose differences are ignored by pointer (RespectIgnoreDifferences). */
export function withIgnoredLiveValues(desired: KubeObject, live: KubeObject, rules: readonly IgnoreDifference[]): KubeObject {
  const { pointers } = ignoreRulesFor(desired, rules);
  if (pointers.length === 0) return desired;
  const copy = cloneMutable(desired);
  for (const pointer of pointers) copyValue(copy, live, pointer);
  // A copy of the desired object with some values of the live one.
  return copy as KubeObject;
}

function copyValue(into: unknown, from: unknown, pointer: readonly string[]): void {
  const [name, ...rest] = pointer;
  if (name === undefined || !isContainer(into) || !isContainer(from)) return;
  const value: unknown = Reflect.get(from, name);
  if (rest.length > 0) copyValue(Reflect.get(into, name), value, rest);
  else if (value === undefined) Reflect.deleteProperty(into, name);
  else Reflect.set(into, name, structuredClone(value));
}

function isContainer(value: unknown): value is object {
  return Array.isArray(value) || isJsonObject(value);
}
