import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createKubectl, findKubectls, type Kubectl } from './kubectl.ts';
import { MATRIX, type Step } from './kubectl-matrix-steps.ts';
import { startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

// One script, every kubectl: each step succeeds as told, and all of them leave the same objects behind.
const dir = mkdtempSync(join(tmpdir(), 'tiphys-matrix-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What a step of the script did, in words that do not differ between versions. */
async function perform(kubectl: Kubectl, step: Step): Promise<string | undefined> {
  const { code, out, err } = await kubectl(step.args, step.input);
  if (code !== (step.code ?? 0)) return `${step.name}: ended with ${code}: ${err}${out}`;
  const text = step.stderr === true ? err : out;
  return step.says === undefined || step.says.test(text) ? undefined : `${step.name}: said ${JSON.stringify(text.slice(0, 1_000))}, not ${String(step.says)}`;
}

const KINDS = [
  '/api/v1/namespaces/matrix/configmaps',
  '/api/v1/namespaces/matrix/secrets',
  '/api/v1/namespaces/matrix/services',
  '/api/v1/namespaces/matrix/pods',
  '/api/v1/namespaces/matrix/serviceaccounts',
  '/api/v1/namespaces/matrix/resourcequotas',
  '/apis/apps/v1/namespaces/matrix/deployments',
  '/apis/apps/v1/namespaces/matrix/replicasets',
  '/apis/apps/v1/namespaces/matrix/statefulsets',
  '/apis/batch/v1/namespaces/matrix/jobs',
  '/apis/batch/v1/namespaces/matrix/cronjobs',
  '/apis/autoscaling/v2/namespaces/matrix/horizontalpodautoscalers',
  '/apis/networking.k8s.io/v1/namespaces/matrix/ingresses',
  '/apis/policy/v1/namespaces/matrix/poddisruptionbudgets',
  '/apis/rbac.authorization.k8s.io/v1/namespaces/matrix/roles',
  '/apis/rbac.authorization.k8s.io/v1/namespaces/matrix/rolebindings',
  '/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=matrix',
  '/apis/scheduling.k8s.io/v1/priorityclasses?labelSelector=matrix',
  '/apis/matrix.example.com/v1/namespaces/matrix/gadgets',
];

// What differs between two clusters, or by the time of day, or is written by kubectl for itself.
const FLEETING: ReadonlySet<string> = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'time',
  'clusterIP',
  'clusterIPs',
  'kubectl.kubernetes.io/last-applied-configuration',
  'lastTransitionTime',
  'lastUpdateTime',
  'startTime',
  'status',
  'ca.crt',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
]);

function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.replace(/kube-api-access-\w{5}/g, 'kube-api-access-x') : value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !FLEETING.has(key))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, lasting(child)]),
  );
}

async function leftBehind(plane: ConformancePlane): Promise<unknown> {
  const objects: Record<string, unknown> = {};
  for (const path of KINDS) {
    const { items } = await plane.must(200, 'GET', path);
    for (const item of items) {
      // Pods and what controllers make of templates carry random names; the templates are compared.
      if (item.metadata.ownerReferences !== undefined || item.metadata.generateName !== undefined) continue;
      const { managedFields: _managedFields, ...metadata } = item.metadata;
      objects[`${path}/${item.metadata.name}`] = lasting({ ...item, metadata });
    }
  }
  return objects;
}

const found = findKubectls().filter(({ isFound }) => isFound);
let first: { readonly version: string; readonly objects: unknown } | undefined;

describe.skipIf(found.length === 0)(`${MATRIX.length} commands`, () => {
  it.each(found)('with kubectl $version', { timeout: 120_000 }, async ({ version }) => {
    await using plane = await startConformancePlane();
    const home = join(dir, version);
    const kubeconfig = join(dir, `config-${version}`);
    writeFileSync(kubeconfig, plane.server.adminKubeconfig(), { mode: 0o600 });
    const kubectl = createKubectl(version, { home, kubeconfig });
    const problems: string[] = [];
    for (const step of MATRIX) {
      const problem = (step.since ?? '1.0') > version ? undefined : await perform(kubectl, step);
      if (problem !== undefined) problems.push(problem);
    }
    expect(problems).toStrictEqual([]);
    const objects: Answer['body'] = await leftBehind(plane);
    expect(Object.keys(objects).length).toBeGreaterThan(20);
    first ??= { version, objects };
    expect(objects, `as kubectl ${first.version} left them`).toStrictEqual(first.objects);
    process.stdout.write(
      `kubectl ${version}: ${MATRIX.length} of ${MATRIX.length} commands, ${Object.keys(objects).length} objects as with ${first.version}\n`,
    );
  });
});
