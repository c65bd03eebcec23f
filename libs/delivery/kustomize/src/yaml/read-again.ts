import { GoMap, GoSlice, type GoValue } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';

// What JSON leaves as it is and YAML does not: NEL is a line break to it, the others it refuses.
const UNLIKE = /[\x7f-\x9f\ufffe\uffff]/;

/** A value as it is once its JSON was read as YAML, which sigs.k8s.io/yaml does before it writes. Throws KustomizeError. */
export function readAgain(value: GoValue): GoValue {
  return hasUnlike(value) ? convert(value) : value;
}

function hasUnlike(value: GoValue): boolean {
  if (typeof value === 'string') return UNLIKE.test(value);
  if (value instanceof GoSlice) return value.items.some(hasUnlike);
  return value instanceof GoMap && [...value.entries].some(([key, item]) => UNLIKE.test(key) || hasUnlike(item));
}

function convert(value: GoValue): GoValue {
  if (typeof value === 'string') return fold(value);
  if (value instanceof GoSlice) return new GoSlice(value.items.map(convert));
  if (value instanceof GoMap) return new GoMap(new Map([...value.entries].map(([key, item]) => [fold(key), convert(item)])));
  return value;
}

function fold(text: string): string {
  if (/[\x7f-\x84\x86-\x9f\ufffe\uffff]/.test(text)) fail('yaml: control characters are not allowed');
  return text.replaceAll(/ *\u0085[ \u0085]*/g, (breaks) => '\n'.repeat(breaks.replaceAll(' ', '').length - 1) || ' ');
}
