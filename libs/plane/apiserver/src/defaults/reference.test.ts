import { existsSync, readFileSync } from 'node:fs';
import { deepEqual, schemaNames, schemaByName } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { asList, asMap, setField, type Draft, type JsonMap } from '../draft.ts';
import { Catalog } from '../registry/catalog.ts';
import { coerceObject } from '../registry/coerce.ts';
import { applyDefaults } from '../registry/prepare.ts';

// What Kubernetes 1.33 sets by default, one rule a line; data kept outside the repository.
const FILE = new URL('../../../../../../shared/reference/kubernetes/defaults.jsonl', import.meta.url).pathname;

interface Row {
  readonly gvk: string;
  readonly path: string;
  readonly default: unknown;
  readonly condition: string;
  readonly origin: string;
}

if (!existsSync(FILE)) process.stdout.write('defaults: skipped, there is no reference data beside the repository\n');
const rows: readonly Row[] = existsSync(FILE)
  ? readFileSync(FILE, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
  : [];

const catalog = new Catalog();

/** Parents that need a field of their own to be what they are. */
const SEEDS: Readonly<Record<string, JsonMap>> = {
  containers: { name: 'c', image: 'x:1' },
  initContainers: { name: 'i', image: 'x:1' },
  ephemeralContainers: { name: 'e', image: 'x:1' },
  fieldRef: { fieldPath: 'metadata.name' },
  volumes: { name: 'v' },
  image: { reference: 'x:1' },
  limits: { type: 'Container' },
  subjects: { kind: 'User', name: 'u' },
  requests: { name: 'r', deviceClassName: 'd' },
};

/** The object with every parent of the path, and the value at its end unless it is undefined. */
function build(gvk: string, path: string, value?: unknown): JsonMap {
  const slash = gvk.lastIndexOf('/');
  const root: JsonMap = { apiVersion: gvk.slice(0, slash), kind: gvk.slice(slash + 1), metadata: { name: 'n' } };
  put(root, path.replaceAll('[]', '.[]').split('.'), value);
  return root;
}

function put(at: JsonMap, [step = '', next, ...rest]: readonly string[], value: unknown): void {
  if (next === undefined) {
    if (value !== undefined) setField(at, step, value);
    return;
  }
  if (next === '[]') {
    const item = { ...SEEDS[step] };
    at[step] = [item];
    if (rest.length > 0) put(item, rest, value);
    return;
  }
  const child = asMap(at[step]) ?? { ...SEEDS[step] };
  at[step] = child;
  put(child, [next, ...rest], value);
}

function read(at: unknown, path: string): unknown {
  let found = at;
  for (const step of path.replaceAll('[]', '.[]').split('.')) found = step === '[]' ? asList(found)[0] : asMap(found)?.[step];
  return found;
}

function defaulted(gvk: string, object: JsonMap): JsonMap {
  const draft = object as unknown as Draft; // build gives it apiVersion, kind and metadata.
  const slash = gvk.lastIndexOf('/');
  const served = catalog.findKind(gvk.slice(0, slash), gvk.slice(slash + 1));
  if (served === undefined) throw new Error('not served');
  const schema = served.schema ?? schemaByName(schemaNames().find((name) => name.endsWith(`.${served.kind}`)) ?? '');
  if (schema !== undefined) coerceObject(object, schema, served.apiVersion, served.kind);
  applyDefaults(served, draft);
  return object;
}

type Verdict = 'ok' | 'not served' | 'set elsewhere' | { readonly got: unknown };

/** Rules that another part of the server honours, or that are about no stored field. */
function isElsewhere({ gvk, origin, condition, path }: Row): boolean {
  if (origin === 'registry' || gvk.startsWith('*') || gvk === 'v1/PodLogOptions') return true;
  if (gvk === 'authentication.k8s.io/v1/TokenRequest' || gvk.startsWith('apiextensions.k8s.io/')) return true;
  if (/\(alpha, off in 1\.33\)/.test(condition) && !path.endsWith('[*]')) return true;
  return condition.includes('in memory only') || path === 'spec.jobTemplate.spec.*';
}

function judge(row: Row): Verdict {
  if (isElsewhere(row)) return 'set elsewhere';
  const { gvk, path, condition } = row;
  const slash = gvk.lastIndexOf('/');
  if (catalog.findKind(gvk.slice(0, slash), gvk.slice(slash + 1)) === undefined) return 'not served';
  const trials = trialsOf(row);
  for (const { object, at, expected } of trials) {
    const got = read(defaulted(gvk, object), at);
    if (!deepEqual(got ?? null, expected ?? null)) return { got };
  }
  return trials.length === 0 ? { got: `no trial for ${condition} at ${path}` } : 'ok';
}

interface Trial {
  readonly object: JsonMap;
  readonly at: string;
  readonly expected: unknown;
}

function expand(path: string): readonly string[] {
  const [, before = '', names, after = ''] = /^(.*?)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  return names === undefined ? [path] : names.split(',').flatMap((name) => expand(`${before}${name}${after}`));
}

function trialsOf(row: Row): readonly Trial[] {
  const { gvk, condition } = row;
  const special = SPECIAL.find(({ when }) => when.test(`${condition} @ ${gvk} ${row.path}`));
  if (special !== undefined) return special.trials(row);
  return row.path
    .split(/, (?=spec|status)/)
    .flatMap(expand)
    .flatMap((path) => {
      if (path.endsWith('[*]')) return [{ object: build(gvk, path.slice(0, -3), { cpu: '1500u' }), at: `${path.slice(0, -3)}.cpu`, expected: '2m' }];
      return [
        { object: build(gvk, path), at: path, expected: row.default },
        ...(condition === '0 or unset' ? [{ object: build(gvk, path, 0), at: path, expected: row.default }] : []),
      ];
    });
}

/** A trial over an object with some more fields. */
function withFields(row: Row, fields: Readonly<Record<string, unknown>>, expected: unknown = row.default, at: string = row.path): readonly Trial[] {
  const object = build(row.gvk, row.path);
  for (const [path, value] of Object.entries(fields)) {
    const parts = path.split('.');
    let target: JsonMap | undefined = object;
    for (const part of parts.slice(0, -1)) {
      const next: unknown = part === '[]' ? undefined : target?.[part];
      const first = Array.isArray(next) ? asMap(next[0]) : asMap(next);
      if (first === undefined && target !== undefined) target[part] = {};
      target = first ?? asMap(target?.[part]);
    }
    if (target !== undefined) setField(target, parts.at(-1) ?? '', value);
  }
  return [{ object, at, expected }];
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('.')).replaceAll('[]', '');

const SPECIAL: readonly { readonly when: RegExp; readonly trials: (row: Row) => readonly Trial[] }[] = [
  { when: /tag is "latest"/, trials: (row) => ['x', 'x:latest', 'r:5000/x'].flatMap((image) => withFields(row, { [`${parentOf(row.path)}.image`]: image })) },
  {
    when: /^image volume set, unset, tag/,
    trials: (row) => withFields(row, { [`${parentOf(row.path)}.reference`]: 'x:latest' }),
  },
  { when: /^no volume source/, trials: (row) => withFields(row, {}) },
  {
    when: /^limits\[k\] given/,
    trials: (row) => {
      const resources = row.path.slice(0, row.path.indexOf('.requests'));
      return [{ object: build(row.gvk, `${resources}.limits`, { cpu: '1' }), at: `${resources}.requests.cpu`, expected: '1' }];
    },
  },
  {
    when: /^spec\.hostNetwork true/,
    trials: (row) => withFields(row, { 'spec.hostNetwork': true, [`${parentOf(row.path)}.containerPort`]: 80 }, 80),
  },
  {
    when: /^sessionAffinity is None/,
    trials: (row) => withFields(row, { 'spec.sessionAffinityConfig': { clientIP: { timeoutSeconds: 5 } } }, null),
  },
  { when: /^sessionAffinity is ClientIP/, trials: (row) => withFields(row, { 'spec.sessionAffinity': 'ClientIP' }) },
  {
    when: /^unset, 0 or empty string/,
    trials: (row) =>
      [undefined, 0, ''].flatMap((value) => withFields(row, { 'spec.ports.port': 7, ...(value === undefined ? {} : { 'spec.ports.targetPort': value }) }, 7)),
  },
  {
    when: /^unset and externally accessible/,
    trials: (row) => [
      ...withFields(row, { 'spec.type': 'NodePort' }),
      ...withFields(row, { 'spec.type': 'LoadBalancer' }),
      ...withFields(row, { 'spec.externalIPs': ['10.0.0.1'] }),
      ...withFields(row, {}, null),
    ],
  },
  { when: /^unset and type ClusterIP, NodePort/, trials: (row) => [...withFields(row, {}), ...withFields(row, { 'spec.type': 'ExternalName' }, null)] },
  { when: /^type LoadBalancer and unset/, trials: (row) => withFields(row, { 'spec.type': 'LoadBalancer' }) },
  { when: /^type LoadBalancer, ip set/, trials: (row) => withFields(row, { 'spec.type': 'LoadBalancer', 'status.loadBalancer.ingress.ip': '10.0.0.1' }) },
  {
    when: /^name known/,
    trials: ({ gvk }) => [
      {
        object: build(gvk, 'metadata.labels', { 'kubernetes.io/metadata.name': 'other' }),
        at: 'metadata.labels',
        expected: { 'kubernetes.io/metadata.name': 'n' },
      },
    ],
  },
  { when: /^allocatable unset/, trials: (row) => withFields(row, { 'status.capacity': { cpu: '1' } }, { cpu: '1' }) },
  {
    when: /^type Container, key missing and max/,
    trials: ({ gvk }) => [{ object: build(gvk, 'spec.limits[].max', { cpu: '2' }), at: 'spec.limits[].default', expected: { cpu: '2' } }],
  },
  {
    when: /^type Container, key missing/,
    trials: ({ gvk }) => [
      { object: build(gvk, 'spec.limits[].default', { cpu: '2' }), at: 'spec.limits[].defaultRequest', expected: { cpu: '2' } },
      { object: build(gvk, 'spec.limits[].min', { cpu: '1' }), at: 'spec.limits[].defaultRequest', expected: { cpu: '1' } },
    ],
  },
  { when: /^empty and egress rules/, trials: (row) => withFields(row, { 'spec.egress': [{}] }) },
  { when: /^kind ServiceAccount/, trials: (row) => withFields(row, { 'subjects.kind': 'ServiceAccount' }, null) },
  {
    when: /labels empty and template has labels|selector empty/,
    trials: (row) => withFields(row, { spec: { template: { metadata: { labels: { a: 'b' } } } } }, { a: 'b' }),
  },
  { when: /^(strategy )?RollingUpdate and unset/, trials: (row) => withFields(row, { [`${parentOf(parentOf(row.path))}.type`]: 'RollingUpdate' }) },
  { when: /^type was unset/, trials: (row) => [{ object: build(row.gvk, 'spec.replicas', 1), at: row.path, expected: { partition: 0 } }] },
  { when: /^RollingUpdate with rollingUpdate present/, trials: (row) => withFields(row, { 'spec.updateStrategy.type': 'RollingUpdate' }) },
  { when: /backoffLimitPerIndex set/, trials: (row) => withFields(row, { 'spec.backoffLimitPerIndex': 1 }) },
  { when: /^unset and podFailurePolicy set/, trials: (row) => withFields(row, { 'spec.podFailurePolicy': { rules: [] } }) },
  { when: /^behavior given/, trials: ({ gvk, path, default: value }) => [{ object: build(gvk, 'spec.behavior', {}), at: path, expected: value ?? undefined }] },
  { when: /^empty @ autoscaling/, trials: (row) => [...withFields(row, { 'spec.metrics': [] }), ...withFields(row, {})] },
];

describe.skipIf(rows.length === 0)('defaults of Kubernetes 1.33', () => {
  it('are set as the reference says', () => {
    const verdicts = rows.map((row) => ({ row, verdict: judge(row) }));
    const wrong = verdicts.filter(({ verdict }) => typeof verdict === 'object');
    for (const { row, verdict } of wrong)
      process.stdout.write(`default ${row.gvk} ${row.path} (${row.condition}): ${JSON.stringify(verdict)} instead of ${JSON.stringify(row.default)}\n`);
    const count = (wanted: Verdict): number => verdicts.filter(({ verdict }) => verdict === wanted).length;
    process.stdout.write(
      `defaults: ${count('ok')} of ${rows.length} rules set, ${wrong.length} differ, ${count('set elsewhere')} set or checked elsewhere, ${count('not served')} of kinds that are not served\n`,
    );
    expect(wrong.map(({ row }) => `${row.gvk} ${row.path}`)).toEqual([]);
  });
});
