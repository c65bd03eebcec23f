import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { createMemoryStore } from '@tiphys/plane-store';
import { FlowControl } from './flow-control.ts';
import { LevelQueue } from './level-queue.ts';

const API = '/apis/flowcontrol.apiserver.k8s.io/v1';
let t: TestServer;
beforeAll(async () => (t = await startTestServer({ inFlight: { reads: 4, writes: 2 } })));
afterAll(async () => await t[Symbol.asyncDispose]());

describe('priority and fairness', () => {
  it('classifies requests by the flow schemas every cluster has', async () => {
    const { body: schemas } = await t.call('GET', `${API}/flowschemas`);
    const { body: levels } = await t.call('GET', `${API}/prioritylevelconfigurations`);
    expect([schemas.items.length, levels.items.length]).toEqual([13, 8]);
    const uidOf = (list: { items: { metadata: { name: string; uid: string } }[] }, name: string): string | undefined =>
      list.items.find((item) => item.metadata.name === name)?.metadata.uid;
    const named = async (headers: Record<string, string | string[]>, path: string = '/api/v1/pods', token?: string): Promise<unknown[]> => {
      const answer = await t.call('GET', path, { headers, ...(token === undefined ? {} : { token }) });
      return [answer.headers['x-kubernetes-pf-flowschema-uid'], answer.headers['x-kubernetes-pf-prioritylevel-uid']];
    };
    const are = (schema: string, level: string): unknown[] => [uidOf(schemas, schema), uidOf(levels, level)];
    expect(await named({})).toEqual(are('exempt', 'exempt'));
    expect(await named({}, '/healthz', '')).toEqual(are('probes', 'exempt'));
    expect(await named({ 'impersonate-user': 'amy' })).toEqual(are('global-default', 'global-default'));
    expect(await named({ 'impersonate-user': 'system:serviceaccount:kube-system:x' })).toEqual(are('kube-system-service-accounts', 'workload-high'));
    expect(await named({ 'impersonate-user': 'system:serviceaccount:a:x' })).toEqual(are('service-accounts', 'workload-low'));
    expect(await named({ 'impersonate-user': 'system:node:n', 'impersonate-group': ['system:nodes'] }, '/api/v1/nodes')).toEqual(
      are('system-node-high', 'node-high'),
    );
  });

  it('shows what there is in tables', async () => {
    const rows = async (resource: string): Promise<unknown[][]> =>
      (await t.call('GET', `${API}/${resource}`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).body.rows.map(
        (row: { cells: unknown[] }) => row.cells,
      );
    expect((await rows('flowschemas')).find(([name]) => name === 'service-accounts')).toEqual([
      'service-accounts',
      'workload-low',
      '9000',
      'ByUser',
      expect.any(String),
      'False',
    ]);
    expect((await rows('prioritylevelconfigurations')).find(([name]) => name === 'system')).toEqual(['system', 'Limited', 30, 64, 6, 50, expect.any(String)]);
  });

  it('follows schemas as they are written, and says which have no level', async () => {
    const schema = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'mine' },
      spec: {
        matchingPrecedence: 50,
        priorityLevelConfiguration: { name: 'nowhere' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'zoe' } }],
            resourceRules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'], clusterScope: true }],
          },
        ],
      },
    };
    const created = await t.call('POST', `${API}/flowschemas`, { body: schema });
    expect(created.code).toBe(201);
    const dangling = async (): Promise<string | undefined> =>
      (await t.call('GET', `${API}/flowschemas/mine`)).body.status?.conditions?.find(({ type }: { type: string }) => type === 'Dangling')?.status;
    await expect.poll(dangling).toBe('True');
    await t.call('PATCH', `${API}/flowschemas/mine`, {
      contentType: 'application/merge-patch+json',
      body: { spec: { priorityLevelConfiguration: { name: 'system' } } },
    });
    await expect.poll(dangling).toBe('False');
    const answer = await t.call('GET', '/api/v1/pods', { headers: { 'impersonate-user': 'zoe' } });
    expect(answer.headers['x-kubernetes-pf-flowschema-uid']).toBe(created.body.metadata.uid);
  });

  it('turns away what finds no room, and says when to come again', async () => {
    await t.call('POST', `${API}/prioritylevelconfigurations`, {
      body: {
        apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
        kind: 'PriorityLevelConfiguration',
        metadata: { name: 'none' },
        spec: { type: 'Limited', limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } } },
      },
    });
    await t.call('PATCH', `${API}/flowschemas/mine`, {
      contentType: 'application/merge-patch+json',
      body: { spec: { priorityLevelConfiguration: { name: 'none' } } },
    });
    const refused = await t.call('GET', '/api/v1/pods', { headers: { 'impersonate-user': 'zoe' } });
    expect(refused.body).toMatchObject({ code: 429, reason: 'TooManyRequests', message: 'too many requests, please try again later' });
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.headers['x-kubernetes-pf-flowschema-uid']).toEqual(expect.any(String));
    expect((await t.call('GET', '/api/v1/pods')).code).toBe(200);
  });
});

