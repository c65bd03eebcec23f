import { describe, expect, it } from 'vitest';
import { ARGO_API_VERSION, TIPHYS_API_VERSION, type Application, type AutomatedSync, type SyncRun } from '@tiphys/delivery-applications';
import type { ResourceComparison } from '@tiphys/delivery-diff';
import type { corev1, KubeObject } from '@tiphys/kube-model';
import { isPinOver } from './pins.ts';
import { accessFor } from './credentials.ts';
import { decideAutoSync, retryDelay, type AutoSyncInput } from './decide-auto-sync.ts';
import { prepareDesired } from './desired.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

function resource(name: string, change: Partial<ResourceComparison> = {}): ResourceComparison {
  return {
    ref: { group: '', version: 'v1', kind: 'ConfigMap', name, namespace: 'n' },
    desired: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } },
    live: undefined,
    status: 'OutOfSync',
    changes: [{ path: '', elements: [], kind: 'added', cause: 'gitChanged' }],
    requiresPruning: false,
    wave: 0,
    ...change,
  };
}
function run(
  status: Partial<NonNullable<SyncRun['status']>>,
  cause: SyncRun['spec']['cause'] = 'automated',
  options: SyncRun['spec']['options'] = {},
): SyncRun {
  return {
    apiVersion: TIPHYS_API_VERSION,
    kind: 'SyncRun',
    metadata: { name: 'r' },
    spec: { application: 'a', cause, actor: 'automation', revisions: ['rev'], sources: [], options },
    status: { phase: 'Succeeded', finishedAt: ago(1), tasks: [{ changed: true } as never], ...status },
  };
}
function input(
  automated: AutomatedSync | undefined,
  change: Partial<AutoSyncInput> & { readonly resources?: readonly ResourceComparison[] } = {},
): AutoSyncInput {
  const { resources = [resource('a'), resource('b', { status: 'Synced' })], ...rest } = change;
  const application: Application = {
    apiVersion: ARGO_API_VERSION,
    kind: 'Application',
    metadata: { name: 'a' },
    spec: { project: 'default', destination: {}, ...(automated === undefined ? {} : { syncPolicy: { automated } }) },
  };
  return {
    application,
    comparison: { status: resources.some(({ status }) => status === 'OutOfSync') ? 'OutOfSync' : 'Synced', resources },
    isComplete: true,
    attempt: 'rev',
    attemptOf: ({ spec }) => spec.revisions.join(),
    runs: [],
    isPinned: false,
    shared: new Set(),
    nowMs: NOW,
    ...rest,
  };
}
const extra = resource('old', { desired: undefined, requiresPruning: true });
const heal = { selfHeal: true };

describe('decideAutoSync', () => {
  it.each<[string, AutoSyncInput, string]>([
    ['no automation', input(undefined), 'none'],
    ['automation switched off', input({ enabled: false }), 'none'],
    ['a new commit', input({}), 'sync'],
    ['nothing to do', input({}, { resources: [resource('a', { status: 'Synced' })] }), 'none'],
    ['an incomplete render', input({}, { isComplete: false }), 'none'],
    ['a run under way', input({}, { runs: [run({ phase: 'Running' })] }), 'none'],
    ['only prunes, prune off', input({}, { resources: [extra, resource('b', { status: 'Synced' })] }), 'none'],
    ['only prunes, prune on', input({ prune: true }, { resources: [extra, resource('b', { status: 'Synced' })] }), 'sync'],
    ['everything would go', input({ prune: true }, { resources: [extra] }), 'refused'],
    ['everything would go, allowed', input({ prune: true, allowEmpty: true }, { resources: [extra] }), 'sync'],
    ['drift without self-heal', input({}, { runs: [run({})] }), 'none'],
    ['drift with self-heal', input(heal, { runs: [run({})] }), 'sync'],
    ['drift of shared objects', input(heal, { runs: [run({})], shared: new Set(['/ConfigMap/n/a']) }), 'none'],
    ['a failed attempt', input({}, { runs: [run({ phase: 'Failed' })] }), 'refused'],
    ['a failed attempt at an older commit', input({}, { runs: [{ ...run({ phase: 'Failed' }), spec: { ...run({}).spec, revisions: ['older'] } }] }), 'sync'],
    ['a failed attempt with self-heal, just now', input(heal, { runs: [run({ phase: 'Failed' })] }), 'wait'],
    ['a failed attempt with self-heal, a while ago', input(heal, { runs: [run({ phase: 'Failed', finishedAt: ago(3) })] }), 'sync'],
    ['healing that changed nothing', input(heal, { runs: [run({ tasks: [] }, 'self-heal'), run({})] }), 'wait'],
    ['a pin and a commit nobody deployed', input(heal, { isPinned: true }), 'none'],
    ['a dry run is no attempt', input({}, { runs: [run({}, 'manual', { dryRun: true })] }), 'sync'],
  ])('%s', (_name, given, kind) => expect(decideAutoSync(given).kind).toBe(kind));

  it('waits longer each time healing does not help, but never more than five minutes', () => {
    const waits = [1, 2, 3, 20].map((count) =>
      decideAutoSync(input(heal, { runs: Array.from({ length: count }, () => run({ tasks: [], finishedAt: ago(0) }, 'self-heal')) })),
    );
    expect(waits).toEqual([2_000, 6_000, 18_000, 300_000].map((afterMs) => ({ kind: 'wait', afterMs })));
  });
});

