import { isOmittedZero, schemaByName, type FieldSchema, type ObjectSchema } from '@tiphys/kube-model';
import { asMap, type JsonMap } from '../draft.ts';

// Fields that Go writes also when they are empty, although no client has to give them.
const KEPT_EMPTY: ReadonlySet<string> = new Set(['rules', 'ports', 'endpoints']);

/**
 * Takes away, in place, what upstream's types do not write: empty lists, maps and texts, and the zeros of plain fields. What a
 * client sends as `tty: false` is no more in the object than what it leaves out (Go's `omitempty`). Status is left as it is.
 */
export function dropZeros(object: JsonMap, schema: ObjectSchema): void {
  for (const [key, value] of Object.entries(object)) if (key !== 'status') dropZero(object, key, value, schema);
}

function dropZero(object: JsonMap, key: string, value: unknown, schema: ObjectSchema): void {
  const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
  if (field === undefined || key === 'managedFields') return;
  const isRequired = schema.required?.includes(key) === true;
  if (!isRequired && isEmpty(key, value, field)) delete object[key];
  else descend(value, field);
}

function isEmpty(key: string, value: unknown, { type }: FieldSchema): boolean {
  if (type === 'array') return Array.isArray(value) && value.length === 0 && !KEPT_EMPTY.has(key);
  if (type !== 'map') return (type === 'string' || type === 'integer' || type === 'boolean') && isOmittedZero(key, value);
  const map = asMap(value);
  return map !== undefined && Object.keys(map).length === 0;
}

function descend(value: unknown, field: FieldSchema): void {
  if (field.type === 'object') {
    const map = asMap(value);
    const schema = schemaByName(field.ref ?? '');
    if (map !== undefined && schema !== undefined) for (const [key, child] of Object.entries(map)) dropZero(map, key, child, schema);
  } else if (field.items?.type === 'object' || field.items?.type === 'array') {
    for (const item of Array.isArray(value) ? value : Object.values(asMap(value) ?? {})) descend(item, field.items);
  }
}
