/** Simple types, named as cel-spec has them. */
type PrimitiveKind = 'dyn' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'duration' | 'timestamp';

/** A type whose fields are known: of a schema, or of a variable the caller declares. */
export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** The type of a field; undefined when there is none. Lazy, so that types may refer to themselves. */
  field(name: string): CelType | undefined;
}

/** The type of an expression (cel-spec, checked.proto). */
export type CelType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'list'; readonly element: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'type'; readonly of: CelType }
  | { readonly kind: 'opaque'; readonly name: string; readonly params: readonly CelType[] }
  | { readonly kind: 'param'; readonly name: string }
  | ObjectType;

/** The types without parameters. */
export const DYN: CelType = { kind: 'dyn' };
export const NULL: CelType = { kind: 'null' };
export const BOOL: CelType = { kind: 'bool' };
export const INT: CelType = { kind: 'int' };
export const UINT: CelType = { kind: 'uint' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BYTES: CelType = { kind: 'bytes' };
export const DURATION: CelType = { kind: 'duration' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };

/** `list(element)`. */
export function listOf(element: CelType): CelType {
  return { kind: 'list', element };
}

/** `map(key, value)`. */
export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: 'map', key, value };
}

/** `optional_type(value)`. */
export function optionalOf(value: CelType): CelType {
  return { kind: 'opaque', name: 'optional_type', params: [value] };
}

/** A type without fields or operators, known by its functions only. */
export function opaque(name: string): CelType {
  return { kind: 'opaque', name, params: [] };
}

/** A type with the fields given. */
export function objectType(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  return { kind: 'object', name, field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined) };
}

/** The value type of an optional; undefined for other types. */
export function optionalValueOf(type: CelType): CelType | undefined {
  return type.kind === 'opaque' && type.name === 'optional_type' ? type.params[0] : undefined;
}

/** The types a type is made of. */
export function partsOf(type: CelType): readonly CelType[] {
  if (type.kind === 'list') return [type.element];
  if (type.kind === 'map') return [type.key, type.value];
  if (type.kind === 'type') return [type.of];
  return type.kind === 'opaque' ? type.params : [];
}

/** The type with the types it is made of replaced. */
export function mapParts(type: CelType, replace: (part: CelType) => CelType): CelType {
  if (type.kind === 'list') return listOf(replace(type.element));
  if (type.kind === 'map') return mapOf(replace(type.key), replace(type.value));
  if (type.kind === 'type') return { kind: 'type', of: replace(type.of) };
  return type.kind === 'opaque' && type.params.length > 0 ? { ...type, params: type.params.map(replace) } : type;
}

/** The type as error messages name it. */
export function formatType(type: CelType): string {
  const name = type.kind === 'opaque' || type.kind === 'param' || type.kind === 'object' ? type.name : type.kind;
  const parts = partsOf(type);
  return parts.length === 0 ? name : `${name}(${parts.map(formatType).join(', ')})`;
}

/** Whether two types are the same. */
export function sameType(a: CelType, b: CelType): boolean {
  if (a.kind === 'list' && b.kind === 'list') return sameType(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return sameType(a.key, b.key) && sameType(a.value, b.value);
  if (a.kind === 'type' && b.kind === 'type') return true;
  if (a.kind === 'opaque' && b.kind === 'opaque') {
    return a.name === b.name && a.params.length === b.params.length && a.params.every((param, index) => sameType(param, b.params[index] ?? DYN));
  }
  if ((a.kind === 'param' && b.kind === 'param') || (a.kind === 'object' && b.kind === 'object')) return a.name === b.name;
  return a.kind === b.kind;
}
