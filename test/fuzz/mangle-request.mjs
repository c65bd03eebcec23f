import { below, oneOf } from './random.mjs';

const ODD = [
  null,
  true,
  -0,
  1e308,
  -1,
  2 ** 53,
  0.1,
  '',
  '\u0000',
  '../..',
  'a'.repeat(5_000),
  [],
  {},
  [[[]]],
  { __proto__: null },
  '${x}',
  '%s%n',
  '\ud800',
  'NaN',
  '1e999999',
  '-',
  '9'.repeat(400),
];
const KEYS = [
  '__proto__',
  'constructor',
  'metadata',
  'spec',
  'status',
  '',
  'a'.repeat(300),
  'kind',
  'apiVersion',
  'name',
  'toString',
  '$patch',
  '$retainKeys',
  '$deleteFromPrimitiveList/finalizers',
  '$setElementOrder/containers',
  'managedFields',
];
const TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/json-patch+json',
  'application/apply-patch+yaml',
  'application/cbor',
  'text/plain',
  '',
  'application/json; charset=utf-8; x',
];
const ACCEPTS = [
  'application/json',
  '*/*',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io',
  'application/json;as=Nonsense;v=v9;g=x',
  'application/yaml;q=0.5, application/json;q=zz',
  ',;=;,',
];
const QUERIES = [
  'limit=-1',
  'limit=1',
  'limit=99999999999999999999',
  'continue=AAAA',
  'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0',
  'resourceVersion=0',
  'resourceVersion=abc',
  'resourceVersion=1',
  'resourceVersion=99999999999999999',
  'resourceVersionMatch=Exact',
  'resourceVersionMatch=x',
  'labelSelector=a%20in%20(b',
  'labelSelector=a%3Db,!c,d%20notin%20(e,f)',
  'labelSelector=((((',
  'fieldSelector=metadata.name%3Dx',
  'fieldSelector=spec.nothing%3D1',
  'fieldSelector=%5C,%5C%3D',
  'watch=true&timeoutSeconds=1',
  'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1',
  'watch=true&resourceVersion=5&timeoutSeconds=1',
  'sendInitialEvents=true',
  'timeoutSeconds=x',
  'dryRun=All',
  'dryRun=Some',
  'fieldManager=m',
  `fieldManager=${'m'.repeat(200)}`,
  'fieldManager=%00',
  'force=true',
  'fieldValidation=Strict',
  'fieldValidation=Warn',
  'fieldValidation=no',
  'gracePeriodSeconds=-5',
  'gracePeriodSeconds=0',
  'propagationPolicy=Foreground',
  'propagationPolicy=x',
  'pretty=true',
  'includeObject=Object',
  'includeObject=x',
  'at=1',
  'at=2030-01-01T00:00:00Z',
  'at=x',
  '%zz=%',
  '&&&===',
];
const METHODS = ['GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'];
const SUBRESOURCES = [
  'status',
  'scale',
  'log',
  'exec',
  'attach',
  'portforward',
  'eviction',
  'binding',
  'token',
  'ephemeralcontainers',
  'resize',
  'approval',
  'finalize',
  'proxy',
  'proxy/x',
  'nothing',
  '%2e%2e',
];
const PATHS = [
  '/',
  '/api',
  '/apis',
  '/apis/apps',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/apis/apps/v1',
  '/version',
  '/healthz',
  '/readyz/x',
  '/metrics',
  '/openid/v1/jwks',
  '/.well-known/openid-configuration',
  '//',
  '/api//v1',
  '/api/v1/namespaces//pods',
  '/apis/%2e%2e/v1',
  '/apis/a/b/c/d/e/f/g/h',
  '/%',
  '/api/v1/namespaces/%ff/pods',
  '/api/v1/watch/pods?timeoutSeconds=1',
];
const NAMES = ['a', 'web', 'default', 'x-1', 'kubernetes', 'kube-root-ca.crt', 'system:masters', '%20', '..%2f', 'A', '-', '%00', 'a'.repeat(260), '\u00e9'];

/** Changes a JSON value somewhere inside. */
function bend(random, value, depth = 0) {
  if (depth > 6 || random() < 0.25 || typeof value !== 'object' || value === null) return oneOf(random, ODD);
  if (Array.isArray(value)) {
    if (value.length === 0) return [oneOf(random, ODD)];
    const at = below(random, value.length);
    return random() < 0.2 ? [...value, ...value, ...value] : value.map((item, index) => (index === at ? bend(random, item, depth + 1) : item));
  }
  const keys = Object.keys(value);
  if (keys.length === 0 || random() < 0.15) return Object.assign(Object.create(null), value, { [oneOf(random, KEYS)]: oneOf(random, ODD) });
  const at = oneOf(random, keys);
  return Object.assign({}, value, { [at]: bend(random, value[at], depth + 1) });
}

