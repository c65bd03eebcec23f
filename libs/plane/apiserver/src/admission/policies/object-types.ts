import {
  BOOL,
  BYTES,
  declTypeOf,
  DOUBLE,
  DYN,
  escapeFieldName,
  fieldNamed,
  INT,
  listOf,
  mapOf,
  STRING,
  TIMESTAMP,
  type CelType,
  type ObjectType,
} from '@tiphys/kube-cel';
import { schemaByName, type FieldSchema } from '@tiphys/kube-model';
import { asMap } from '../../draft.ts';
import type { ServedResource } from '../../registry/served.ts';

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const builtins = new Map<string, ObjectType | undefined>();

/** What expressions know of the objects of a resource; undefined when it has no schema. */
export function objectTypeOf(served: ServedResource): ObjectType | undefined {
  if (served.custom === undefined) return served.schema === undefined ? undefined : builtinType(served.schema.name);
  const type = declTypeOf(asMap(served.custom.openApiSchema) ?? {}, served.kind, true)?.celType;
  if (type?.kind !== 'object') return undefined;
  // Published schemas have the whole metadata.
  return { ...type, field: (name) => (name === 'metadata' ? builtinType(OBJECT_META) : type.field(name)) };
}

// Fields are looked up as they are asked for: definitions refer to themselves.
function builtinType(name: string): ObjectType | undefined {
  if (builtins.has(name)) return builtins.get(name);
  const schema = schemaByName(name);
  if (schema === undefined) return undefined;
  let fields: ReadonlyMap<string, FieldSchema> | undefined;
  const type: ObjectType = {
    kind: 'object',
    name,
    field: (field) => {
      fields ??= new Map(Object.entries(schema.fields).flatMap(([own, value]) => [[escapeFieldName(own) ?? '', value] as const]));
      const found = fieldNamed(fields, field);
      return found === undefined ? undefined : fieldType(found);
    },
  };
  builtins.set(name, type);
  return type;
}

// Undefined for data of any shape, which expressions do not see.
function fieldType(field: FieldSchema): CelType | undefined {
  switch (field.type) {
    case 'object':
      return builtinType(field.ref ?? '');
    case 'map':
    case 'array': {
      const inner = field.items === undefined ? undefined : fieldType(field.items);
      if (inner === undefined) return undefined;
      return field.type === 'map' ? mapOf(STRING, inner) : listOf(inner);
    }
    case 'string':
    case 'quantity':
      return STRING;
    case 'integer':
      return INT;
    case 'number':
      return DOUBLE;
    case 'boolean':
      return BOOL;
    case 'bytes':
      return BYTES;
    case 'intstr':
      return DYN;
    case 'time':
    case 'microtime':
      return TIMESTAMP;
    case 'any':
      return undefined;
  }
}
