import { encodeJson, GoInt, GoMap, GoSlice, type GoValue } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';

/** How strictly structures are read: kustomization files refuse unknown fields and numbers for strings, configurations of transformers do not. */
export type Strictness = 'strict' | 'lenient';

interface Place {
  readonly strictness: Strictness;
  readonly struct: string;
  readonly path: string;
}

/** Reads one value as Go's encoding/json would into a typed field. Absent and null give the zero value. */
export interface Decoder<T> {
  readonly goType: string;
  decode(value: GoValue | undefined, place: Place): T;
}

function kindOf(value: GoValue): string {
  if (value instanceof GoMap) return 'object';
  if (value instanceof GoSlice) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'number';
}

function mismatch(value: GoValue, place: Place, goType: string): never {
  const field = place.path === '' ? 'Go value' : `Go struct field ${place.struct}.${place.path}`;
  return fail(`json: cannot unmarshal ${kindOf(value)} into ${field} of type ${goType}`);
}

function isNull(value: GoValue | undefined): value is null | undefined {
  return value === null || value === undefined;
}

/** A string; numbers and booleans become one where reading is lenient. */
export const text: Decoder<string> = {
  goType: 'string',
  decode(value, place) {
    if (isNull(value)) return '';
    if (typeof value === 'string') return value;
    if (place.strictness === 'lenient' && (typeof value === 'number' || typeof value === 'boolean' || value instanceof GoInt)) return encodeJson(value);
    return mismatch(value, place, 'string');
  },
};

/** A string that may be absent, which is not the empty one. */
export const optionalText: Decoder<string | undefined> = {
  goType: 'string',
  decode: (value, place) => (isNull(value) ? undefined : text.decode(value, place)),
};

export const flag: Decoder<boolean> = {
  goType: 'bool',
  decode: (value, place) => (isNull(value) ? false : typeof value === 'boolean' ? value : mismatch(value, place, 'bool')),
};

export const integer: Decoder<number> = {
  goType: 'int',
  decode(value, place) {
    if (isNull(value)) return 0;
    const number = value instanceof GoInt ? Number(value.value) : value;
    return typeof number === 'number' && Number.isSafeInteger(number) ? number : mismatch(value, place, 'int');
  },
};

/** Any value. */
export const anything: Decoder<GoValue> = { goType: 'interface {}', decode: (value) => value ?? null };

/** A list; absent gives undefined, so that an empty one can be told from none. */
export function listOf<T>(item: Decoder<T>): Decoder<readonly T[] | undefined> {
  const goType = `[]${item.goType}`;
  return {
    goType,
    decode(value, place) {
      if (isNull(value)) return undefined;
      return value instanceof GoSlice ? value.items.map((entry) => item.decode(entry, place)) : mismatch(value, place, goType);
    },
  };
}

/** A map; absent gives undefined. */
export function mapOf<T>(item: Decoder<T>): Decoder<ReadonlyMap<string, T> | undefined> {
  const goType = `map[string]${item.goType}`;
  return {
    goType,
    decode(value, place) {
      if (isNull(value)) return undefined;
      if (!(value instanceof GoMap)) return mismatch(value, place, goType);
      return new Map([...value.entries].map(([key, entry]) => [key, item.decode(entry, place)]));
    },
  };
}

/** The decoders of a structure's fields. */
export type Fields<T> = { readonly [K in keyof T]-?: Decoder<T[K]> };

/** A structure with fields by their JSON names, in any case. */
export function struct<T>(name: string, fields: Fields<T>): Decoder<T> {
  const decoders: readonly (readonly [string, Decoder<unknown>])[] = Object.entries(fields);
  const names = new Set(decoders.map(([field]) => field));
  const byLowerCase = new Map(decoders.map(([field]) => [field.toLowerCase(), field]));
  const goType = `types.${name}`;
  return {
    goType,
    decode(value, place) {
      if (!isNull(value) && !(value instanceof GoMap)) return mismatch(value, place, goType);
      const found = new Map<string, GoValue>();
      for (const [key, entry] of sortedEntries(isNull(value) ? new Map() : value.entries)) {
        const field = names.has(key) ? key : byLowerCase.get(key.toLowerCase());
        if (field !== undefined) found.set(field, entry);
        else if (place.strictness === 'strict') fail(`json: unknown field "${key}"`);
      }
      const decoded = decoders.map(([field, decoder]) => [
        field,
        decoder.decode(found.get(field), { strictness: place.strictness, struct: name, path: place.path === '' ? field : `${place.path}.${field}` }),
      ]);
      // Every field was just decoded by its own decoder.
      return Object.fromEntries(decoded) as T;
    },
  };
}

function sortedEntries(entries: ReadonlyMap<string, GoValue>): readonly (readonly [string, GoValue])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A structure that may be absent. */
export function optional<T>(inner: Decoder<T>): Decoder<T | undefined> {
  return { goType: inner.goType, decode: (value, place) => (isNull(value) ? undefined : inner.decode(value, place)) };
}

/** Reads a whole value. Throws KustomizeError with encoding/json's words. */
export function decodeWith<T>(decoder: Decoder<T>, value: GoValue, strictness: Strictness): T {
  return decoder.decode(value, { strictness, struct: '', path: '' });
}
