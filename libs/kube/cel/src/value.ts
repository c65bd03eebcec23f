import type { CelType } from './cel-type.ts';
import { CelError } from './problem.ts';
import type { CelDuration, CelTimestamp } from './time.ts';

/** An unsigned integer; int is bigint and double is number, so that the three never mix. */
export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A type as a value: what `type(x)` yields and `int` names. */
export class CelTypeValue {
  readonly type: CelType;

  constructor(type: CelType) {
    this.type = type;
  }
}

/** A value that may be absent. */
export class CelOptional {
  readonly value: CelValue | undefined;

  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

/** The absent value. */
export const NONE: CelOptional = new CelOptional(undefined);

/** A value of a library's own type: a quantity, an address, a decision. */
export interface CelOpaque {
  readonly typeName: string;
  equals(other: CelValue): boolean;
  /** What `size` counts for costs; absent: 1. */
  readonly costSize?: number;
}

/** A map, or an object with named fields. */
export interface CelMap {
  readonly form: 'map' | 'object';
  /** Name of the object's type. */
  readonly typeName?: string;
  readonly size: number;
  has(key: CelValue): boolean;
  /** The value of a key; undefined when it is absent. */
  get(key: CelValue): CelValue | undefined;
  keys(): Iterable<CelValue>;
  /** The document behind it, which may have fields that no expression sees. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Any value of an expression. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | CelUint
  | CelList
  | CelMap
  | CelDuration
  | CelTimestamp
  | CelTypeValue
  | CelOptional
  | CelOpaque;

/** How a list of a schema is equal and added to (`x-kubernetes-list-type`). */
export type ListIdentity = { readonly kind: 'set' } | { readonly kind: 'map'; readonly keys: readonly string[] };

/**
 * A list. Lists share their items with the list they were appended to, as Go's slices do: building one item by item, as
 * the macros do, takes linear time.
 */
export class CelList {
  readonly #items: CelValue[];
  readonly size: number;
  readonly identity: ListIdentity | undefined;

  constructor(items: CelValue[], size: number = items.length, identity?: ListIdentity) {
    this.#items = items;
    this.size = size;
    this.identity = identity;
  }

  at(index: number): CelValue {
    const item = this.#items[index];
    if (item === undefined || index >= this.size) throw new CelError(`index out of bounds: ${index}`);
    return item;
  }

  *[Symbol.iterator](): Generator<CelValue> {
    for (let index = 0; index < this.size; index += 1) yield this.at(index);
  }

  /** The items of this list and then those of another. */
  append(other: Iterable<CelValue>): CelList {
    const isTail = this.#items.length === this.size;
    const items = isTail ? this.#items : this.#items.slice(0, this.size);
    // Read first: a list may be appended to itself.
    for (const item of Array.from(other)) items.push(item);
    return new CelList(items, items.length, this.identity);
  }
}

/** A list whose items are made when they are first asked for. */
export function lazyList<T>(source: readonly T[], make: (item: T) => CelValue, identity?: ListIdentity): CelList {
  return new LazyList(source, make, identity);
}

class LazyList<T> extends CelList {
  readonly #source: readonly T[];
  readonly #make: (item: T) => CelValue;
  readonly #made: (CelValue | undefined)[];

  constructor(source: readonly T[], make: (item: T) => CelValue, identity?: ListIdentity) {
    super([], source.length, identity);
    this.#source = source;
    this.#make = make;
    this.#made = [];
  }

  override at(index: number): CelValue {
    const known = this.#made[index];
    if (known !== undefined) return known;
    const item = this.#source[index];
    if (item === undefined || index < 0) throw new CelError(`index out of bounds: ${index}`);
    return (this.#made[index] = this.#make(item));
  }

  override append(other: Iterable<CelValue>): CelList {
    return new CelList([...this], this.size, this.identity).append(other);
  }
}

/** A map made by an expression. Keys are strings, booleans, ints and uints; numbers that are equal are one key. */
export class CelLiteralMap implements CelMap {
  readonly form = 'map';
  readonly #entries = new Map<string, readonly [key: CelValue, value: CelValue]>();

  get size(): number {
    return this.#entries.size;
  }

  /** Adds an entry. Only for whoever builds the map. Throws `CelError` for a key that is there or of no key type. */
  insert(key: CelValue, value: CelValue): void {
    const id = keyId(key);
    if (id === undefined) throw new CelError(`unsupported key type: ${typeNameOf(key)}`);
    if (this.#entries.has(id)) throw new CelError(`insert failed: key ${describeKey(key)} already exists`);
    this.#entries.set(id, [key, value]);
  }

  has(key: CelValue): boolean {
    const id = keyId(key);
    return id !== undefined && this.#entries.has(id);
  }

  get(key: CelValue): CelValue | undefined {
    const id = keyId(key);
    return id === undefined ? undefined : this.#entries.get(id)?.[1];
  }

  *keys(): Generator<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** An object made by an expression: a type's name and the fields given. */
export class CelStruct implements CelMap {
  readonly form = 'object';
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, CelValue>;

  constructor(typeName: string, fields: ReadonlyMap<string, CelValue>) {
    this.typeName = typeName;
    this.fields = fields;
  }

  get size(): number {
    return this.fields.size;
  }

  has(key: CelValue): boolean {
    return typeof key === 'string' && this.fields.has(key);
  }

  get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' ? this.fields.get(key) : undefined;
  }

  keys(): Iterable<CelValue> {
    return this.fields.keys();
  }
}

// One text for keys that are equal: 1, 1u and 1.0 are the same key.
function keyId(key: CelValue): string | undefined {
  if (typeof key === 'string') return `s${key}`;
  if (typeof key === 'boolean') return key ? 'true' : 'false';
  if (typeof key === 'bigint') return `n${key}`;
  if (key instanceof CelUint) return `n${key.value}`;
  return typeof key === 'number' && Number.isInteger(key) ? `n${BigInt(key)}` : undefined;
}

/** A key as errors name it. */
export function describeKey(key: CelValue): string {
  if (key instanceof CelUint) return String(key.value);
  return typeof key === 'string' || typeof key === 'bigint' || typeof key === 'number' || typeof key === 'boolean' ? String(key) : typeNameOf(key);
}

/** Whether a value is a map or object. */
export function isMap(value: CelValue): value is CelMap {
  return typeof value === 'object' && value !== null && 'form' in value;
}

/** Whether a value is of a library's own type. */
export function isOpaque(value: CelValue): value is CelOpaque {
  return typeof value === 'object' && value !== null && 'typeName' in value && 'equals' in value;
}

/** The name of a value's type, as `type(x)` and errors show it. */
export function typeNameOf(value: CelValue): string {
  if (value === null) return 'null_type';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'double';
  if (typeof value === 'string') return 'string';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof CelUint) return 'uint';
  if (value instanceof CelList) return 'list';
  if (value instanceof CelTypeValue) return 'type';
  if (value instanceof CelOptional) return 'optional_type';
  if ('form' in value) return value.form === 'map' ? 'map' : (value.typeName ?? 'object');
  return value.typeName;
}

/** What the cost of handling a value grows with: characters, bytes, items or entries (cel-go actualSize). */
export function sizeOf(value: CelValue): number {
  if (typeof value === 'string') return codePoints(value);
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof CelOptional) return value.value === undefined ? 1 : sizeOf(value.value);
  if (value instanceof CelList || isMap(value)) return value.size;
  return isOpaque(value) ? (value.costSize ?? 1) : 1;
}

/** Number of code points of a text. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00 && at + 1 < text.length) {
      count -= 1;
      at += 1;
    }
  }
  return count;
}
