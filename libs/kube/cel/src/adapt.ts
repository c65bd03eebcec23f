import { decodeBase64 } from './bytes.ts';
import { formatType } from './cel-type.ts';
import type { DeclField, DeclType } from './decl-type.ts';
import { fieldNamed } from './field-name.ts';
import { CelError } from './problem.ts';
import { parseDate, parseDuration, parseTimestamp } from './time.ts';
import { lazyList, type CelMap, type CelValue } from './value.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * JSON data as a value of expressions, made as it is looked at. With a declared type, fields have the types and names the
 * schema gives them and others are not seen; without, whole numbers are ints, others doubles, and objects are maps.
 * The data must not change while the value is used.
 */
export function adapt(data: unknown, type?: DeclType): CelValue {
  if (data === null || data === undefined) return null;
  if (Array.isArray(data)) {
    const element = type?.element;
    return lazyList(data, (item) => adapt(item, element), type?.identity);
  }
  if (typeof data === 'object') {
    // An object of a JSON document has string keys.
    const object = data as JsonObject;
    return type?.fields === undefined ? new JsonMap(object, type?.element) : new JsonObjectValue(object, type.fields, formatType(type.celType));
  }
  return adaptScalar(data, type);
}

function adaptScalar(data: unknown, type: DeclType | undefined): CelValue {
  if (typeof data === 'boolean') return data;
  if (typeof data === 'number') {
    if (type?.celType.kind === 'double') return data;
    return Number.isInteger(data) ? BigInt(data) : data;
  }
  if (typeof data === 'bigint') return data;
  if (typeof data !== 'string') throw new CelError(`unsupported data of type ${typeof data}`);
  return type?.format === undefined ? data : formatted(data, type.format);
}

function formatted(text: string, format: NonNullable<DeclType['format']>): CelValue {
  const value =
    format === 'bytes' ? decodeBase64(text) : format === 'duration' ? parseDuration(text) : format === 'date' ? parseDate(text) : parseTimestamp(text);
  if (value === undefined) throw new CelError(`Invalid ${format} ${JSON.stringify(text)}`);
  return value;
}

class JsonMap implements CelMap {
  readonly form = 'map';
  readonly #data: JsonObject;
  readonly #element: DeclType | undefined;

  constructor(data: JsonObject, element: DeclType | undefined) {
    this.#data = data;
    this.#element = element;
  }

  get size(): number {
    return Object.keys(this.#data).length;
  }

  has(key: CelValue): boolean {
    return typeof key === 'string' && Object.hasOwn(this.#data, key) && this.#data[key] !== undefined;
  }

  get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' && this.has(key) ? adapt(this.#data[key], this.#element) : undefined;
  }

  keys(): Iterable<CelValue> {
    return Object.keys(this.#data).filter((key) => this.#data[key] !== undefined);
  }
}

class JsonObjectValue implements CelMap {
  readonly form = 'object';
  readonly typeName: string;
  readonly #data: JsonObject;
  readonly #fields: ReadonlyMap<string, DeclField>;

  constructor(data: JsonObject, fields: ReadonlyMap<string, DeclField>, typeName: string) {
    this.#data = data;
    this.#fields = fields;
    this.typeName = typeName;
  }

  get size(): number {
    return Object.keys(this.#data).length;
  }

  has(key: CelValue): boolean {
    const field = typeof key === 'string' ? fieldNamed(this.#fields, key) : undefined;
    // A null is an absent field, as upstream has it for objects with properties.
    return field !== undefined && Object.hasOwn(this.#data, field.name) && (this.#data[field.name] ?? null) !== null;
  }

  get(key: CelValue): CelValue | undefined {
    const field = typeof key === 'string' ? fieldNamed(this.#fields, key) : undefined;
    return field !== undefined && this.has(key) ? adapt(this.#data[field.name], field.type) : undefined;
  }

  *keys(): Generator<CelValue> {
    for (const key of this.#fields.keys()) if (this.has(key)) yield key;
  }

  get data(): JsonObject {
    return this.#data;
  }
}