it('retries as the strategy says', () => {
  const retried = (limit: number | undefined, attempt: number) =>
    retryDelay(run({}, 'automated', limit === undefined ? {} : { retry: { limit, backoff: { duration: '1s', factor: 3, maxDuration: '5s' } } }), attempt);
  expect([retried(undefined, 0), retried(2, 0), retried(2, 1), retried(2, 2), retried(-1, 9)]).toEqual([undefined, 1_000, 3_000, undefined, 5_000]);
});

it('ends a pin with the next commit or its time', () => {
  const pin = { revision: 'a', heldRevision: 'b', reason: '', until: 'next-commit' };
  expect([isPinOver(pin, ['b'], NOW), isPinOver(pin, ['c'], NOW)]).toEqual([false, true]);
  expect([isPinOver({ ...pin, until: ago(-5) }, ['c'], NOW), isPinOver({ ...pin, until: ago(5) }, ['b'], NOW)]).toEqual([false, true]);
});

it('finds the credentials of a repository: its own, else the longest template', () => {
  const secret = (type: string, data: Record<string, string>): corev1.Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', labels: { 'argocd.argoproj.io/secret-type': type } },
    stringData: data,
  });
  const secrets = [
    secret('repo-creds', { url: 'https://h/', password: 'short' }),
    secret('repo-creds', { url: 'https://h/team', password: 'long' }),
    secret('repository', { url: 'https://h/team/own.git', username: 'u', password: 'own' }),
  ];
  expect(accessFor('https://h/team/own', secrets)).toEqual({ username: 'u', password: 'own' });
  expect(accessFor('https://h/team/x.git', secrets)).toEqual({ password: 'long' });
  expect(accessFor('https://h/teammate/x.git', [secrets[1] ?? secret('', {})])).toEqual({});
  expect(accessFor('https://other/x', secrets)).toEqual({});
});

it('completes rendered objects by their scope', () => {
  const object = (kind: string, name: string, extraFields: object = {}): KubeObject => ({ apiVersion: 'v1', kind, metadata: { name, ...extraFields } });
  const type = (kind: string) => ({ group: '', version: 'v1', kind, resource: kind, namespaced: kind !== 'Namespace' });
  const { objects, warnings } = prepareDesired(
    [object('ConfigMap', 'a'), object('Namespace', 'x', { namespace: 'wrong' }), object('ConfigMap', 'a', { namespace: 'shop' })],
    'app',
    'shop',
    (_version, kind) => type(kind),
  );
  expect(objects.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.annotations?.['argocd.argoproj.io/tracking-id']])).toEqual([
    ['ConfigMap', 'shop', 'app:/ConfigMap:shop/a'],
    ['Namespace', undefined, 'app:/Namespace:/x'],
  ]);
  expect(warnings).toHaveLength(1);
});
