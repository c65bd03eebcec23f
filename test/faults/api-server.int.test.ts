import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import { systemClock } from '@tiphys/kernel';
import { createInformerFactory, createKubeClient } from '@tiphys/kube-client';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { CONFIG_MAPS, configMap, createRig, eventually, getConfigMap, logger, signal, type Rig } from '../e2e/delivery-harness.ts';
import { startFaultProxy, times, type Fault, type FaultProxy, type FaultRule } from './fault-proxy.ts';
import { createFaultRecorder, type Damage, type FaultProbe } from './fault-recorder.ts';
import { livePlace, makePlace, type Ground, type Place } from './place.ts';
import { watchWorld, type World } from './world.ts';

const faults = createFaultRecorder('K');
const PATIENCE_MS = 60_000;
const JOBS = builtin('batch/v1', 'Job');
let rig: Rig;
let world: World;
let proxy: FaultProxy;
let ground: Ground;
// Every health an application was said to have.
const healthOf = new Map<string, Set<string>>();
const stopWatching = new AbortController();
let watching: Promise<void>;

beforeAll(async () => {
  rig = await createRig();
  world = await watchWorld(rig.client);
  proxy = await startFaultProxy(rig.server.url, rig.server.caPem);
  const { controller } = await rig.start({ through: proxy.url });
  ground = { rig, world, controller: () => controller };
  const informers = createInformerFactory({ client: rig.client, clock: systemClock, logger });
  informers.informer<Application>({ type: applicationType }).onEvent(({ object }) => {
    const seen = healthOf.get(object.metadata.name ?? '') ?? new Set();
    healthOf.set(object.metadata.name ?? '', seen.add(object.status?.health?.status ?? ''));
  });
  watching = informers.run(stopWatching.signal);
});
afterAll(async () => {
  faults.report();
  stopWatching.abort();
  await watching;
  await world[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

const refusal = (status: number, reason: string, message: string, headers: Record<string, string> = {}): Fault => ({
  kind: 'status',
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', code: status, reason, message }),
});
const hook = (selector = ''): string =>
  `apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: before-\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec:\n  template:\n    spec:\n      restartPolicy: Never${selector}\n      containers: [{name: c, image: x}]\n`;

// A rule for the requests about the namespace of a place, as often as told.
function inject({ name }: Place, harm: Fault, select: (method: string, url: string) => boolean, count = Number.POSITIVE_INFINITY): () => void {
  return proxy.inject(times(count, ({ method, url }) => (url.includes(`/namespaces/${name}/`) && select(method, url) ? harm : undefined)));
}

const isWrite = (method: string): boolean => method === 'PATCH' || method === 'POST' || method === 'PUT';
const isWriteOf = (kind: string) => (method: string, url: string) => isWrite(method) && url.includes(`/${kind}`) && !url.includes('dryRun');
const fault = (id: string, injected: string, body: (probe: FaultProbe) => Promise<Damage>) =>
  it.concurrent(`${id} ${injected}`, () => faults.run(id, injected, body), 150_000);
const faultAlone = (id: string, injected: string, body: (probe: FaultProbe) => Promise<Damage>) =>
  it(`${id} ${injected}`, () => faults.run(id, injected, body), 150_000);

describe('writes that fail', () => {
  fault('K01', 'conflicts of a write: read again and written', async (probe) => {
    const place = await livePlace(ground, 'conflict');
    inject(place, refusal(409, 'Conflict', 'the object has been modified'), isWriteOf('configmaps'), 3);
    probe.ended();
    await place.push({ 'one.yaml': configMap('one', 'second') });
    await place.live('one', 'second');
    await place.synced();
    probe.recovered();
    return place.damage();
  });

  for (const [status, reason, headers] of [
    [429, 'TooManyRequests', { 'retry-after': '1' }],
    [500, 'InternalError', {}],
    [502, '', {}],
    [503, 'ServiceUnavailable', {}],
    [504, 'Timeout', {}],
  ] as const)
    fault('K03', `a burst of ${status}: tried again, and no more often than needed`, async (probe) => {
      const place = await livePlace(ground, `burst-${status}`);
      const before = proxy.requests.length;
      const count = 3;
      inject(place, refusal(status, reason, 'injected', { ...headers }), isWriteOf('configmaps'), count);
      probe.ended();
      await place.push({ 'one.yaml': configMap('one', 'second'), 'two.yaml': configMap('two', 'second') });
      await place.live('one', 'second');
      await place.live('two', 'second');
      await place.synced();
      probe.recovered();
      const writes = proxy.requests
        .slice(before)
        .filter(({ method, url }) => url.includes(`/namespaces/${place.name}/`) && isWriteOf('configmaps')(method, url));
      // Each refusal costs at most one more write, and each of the two objects is written once.
      expect(writes.length).toBeLessThanOrEqual(2 + count);
      return place.damage();
    });

  fault('K06', 'answers of writes that are lost: what was done is not done again', async (probe) => {
    const place = await livePlace(ground, 'lost-answers');
    inject(place, { kind: 'cut', afterBytes: 0 }, isWriteOf('jobs'), 1);
    inject(place, { kind: 'cut', afterBytes: 0 }, isWriteOf('configmaps'), 2);
    probe.ended();
    await place.push({ 'hook.yaml': hook(), 'one.yaml': configMap('one', 'second'), 'three.yaml': configMap('three', 'new') });
    await place.live('one', 'second');
    await place.live('three', 'new');
    await place.synced();
    probe.recovered();
    expect(world.created(place.name).filter((object) => object.startsWith('Job/before-'))).toHaveLength(1);
    expect(world.created(place.name).filter((object) => object === 'ConfigMap/three')).toHaveLength(1);
    return place.damage();
  });

  fault('K06', 'answers of deletions that are lost: pruned once, nothing else', async (probe) => {
    const place = await livePlace(ground, 'lost-deletions');
    inject(place, { kind: 'cut', afterBytes: 0 }, (method) => method === 'DELETE', 2);
    probe.ended();
    await place.push({ 'two.yaml': null });
    await place.live('two', undefined);
    await place.synced();
    probe.recovered();
    return place.damage('ConfigMap/two');
  });

  for (const [status, reason] of [
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
  ] as const)
    fault('K07', `answers ${status} in the middle of a sync: told for each object, and made good`, async (probe) => {
      const place = await livePlace(ground, `denied-${status}`);
      const end = inject(place, refusal(status, reason, `injected ${reason}`), (method, url) => isWrite(method) && url.includes('/configmaps'));
      await place.push({ 'one.yaml': configMap('one', 'second') });
      await place.until('the refusal is told', ({ status: told }) => JSON.stringify(told?.operationState ?? {}).includes(`injected ${reason}`));
      end();
      probe.ended();
      await place.live('one', 'second');
      await place.synced();
      probe.recovered();
      expect([...(healthOf.get(place.name) ?? [])].slice(-1)).not.toEqual(['Missing']);
      return place.damage();
    });

  fault('K09', 'an admission webhook that is down: its name is told, there is no hot loop', async (probe) => {
    const place = await livePlace(ground, 'webhook');
    const told = 'failed calling webhook "check.example.com": connection refused';
    const before = proxy.requests.length;
    const end = inject(place, refusal(500, 'InternalError', told), (method, url) => isWrite(method) && url.includes('/configmaps'));
    await place.push({ 'one.yaml': configMap('one', 'second') });
    await place.until('the webhook is named', ({ status }) => JSON.stringify(status?.operationState ?? {}).includes('check.example.com'));
    const writes = proxy.requests.slice(before).filter(({ method, url }) => url.includes(`/namespaces/${place.name}/configmaps`) && isWrite(method));
    expect(writes.length).toBeLessThan(40);
    end();
    probe.ended();
    await place.live('one', 'second');
    await place.synced();
    probe.recovered();
    return place.damage();
  });

  fault('K09', 'a finalizer that nobody removes: waited for without asking again and again', async (probe) => {
    const place = await livePlace(ground, 'finalizer');
    const key = { name: 'two', namespace: place.name };
    const patch = (finalizers: readonly string[] | null) =>
      rig.client.patch(CONFIG_MAPS, key, { metadata: { finalizers } }, { type: 'merge', signal: signal() });
    await patch(['example.com/stay']);
    const before = proxy.requests.length;
    await place.push({ 'two.yaml': null, 'one.yaml': configMap('one', 'second') });
    await place.live('one', 'second');
    await eventually(
      'two is being deleted',
      () => getConfigMap(rig.client, 'two', place.name),
      (map) => map?.metadata.deletionTimestamp !== undefined,
      PATIENCE_MS,
    );
    await patch(null);
    probe.ended();
    await place.live('two', undefined);
    await place.synced();
    probe.recovered();
    const deletions = proxy.requests.slice(before).filter(({ method, url }) => method === 'DELETE' && url.includes(`/namespaces/${place.name}/`));
    expect(deletions.length).toBeLessThan(5);
    return place.damage('ConfigMap/two');
  });

  fault('K10', 'a hook that is deleted while it is waited for: the run ends, the next commit goes out', async (probe) => {
    const place = await makePlace(ground, 'hook-gone');
    // Without a second attempt: its hook would be waited for as well.
    await place.create({ syncPolicy: { automated: {}, retry: { limit: 0 }, syncOptions: ['CreateNamespace=true'] } });
    await place.live('two', 'first');
    await place.synced();
    await place.push({ 'hook.yaml': hook('\n      nodeSelector: {no: where}'), 'one.yaml': configMap('one', 'second') });
    const jobs = await eventually(
      'the hook is there',
      async () => (await rig.client.list(JOBS, { namespace: place.name, signal: signal() })).items,
      (items) => items.length === 1,
      PATIENCE_MS,
    );
    await rig.client.delete(JOBS, { name: jobs[0]?.metadata.name ?? '', namespace: place.name }, { propagationPolicy: 'Background', signal: signal() });
    probe.ended();
    await eventually(
      'the attempt is over',
      () => place.runs(),
      (runs) => runs.some(({ status }) => /deleted|is gone/.test(status?.message ?? '')),
      PATIENCE_MS,
    );
    await place.push({ 'hook.yaml': null });
    await place.live('one', 'second');
    await place.synced();
    probe.recovered();
    return place.damage(...world.deleted(place.name).filter((object) => object.startsWith('Job/before-')));
  });
});

describe('watches that stand still', () => {
  for (const [what, afterBytes] of [
    ['before its headers', 0],
    ['in the middle of an event', 20],
  ] as const)
    fault('K04', `a watch that says nothing more ${what}: it ends by itself after its time`, async (probe) => {
      const place = await livePlace(ground, `silent-${afterBytes}`);
      await using deaf = await startFaultProxy(rig.server.url, rig.server.caPem);
      deaf.inject(({ url }) => (url.includes('watch=true') ? { kind: 'hang', afterBytes } : undefined));
      const client = createKubeClient({ server: deaf.url, token: rig.server.adminToken });
      probe.ended();
      const options = { namespace: place.name, resourceVersion: '0', timeoutSeconds: 1, signal: AbortSignal.timeout(60_000) };
      for await (const event of client.watch(CONFIG_MAPS, options)) expect(event.type).toBe('ADDED');
      probe.recovered();
      expect(options.signal.aborted).toBe(false);
      await client.close();
      return place.damage();
    });
});

const definition = (group: string): string =>
  `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.${group}}\nspec:\n  group: ${group}\n  scope: Namespaced\n  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}\n  versions:\n    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n`;

describe('kinds that come, go and fail', () => {
  fault('K08', 'a definition and its object in one wave', async (probe) => {
    const place = await livePlace(ground, 'with-definition');
    probe.ended();
    await place.push({ 'crd.yaml': definition('wave.example.com'), 'thing.yaml': 'apiVersion: wave.example.com/v1\nkind: Thing\nmetadata: {name: a}\n' });
    await eventually(
      'the object is there',
      () => rig.client.raw({ method: 'GET', path: `/apis/wave.example.com/v1/namespaces/${place.name}/things/a`, signal: signal() }),
      ({ status }) => status === 200,
      PATIENCE_MS,
    );
    await place.synced();
    probe.recovered();
    return place.damage();
  });

  fault('K08', 'a group whose discovery fails: other applications go on', async (probe) => {
    const place = await livePlace(ground, 'beside-broken');
    const broken: FaultRule = ({ url }) => (url.startsWith('/apis/broken.example.com') ? refusal(503, 'ServiceUnavailable', 'injected') : undefined);
    const end = proxy.inject(broken);
    await place.push({ 'crd.yaml': definition('broken.example.com'), 'one.yaml': configMap('one', 'second') });
    await place.live('one', 'second');
    const other = await livePlace(ground, 'after-broken');
    await other.push({ 'one.yaml': configMap('one', 'second') });
    await other.live('one', 'second');
    end();
    probe.ended();
    await place.synced();
    probe.recovered();
    return place.damage();
  });
});

describe('watches that fail', () => {
  const isWatch = (url: string): boolean => url.startsWith('/api/v1/configmaps?watch=true');
  // The world changes while nobody can see it: the controller finds out by itself.
  const blind: readonly (readonly [string, string, Fault, number])[] = [
    ['K02', 'its place in history is gone', refusal(410, 'Expired', 'too old resource version'), 2],
    ['K03', 'the server answers 503', refusal(503, 'ServiceUnavailable', 'injected'), 3],
    ['K04', 'it is silent until the connection breaks', { kind: 'hang', afterBytes: 0 }, 1],
    ['K05', 'its events come twice', { kind: 'rewrite', rewrite: (chunk) => (chunk.at(-1) === 10 ? Buffer.concat([chunk, chunk]) : chunk) }, 1],
    ['K05', 'an event is cut off in its middle', { kind: 'cut', afterBytes: 100 }, 3],
    ['K07', 'it is unauthorized for a while', refusal(401, 'Unauthorized', 'injected'), 2],
  ];
  for (const [index, [id, what, harm, count]] of blind.entries())
    faultAlone(id, `a watch: ${what}`, async (probe) => {
      const place = await livePlace(ground, `watch-${index}`);
      healthOf.get(place.name)?.delete('Missing');
      const end = proxy.inject(times(count, ({ url }) => (isWatch(url) ? harm : undefined)));
      proxy.cutAll();
      await rig.client.delete(CONFIG_MAPS, { name: 'two', namespace: place.name }, { signal: signal() });
      const drift = { data: { value: 'edited' } };
      await rig.client.patch<KubeObject>(CONFIG_MAPS, { name: 'one', namespace: place.name }, drift, { type: 'merge', signal: signal() });
      if (harm.kind === 'hang') {
        end();
        proxy.cutAll();
      }
      probe.ended();
      await place.live('one', 'first');
      await place.live('two', 'first');
      probe.recovered();
      end();
      return place.damage('ConfigMap/two');
    });
});
