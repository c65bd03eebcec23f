import { request } from 'node:https';
import type { appsv1, corev1, policyv1 } from '@tiphys/kube-model';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster, type Cluster } from './cluster.test-suite.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 2 });
  await cluster.namespace('t');
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

async function budgetStatus(): Promise<policyv1.PodDisruptionBudgetStatus | undefined> {
  return (await cluster.get<policyv1.PodDisruptionBudget>('PodDisruptionBudget', { namespace: 't', name: 'web' }))?.status;
}

async function pods(): Promise<readonly corev1.Pod[]> {
  return (await cluster.list<corev1.Pod>('Pod', 't')).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

// Not by the client: it tries again when it is told to come back later.
function evict(name: string): Promise<string> {
  const { server } = cluster;
  const body = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 't' } });
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${server.adminToken}`, 'content-type': 'application/json' };
    const call = request(`${server.url}/api/v1/namespaces/t/pods/${name}/eviction`, { method: 'POST', ca: server.caPem, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('end', () => resolve(answer.statusCode === 201 ? 'evicted' : `${answer.statusCode}: ${Buffer.concat(parts).toString()}`));
    });
    call.once('error', reject);
    call.end(body);
  });
}

it('lets go of as many pods as a budget allows, and of no more', async () => {
  const labels = { app: 'web' };
  await cluster.create<appsv1.Deployment>({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 't', name: 'web' },
    spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } } },
  });
  await cluster.create<policyv1.PodDisruptionBudget>({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace: 't', name: 'web' },
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  });
  await cluster.until('all pods count', async () => (await budgetStatus())?.disruptionsAllowed === 1);
  expect(await budgetStatus()).toMatchObject({ currentHealthy: 3, desiredHealthy: 2, expectedPods: 3, observedGeneration: 1 });
  const before = (await pods()).map(({ metadata }) => metadata.name ?? '');
  // All at once: the budget lets exactly one of them go.
  const answers = await Promise.all(before.map(evict));
  expect(answers.filter((answer) => answer === 'evicted')).toHaveLength(1);
  const refused = answers.find((answer) => answer !== 'evicted') ?? '';
  expect(refused).toContain('429');
  expect(refused).toContain('The disruption budget web needs 2 healthy pods and has');
  await cluster.until('the lost pod is made up for', async () => (await budgetStatus())?.disruptionsAllowed === 1 && (await pods()).length === 3);
});
