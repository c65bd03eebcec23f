import { schemaByName, schemaOf } from '../../libs/kube/model/dist/index.js';
import { below, oneOf } from './random.mjs';

const NAMES = ['a', 'web', 'default', 'x-1', 'kube-system', 'g1'];
const TEXTS = [
  '',
  'a',
  'default',
  'TCP',
  'web',
  '10.0.0.1',
  '1',
  '100m',
  '1Gi',
  '2030-01-02T03:04:05Z',
  'Always',
  'v1',
  'apps/v1',
  '*',
  'registry.example.com/web:1',
  'YQ==',
];

const QUANTITIES = ['1', '100m', '0.5Gi', '-1', '1e3', '1Ki', 'x'];

/** A random value of a field's schema; most of it is plausible. */
function valueOf(random, field, depth) {
  if (field === undefined || depth > 7) return oneOf(random, [undefined, null, 1, 'x', {}]);
  switch (field.type) {
    case 'object': {
      const schema = field.ref === undefined ? undefined : schemaByName(field.ref);
      return schema === undefined ? {} : objectOf(random, schema, depth + 1);
    }
    case 'array':
      return Array.from({ length: below(random, 3) }, () => valueOf(random, field.items, depth + 1));
    case 'map':
      return Object.fromEntries(
        Array.from({ length: below(random, 3) }, () => [oneOf(random, NAMES), valueOf(random, field.items, depth + 1) ?? oneOf(random, TEXTS)]),
      );
    case 'boolean':
      return random() < 0.5;
    case 'integer':
    case 'number':
      return oneOf(random, [0, 1, 2, 80, 8080, -1, 2 ** 31, 30_080]);
    case 'quantity':
      return oneOf(random, QUANTITIES);
    case 'intstr':
      return oneOf(random, [1, '50%', 'http', -1]);
    case 'time':
    case 'microtime':
      return oneOf(random, ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05.000006Z', 'yesterday']);
    case 'bytes':
      return oneOf(random, ['YQ==', '', '%']);
    case 'any':
      return oneOf(random, [{}, { a: 1 }, 'x', null]);
    default:
      return oneOf(random, TEXTS);
  }
}

function objectOf(random, schema, depth) {
  const object = {};
  for (const [name, field] of Object.entries(schema.fields ?? {}))
    if (random() < (schema.required?.includes(name) === true ? 0.95 : depth < 2 ? 0.6 : 0.25)) object[name] = valueOf(random, field, depth);
  return object;
}

/** What mutations start from: collections with bodies that could be right. */
export function seedsOf(rows) {
  return rows.map((row) => ({
    row,
    root: row.group === '' ? `/api/${row.version}` : `/apis/${row.group}/${row.version}`,
    apiVersion: row.group === '' ? row.version : `${row.group}/${row.version}`,
    body: (random) => {
      const apiVersion = row.group === '' ? row.version : `${row.group}/${row.version}`;
      const schema = schemaOf(apiVersion, row.kind);
      return {
        ...(schema === undefined ? {} : objectOf(random, schema, 0)),
        apiVersion,
        kind: row.kind,
        metadata: { name: oneOf(random, NAMES), ...(random() < 0.3 ? { labels: { app: 'web' }, generateName: 'x-', finalizers: ['example.com/f'] } : {}) },
      };
    },
  }));
}
