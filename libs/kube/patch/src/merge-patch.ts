import { deepEqual, isJsonObject } from '@tiphys/kube-model';
import { setOwn } from './typed-value.ts';

/** Applies a JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: Record<string, unknown> = isJsonObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

type Fields = Readonly<Record<string, unknown>>;

/** The JSON merge patch that makes one document of another; empty when they are equal. Lists are replaced as a whole. */
export function createMergePatch(from: Fields, to: Fields): Fields {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined;
    const after = Object.hasOwn(to, key) ? to[key] : undefined;
    if (deepEqual(before, after)) continue;
    if (after === undefined) setOwn(patch, key, null);
    else setOwn(patch, key, isJsonObject(before) && isJsonObject(after) ? createMergePatch(before, after) : after);
  }
  return patch;
}