describe('seats', () => {
  const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1';
  const level = (name: string, limited: object): object => ({
    apiVersion: API_VERSION,
    kind: 'PriorityLevelConfiguration',
    metadata: { name },
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' }, ...limited } },
  });
  const schema = (name: string): object => ({
    apiVersion: API_VERSION,
    kind: 'FlowSchema',
    metadata: { name },
    spec: {
      matchingPrecedence: 1,
      priorityLevelConfiguration: { name },
      rules: [{ subjects: [{ kind: 'User', user: { name } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }],
    },
  });
  const info = { target: undefined, verb: 'get', name: '', namespace: '', isLongRunning: false };
  const { signal } = new AbortController();

  // Ten seats for two levels, five each; the first lends three of its own.
  it.each([
    [undefined, 8],
    [20, 6],
  ])('are lent to a level whose borrowing is limited to %s percent', async (borrowingLimitPercent, wanted) => {
    const store = createMemoryStore();
    const put = async (resource: string, object: object): Promise<void> => {
      const key = `/flowcontrol.apiserver.k8s.io/${resource}/${(object as { metadata: { name: string } }).metadata.name}`; // Made above.
      await store.write({ kind: 'put', key, expect: { kind: 'any' }, encode: () => Buffer.from(JSON.stringify(object)) });
    };
    await put('prioritylevelconfigurations', level('lender', { nominalConcurrencyShares: 10, lendablePercent: 60 }));
    await put(
      'prioritylevelconfigurations',
      level('borrower', { nominalConcurrencyShares: 10, ...(borrowingLimitPercent === undefined ? {} : { borrowingLimitPercent }) }),
    );
    for (const name of ['lender', 'borrower']) await put('flowschemas', schema(name));
    const flow = new FlowControl(store, { reads: 6, writes: 4 });
    const enter = async (username: string): Promise<unknown> => await flow.classify({ user: { username, groups: [] }, path: '/', info }).enter(signal);
    let taken = 0;
    const refusal = await (async () => {
      for (;;) {
        try {
          await enter('borrower');
          taken += 1;
        } catch (error) {
          return error;
        }
      }
    })();
    expect([taken, refusal]).toEqual([wanted, expect.objectContaining({ code: 'TooManyRequests' })]);
    for (let index = 0; index < 5; index += 1) await enter('lender');
    await expect(enter('lender')).rejects.toThrow('too many requests');
  });
});

describe('a priority level', () => {
  const { signal } = new AbortController();

  it('lets flows take turns', async () => {
    const level = new LevelQueue({ seats: 1, waiting: 10 });
    const first = await level.enter('busy', 1_000, signal);
    const order: string[] = [];
    const wait = async (flow: string): Promise<void> => {
      const release = await level.enter(flow, 1_000, signal);
      order.push(flow);
      release?.();
    };
    const all = ['busy', 'busy', 'busy', 'quiet'].map(wait);
    first?.();
    await Promise.all(all);
    expect(order).toEqual(['busy', 'quiet', 'busy', 'busy']);
  });

  it('is bounded in space and time', async () => {
    const level = new LevelQueue({ seats: 1, waiting: 1 });
    const release = await level.enter('a', 5, signal);
    const late = level.enter('a', 5, signal);
    expect(await level.enter('a', 5, signal)).toBeUndefined();
    expect(await late).toBeUndefined();
    release?.();
    expect(await level.enter('a', 5, signal)).toBeDefined();
  });
});
