import { canonicalQuantity, schemaByName, type FieldSchema, type ObjectSchema } from '@tiphys/kube-model';
import { asMap, setField, type JsonMap } from '../draft.ts';
import { badRequest } from '../failures.ts';

/** What reading an object against its schema found. */
export interface CoerceReport {
  /** Paths of fields the kind does not have; they were removed. */
  readonly unknown: string[];
}

interface Place {
  readonly kind: string;
  readonly version: string;
  /** Definition and fields as Go would name the struct: `DeploymentSpec.spec.replicas`. */
  readonly owner: string;
  readonly path: string;
  /** Path with list indexes, as unknown fields are reported. */
  readonly full: string;
}

/**
 * Gives an object of a built-in kind the shape of its schema, in place: unknown fields and nulls go, quantities become
 * canonical. Throws 400 with upstream's words when a field has the wrong type.
 */
export function coerceObject(object: JsonMap, schema: ObjectSchema, apiVersion: string, kind: string): CoerceReport {
  const unknown: string[] = [];
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  coerceFields(object, schema, { kind, version, owner: '', path: '', full: '' }, unknown);
  return { unknown };
}

function coerceFields(map: JsonMap, schema: ObjectSchema, place: Place, unknown: string[]): void {
  const owner = schema.name.slice(schema.name.lastIndexOf('.') + 1);
  for (const [key, value] of Object.entries(map)) {
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    const full = place.full === '' ? key : `${place.full}.${key}`;
    if (field === undefined) {
      delete map[key];
      unknown.push(full);
    } else if (value === null) {
      if (field.type !== 'any') delete map[key];
    } else setField(map, key, coerceValue(value, field, { ...place, owner, path: place.path === '' ? key : `${place.path}.${key}`, full }, unknown));
  }
}

function coerceValue(value: unknown, field: FieldSchema, place: Place, unknown: string[]): unknown {
  switch (field.type) {
    case 'any':
      return value;
    case 'object':
      return coerceChild(value, field, place, unknown);
    case 'map':
      return coerceEntries(value, field, place, unknown);
    case 'array':
      if (!Array.isArray(value)) throw mismatch(value, place, 'slice');
      return value.map((item, index) =>
        item === null ? emptyOf(field.items) : coerceValue(item, field.items ?? { type: 'any' }, { ...place, full: `${place.full}[${index}]` }, unknown),
      );
    case 'quantity':
      return coerceQuantity(value, place);
    case 'intstr':
      if (typeof value !== 'string' && !(typeof value === 'number' && Number.isInteger(value))) throw mismatch(value, place, 'intstr.IntOrString');
      return value;
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch(value, place, 'int32');
      return value;
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, place, 'float64');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, place, 'bool');
      return value;
    case 'bytes':
      return coerceBytes(value, place);
    case 'time':
    case 'microtime': {
      const canonical = typeof value === 'string' ? canonicalTime(value, field.type) : undefined;
      if (canonical === undefined)
        throw badRequest(
          `${place.kind} in version "${place.version}" cannot be handled as a ${place.kind}: parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`,
        );
      return canonical;
    }
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, place, 'string');
      return value;
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A time as Kubernetes writes it: in UTC, in whole seconds or with six digits. Undefined when it is none. */
function canonicalTime(text: string, type: 'time' | 'microtime'): string | undefined {
  const [, fraction = ''] = RFC3339.exec(text) ?? [];
  const atMs = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return undefined;
  const seconds = new Date(Math.floor(atMs / 1_000) * 1_000).toISOString().slice(0, 19);
  return type === 'time' ? `${seconds}Z` : `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

function coerceChild(value: unknown, field: FieldSchema, place: Place, unknown: string[]): unknown {
  const map = asMap(value);
  const schema = schemaByName(field.ref ?? '');
  const type = (field.ref ?? '').split('.').slice(-2).join('.');
  if (map === undefined) throw mismatch(value, place, type);
  if (schema !== undefined) coerceFields(map, schema, place, unknown);
  return map;
}

function coerceEntries(value: unknown, field: FieldSchema, place: Place, unknown: string[]): unknown {
  const map = asMap(value);
  const items = field.items ?? { type: 'any' };
  if (map === undefined) throw mismatch(value, place, `map[string]${items.type}`);
  for (const [key, item] of Object.entries(map)) {
    setField(map, key, item === null ? emptyOf(items) : coerceValue(item, items, { ...place, full: `${place.full}.${key}` }, unknown));
  }
  return map;
}

// Go decodes null inside lists and maps to the zero value.
function emptyOf(field: FieldSchema | undefined): unknown {
  switch (field?.type) {
    case 'string':
    case 'bytes':
    case 'time':
    case 'microtime':
    case 'intstr':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'quantity':
      return '0';
    case 'object':
    case 'map':
    case 'any':
    case undefined:
      return {};
  }
}

function coerceQuantity(value: unknown, place: Place): string {
  const canonical = typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : undefined;
  if (canonical === undefined) {
    throw badRequest(
      `${place.kind} in version "${place.version}" cannot be handled as a ${place.kind}: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    );
  }
  return canonical;
}

const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

function coerceBytes(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, place, '[]uint8');
  const bad = BASE64.test(value) ? -1 : [...value].findIndex((char) => !/[A-Za-z0-9+/=\r\n]/.test(char));
  if (!BASE64.test(value) || value.replace(/[\r\n]/g, '').length % 4 !== 0) {
    throw badRequest(
      `${place.kind} in version "${place.version}" cannot be handled as a ${place.kind}: illegal base64 data at input byte ${bad < 0 ? value.length : bad}`,
    );
  }
  return /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
}

function mismatch(value: unknown, place: Place, type: string): Error {
  const actual = Array.isArray(value)
    ? 'array'
    : typeof value === 'object'
      ? 'object'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'number'
          ? 'number'
          : 'string';
  const shown = actual === 'number' && type === 'int32' ? `number ${String(value)}` : actual;
  return badRequest(
    `${place.kind} in version "${place.version}" cannot be handled as a ${place.kind}: json: cannot unmarshal ${shown} into Go struct field ${place.owner}.${place.path} of type ${type}`,
  );
}
