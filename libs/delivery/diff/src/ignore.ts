import { cloneMutable, refOf, type KubeObject } from '@tiphys/kube-model';
import type { IgnoreDifference } from '@tiphys/delivery-applications';

/** What is ignored in one object. */
export interface IgnoreRules {
  readonly pointers: readonly (readonly string[])[];
  readonly managers: ReadonlySet<string>;
}

/** The rules that match an object; an absent part of a rule, or `*`, matches all. jq expressions are not read yet. */
export function ignoreRulesFor(object: KubeObject, differences: readonly IgnoreDifference[]): IgnoreRules {
  const ref = refOf(object);
  const matching = differences.filter(
    (rule) =>
      matches(rule.group ?? '', ref.group) &&
      matches(rule.kind, ref.kind) &&
      (rule.name === undefined || rule.name === '' || rule.name === ref.name) &&
      (rule.namespace === undefined || rule.namespace === '' || rule.namespace === (ref.namespace ?? '')),
  );
  return {
    pointers: matching.flatMap((rule) => rule.jsonPointers ?? []).map(parsePointer),
    managers: new Set(matching.flatMap((rule) => rule.managedFieldsManagers ?? [])),
  };
}

function matches(pattern: string, value: string): boolean {
  return pattern === '*' || pattern === value;
}

function parsePointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A copy without what the pointers name. */
export function withoutPointers<T extends object>(object: T, pointers: readonly (readonly string[])[]): T {
  if (pointers.length === 0) return object;
  const copy = cloneMutable(object);
  for (const pointer of pointers) remove(copy, pointer);
  // A copy with fewer fields of an arbitrary object.
  return copy as T;
}

function remove(root: object, pointer: readonly string[]): void {
  let at: unknown = root;
  for (const part of pointer.slice(0, -1)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return;
    at = (at as Readonly<Record<string, unknown>>)[part];
  }
  const last = pointer.at(-1);
  if (last === undefined || typeof at !== 'object' || at === null) return;
  if (Array.isArray(at)) at.splice(Number(last), /^\d+$/.test(last) ? 1 : 0);
  else Reflect.deleteProperty(at, last);
}