/** Changes bytes: flips, cuts, repeats and inserts. */
function tear(random, bytes) {
  const torn = Buffer.from(bytes);
  for (let count = below(random, 4); count > 0 && torn.length > 0; count -= 1) torn[below(random, torn.length)] = below(random, 256);
  if (random() < 0.2) return torn.subarray(0, below(random, torn.length + 1));
  if (random() < 0.1) return Buffer.concat([torn, torn]);
  if (random() < 0.1) return Buffer.concat([torn.subarray(0, torn.length / 2), Buffer.from('['.repeat(below(random, 3_000))), torn.subarray(torn.length / 2)]);
  return torn;
}

function patchOf(random, body) {
  const path = oneOf(random, ['/metadata', '/metadata/labels/a', '/spec', '/spec/x/-', '', '/', '/~2', '/metadata/name', '/__proto__/x', '/spec/replicas']);
  return Array.from({ length: 1 + below(random, 3) }, () => ({
    op: oneOf(random, ['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']),
    path,
    from: oneOf(random, ['/spec', '/metadata', '', '/x']),
    value: bend(random, body),
  }));
}

function varint(value) {
  const out = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...out, rest]);
    out.push((rest % 128) | 128);
  }
}

const field = (number, bytes) => Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);

/** An envelope of the Kubernetes protobuf form around bytes that are anything. */
function protobufOf(random, { apiVersion, row }) {
  const noise = Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256)));
  const metadata = field(1, Buffer.concat([field(1, Buffer.from(oneOf(random, ['a', 'web', 'x-1']))), noise.subarray(0, below(random, 20))]));
  const raw = random() < 0.5 ? Buffer.concat([metadata, field(1 + below(random, 6), noise)]) : noise;
  return Buffer.concat([
    Buffer.from([0x6b, 0x38, 0x73, 0]),
    field(1, Buffer.concat([field(1, Buffer.from(apiVersion)), field(2, Buffer.from(row.kind))])),
    field(2, raw),
  ]);
}

function pathOf(random, { root, row }) {
  if (random() < 0.06) return oneOf(random, PATHS);
  const namespace = row.namespaced && random() < 0.9 ? `/namespaces/${random() < 0.8 ? 'default' : oneOf(random, NAMES)}` : '';
  const name = random() < 0.6 ? `/${encodeURI(oneOf(random, NAMES)).replaceAll('%25', '%')}` : '';
  const subresource = name !== '' && random() < 0.25 ? `/${oneOf(random, SUBRESOURCES)}` : '';
  return `${root}${namespace}/${row.resource}${name}${subresource}`;
}

/** The next request: one that could be right, bent somewhere. */
export function mangle(random, seeds) {
  const seed = oneOf(random, seeds);
  const method = oneOf(random, METHODS);
  const query = Array.from({ length: below(random, 3) }, () => oneOf(random, QUERIES)).join('&');
  const bare = pathOf(random, seed);
  const headers = { accept: random() < 0.5 ? 'application/json' : oneOf(random, ACCEPTS), 'user-agent': 'fuzz/1' };
  if (random() < 0.03) headers['impersonate-user'] = oneOf(random, ['', 'system:admin', 'system:serviceaccount:default:default', 'a'.repeat(500)]);
  if (random() < 0.02) headers.authorization = oneOf(random, ['Bearer ', 'Bearer a.b.c', 'Basic x', 'Bearer eyJhbGciOiJub25lIn0.e30.']);
  const request = { method, path: query === '' ? bare : `${bare}${bare.includes('?') ? '&' : '?'}${query}`, headers };
  // Namespaces are left standing, or nothing could be written after the first thousand requests.
  if (method === 'DELETE' && /^\/api\/v1\/namespaces(\/[^/]*)?(\?|$)/.test(request.path)) request.path = '/api/v1/namespaces/none';
  if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) return request;
  const type = method === 'PATCH' ? oneOf(random, TYPES.slice(3, 7)) : random() < 0.7 ? 'application/json' : oneOf(random, TYPES);
  if (type !== '') headers['content-type'] = type;
  const body = seed.body(random);
  const bent = random() < 0.3 ? body : bend(random, body);
  if (type.includes('protobuf')) request.body = tear(random, protobufOf(random, seed));
  else {
    const text = Buffer.from(JSON.stringify(type.includes('json-patch') ? patchOf(random, body) : bent) ?? 'undefined');
    request.body = random() < 0.3 ? tear(random, text) : text;
  }
  return request;
}
