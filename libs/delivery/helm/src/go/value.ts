/**
 * The kinds of Go integer a template can meet. Values from charts are never integers (they are float64);
 * literals are `int`, `--set` gives `int64`, `len` gives `int`, Sprig arithmetic gives `int64`.
 */
export type GoIntKind = 'int' | 'int64' | 'int32' | 'uint8' | 'uint64';

/** Everything a template can hold. `number` is always float64; `null` is Go's nil interface. */
export type GoValue = null | boolean | string | number | GoInt | GoBytes | GoSlice | GoMap | GoObject;

/**
 * A function or method a template may call. `params` are Go type names (`string`, `int`, `interface {}`, …): the
 * executor converts literals and refuses other values as Go does. When `variadic`, the last one may repeat.
 */
export interface GoMethod {
  readonly params: readonly string[];
  readonly variadic?: boolean;
  readonly call: (args: readonly GoValue[]) => GoValue;
}

/** Methods by exported Go name. */
export type GoMethods = Readonly<Record<string, GoMethod>>;

/** An integer of a sized Go kind, optionally of a named type such as `time.Duration`. */
export class GoInt {
  readonly kind: GoIntKind;
  readonly value: bigint;
  readonly typeName: string;
  readonly methods: GoMethods | undefined;

  constructor(kind: GoIntKind, value: bigint, typeName: string = kind, methods?: GoMethods) {
    this.kind = kind;
    this.value = value;
    this.typeName = typeName;
    this.methods = methods;
  }
}

/** A Go `[]byte`. */
export class GoBytes {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A Go slice. Items are never changed in place by functions; `typeName` is what `%T` prints. */
export class GoSlice {
  readonly items: readonly GoValue[];
  readonly typeName: string;
  readonly methods: GoMethods | undefined;
  readonly isNil: boolean;

  constructor(items: readonly GoValue[], typeName = '[]interface {}', methods?: GoMethods, isNil = false) {
    this.items = items;
    this.typeName = typeName;
    this.methods = methods;
    this.isNil = isNil;
  }
}

/**
 * A Go map with string keys. It is shared and mutable, as in Go: `set`, `unset` and `merge` write into it.
 * `elemType` is the static type of elements; a missing key of `map[string]string` reads as the empty string.
 */
export class GoMap {
  readonly entries: Map<string, GoValue>;
  readonly typeName: string;
  readonly elemType: string;
  readonly methods: GoMethods | undefined;
  readonly isNil: boolean;

  constructor(
    entries: Map<string, GoValue> = new Map(),
    typeName = 'map[string]interface {}',
    options: { readonly elemType?: string; readonly methods?: GoMethods; readonly isNil?: boolean } = {},
  ) {
    this.entries = entries;
    this.typeName = typeName;
    this.elemType = options.elemType ?? 'interface {}';
    this.methods = options.methods;
    this.isNil = options.isNil ?? false;
  }
}

/** What a `GoObject` is made of. */
export interface GoObjectOptions {
  /** What `%T` prints, with a leading `*` when it is a pointer: `*common.Capabilities`, `time.Time`. */
  readonly typeName: string;
  readonly fields?: Readonly<Record<string, GoValue>>;
  readonly methods?: GoMethods;
  /** The String() method that `fmt` uses wherever the value goes. */
  readonly string?: () => string;
  /** A String() method with a pointer receiver: used only where the template prints the field directly. */
  readonly addressableString?: () => string;
  /** The host's own value behind the object (a date, a version); functions read it. */
  readonly payload?: unknown;
}

/** A Go struct (or pointer to one) with fields and methods. */
export class GoObject {
  readonly typeName: string;
  readonly fields: Readonly<Record<string, GoValue>>;
  readonly methods: GoMethods | undefined;
  readonly string: (() => string) | undefined;
  readonly addressableString: (() => string) | undefined;
  readonly payload: unknown;

  constructor(options: GoObjectOptions) {
    this.typeName = options.typeName;
    this.fields = options.fields ?? {};
    this.methods = options.methods;
    this.string = options.string;
    this.addressableString = options.addressableString;
    this.payload = options.payload;
  }

  /** Whether the value is a pointer to a struct. */
  get isPointer(): boolean {
    return this.typeName.startsWith('*');
  }
}

const SMALL_INTS: readonly GoInt[] = Array.from({ length: 1024 }, (_, index) => new GoInt('int', BigInt(index)));

/** A Go `int`. */
export function goInt(value: number | bigint): GoInt {
  const small = value >= 0 && value < 1024 ? SMALL_INTS[Number(value)] : undefined;
  return small ?? new GoInt('int', BigInt.asIntN(64, BigInt(value)));
}

/** A Go `int64`. */
export function goInt64(value: number | bigint): GoInt {
  return new GoInt('int64', BigInt.asIntN(64, BigInt(value)));
}

/** A `[]interface {}`. */
export function goList(items: readonly GoValue[]): GoSlice {
  return new GoSlice(items);
}

/** A `[]string`. */
export function goStrings(items: readonly string[]): GoSlice {
  return new GoSlice(items, '[]string');
}

/** A `map[string]interface {}` from entries. */
export function goMap(entries: Iterable<readonly [string, GoValue]> = []): GoMap {
  return new GoMap(new Map(entries));
}

/** The Go value of plain JSON data: numbers become float64, bigints int64, objects `map[string]interface {}`. */
export function fromJson(value: unknown): GoValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return goInt64(value);
  if (Array.isArray(value)) return new GoSlice(value.map(fromJson));
  if (value instanceof Map) {
    return goMap([...value].map(([key, item]: [unknown, unknown]): [string, GoValue] => [String(key), fromJson(item)]));
  }
  if (typeof value === 'object') return goMap(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
  return null;
}

/** Plain JSON data of a Go value: the way back of `fromJson`. Integers beyond 2^53 lose digits; objects give their fields. */
export function toJson(value: GoValue): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof GoInt) return Number(value.value);
  if (value instanceof GoBytes) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof GoSlice) return value.isNil ? null : value.items.map(toJson);
  if (value instanceof GoMap) {
    const plain: Record<string, unknown> = Object.create(null) as Record<string, unknown>; // no prototype: keys are data
    for (const [key, item] of value.entries) plain[key] = toJson(item);
    return plain;
  }
  return Object.fromEntries(Object.entries(value.fields).map(([key, item]) => [key, toJson(item)]));
}
