import { isJsonObject } from '@tiphys/kube-model';
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
