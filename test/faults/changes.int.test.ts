import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, projectType, type Application } from '@tiphys/delivery-applications';
import { systemClock, type Clock } from '@tiphys/kernel';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { CONFIG_MAPS, configMap, createRig, eventually, getApplication, signal, type Rig, type RunningController } from '../e2e/delivery-harness.ts';
import { createFaultRecorder, type Damage, type FaultProbe } from './fault-recorder.ts';
import { livePlace, makePlace, type Ground, type Place } from './place.ts';
import { watchWorld, type World } from './world.ts';

const changes = createFaultRecorder('U');
const clocks = createFaultRecorder('S');
const HOUR_MS = 3_600_000;
const NAMES = Array.from({ length: 20 }, (_, index) => `map-${index}`);
let rig: Rig;
let world: World;
let running: RunningController;
let ground: Ground;
let offsetMs = 0;
// A wall clock that jumps; durations are measured by another one.
const jumping: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };

beforeAll(async () => {
  rig = await createRig();
  world = await watchWorld(rig.client);
  running = await rig.start({ clock: jumping });
  ground = { rig, world, controller: () => running.controller };
});
afterAll(async () => {
  changes.report();
  clocks.report();
  await world[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const fault = (id: string, injected: string, body: (probe: FaultProbe) => Promise<Damage>) =>
  it.concurrent(`${id} ${injected}`, () => changes.run(id, injected, body), 150_000);
const many = Object.fromEntries(NAMES.map((name) => [`${name}.yaml`, configMap(name, 'first')]));
const manyGone = Object.fromEntries(NAMES.map((name) => [`${name}.yaml`, null]));

// What is live stays, the application says so, and the next good commit goes out.
async function held(place: Place, probe: FaultProbe, repair: Record<string, string | null>): Promise<Damage> {
  const damage = { wrongDeletes: world.deleted(place.name).length };
  expect(await place.value('one')).toBe('first');
  await place.push(repair);
  probe.ended();
  await place.live('one', 'second');
  await place.synced();
  probe.recovered();
  const { lostIntents } = await place.damage();
  return { ...damage, lostIntents };
}

describe('commits that would take much away', () => {
  fault('U04', 'an empty folder: nothing is pruned, the cause is told', async (probe) => {
    const place = await livePlace(ground, 'emptied');
    await place.push({ 'one.yaml': null, 'two.yaml': null, 'README.md': 'nothing' });
    await place.until('it is held', ({ status }) => /allowEmpty/.test(JSON.stringify(status ?? {})));
    return held(place, probe, { 'one.yaml': configMap('one', 'second'), 'two.yaml': configMap('two', 'first') });
  });

  fault('U04', 'files of no bytes: nothing is pruned', async (probe) => {
    const place = await livePlace(ground, 'zeroed');
    await place.push({ 'one.yaml': '', 'two.yaml': '' });
    await place.until('it is held', ({ status }) => /allowEmpty/.test(JSON.stringify(status ?? {})));
    return held(place, probe, { 'one.yaml': configMap('one', 'second'), 'two.yaml': configMap('two', 'first') });
  });

  fault('U04', 'most objects are gone: they stay until a person agrees', async (probe) => {
    const place = await livePlace(ground, 'decimated', many);
    await place.push({ ...manyGone, 'one.yaml': configMap('one', 'second') });
    await place.until('the prunes are held', ({ status }) => /pruning confirmation/.test(status?.operationState?.message ?? ''));
    return held(place, probe, { ...many, 'one.yaml': configMap('one', 'second') });
  });

  fault('U04', 'the folder has another name: nothing is pruned, the path is told', async (probe) => {
    const place = await makePlace(ground, 'renamed', { 'deploy/three.yaml': configMap('one', 'first') });
    await place.create({ source: { repoURL: place.repoURL, path: 'deploy' } });
    await place.live('one', 'first');
    await place.synced();
    await place.repo.git('mv', 'deploy', 'moved');
    await place.push({});
    await place.tells(/deploy/);
    return held(place, probe, { 'deploy/three.yaml': configMap('one', 'second') });
  });
});

const neverEnds =
  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: stuck\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec:\n  restartPolicy: Never\n  nodeSelector: {no: where}\n  containers: [{name: c, image: x}]\n';

describe('intents that change while they are carried out', () => {
  fault('U05', 'an application that is deleted in the middle of a sync: its objects go with it', async (probe) => {
    const place = await makePlace(ground, 'deleted');
    await place.create({}, { finalizers: ['resources-finalizer.argocd.argoproj.io'] });
    await place.live('two', 'first');
    await place.synced();
    await place.push({ 'hook.yaml': neverEnds, 'one.yaml': configMap('one', 'second') });
    await place.until('the hook is waited for', ({ status }) => status?.operationState?.phase === 'Running');
    await rig.client.delete(applicationType, { name: place.name, namespace: 'argocd' }, { signal: signal() });
    probe.ended();
    await place.live('one', undefined);
    await place.live('two', undefined);
    await eventually(
      'the application is gone',
      () =>
        getApplication(rig.client, place.name).then(
          () => false,
          () => true,
        ),
      (gone) => gone,
      60_000,
    );
    probe.recovered();
    return { wrongDeletes: world.deleted(place.name).filter((name) => name !== 'ConfigMap/one' && name !== 'ConfigMap/two').length, lostIntents: 0 };
  });

  fault('U05', 'a project that forbids the kind from now on: what is live stays, the refusal is told', async (probe) => {
    const project = (deny: boolean): KubeObject =>
      ({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'narrow', namespace: 'argocd' },
        spec: {
          sourceRepos: ['*'],
          destinations: [{ server: '*', namespace: '*' }],
          clusterResourceWhitelist: [{ group: '*', kind: '*' }],
          ...(deny ? { namespaceResourceBlacklist: [{ group: '', kind: 'ConfigMap' }] } : {}),
        },
      }) as KubeObject;
    await rig.client.create(projectType, project(false), { signal: signal() });
    const place = await makePlace(ground, 'narrowed');
    await place.create({ project: 'narrow' });
    await place.live('two', 'first');
    await place.synced();
    const narrow = (list: readonly object[]) =>
      rig.client.patch(
        projectType,
        { name: 'narrow', namespace: 'argocd' },
        { spec: { namespaceResourceBlacklist: list } },
        { type: 'merge', signal: signal() },
      );
    await narrow([{ group: '', kind: 'ConfigMap' }]);
    await place.push({ 'one.yaml': configMap('one', 'second') });
    await place.until('the refusal is told', ({ status }) => /not permitted|not allowed|forbid/i.test(JSON.stringify(status ?? {})));
    expect(await place.value('one')).toBe('first');
    await narrow([]);
    probe.ended();
    await place.live('one', 'second');
    probe.recovered();
    return place.damage();
  });

  fault('U05', 'two applications that own one object: told, and no tug of war', async (probe) => {
    const first = await livePlace(ground, 'owner');
    const second = await makePlace(ground, 'rival', { 'one.yaml': configMap('one', 'rival') });
    probe.ended();
    await second.create({ destination: { server: 'https://kubernetes.default.svc', namespace: first.name } });
    const isShared = ({ status }: Application): boolean => (status?.conditions ?? []).some(({ type }) => type === 'SharedResourceWarning');
    const told = await eventually(
      'one of both says that the object is shared',
      () => Promise.all([first, second].map(({ name }) => getApplication(rig.client, name))),
      (apps) => apps.some(isShared),
      60_000,
    );
    expect(told.some(isShared)).toBe(true);
    const runs = async (): Promise<number> => (await first.runs()).length + (await second.runs()).length;
    await first.damage();
    await second.damage();
    // Looked at again and again, nothing is written any more.
    const before = await runs();
    for (let round = 0; round < 5; round += 1) for (const { name } of [first, second]) await running.controller.refresh(name, { hard: true, signal: signal() });
    expect((await runs()) - before).toBeLessThanOrEqual(1);
    probe.recovered();
    return first.damage();
  });
});

describe('a control plane that is restored', () => {
  fault('U03', 'an older state of Applications and objects: it comes to the commit of Git without pruning what it does not know', async (probe) => {
    const source = await livePlace(ground, 'restored');
    const old = {
      app: await getApplication(rig.client, source.name),
      maps: (await rig.client.list(CONFIG_MAPS, { namespace: source.name, signal: signal() })).items,
    };
    await source.push({ 'one.yaml': configMap('one', 'second'), 'three.yaml': configMap('three', 'new') });
    await source.live('three', 'new');
    await source.synced();
    await using other = await createRig();
    await using otherWorld = await watchWorld(other.client);
    await (await other.start({ identity: 'installer' })).stop();
    const fresh = <T extends KubeObject>({ metadata, ...rest }: T): KubeObject => {
      const { resourceVersion: _, uid: __, managedFields: ___, ...kept } = metadata;
      return { ...rest, metadata: kept };
    };
    await other.client.create(builtin('v1', 'Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: source.name } }, { signal: signal() });
    for (const map of old.maps) if (map.metadata.name !== 'kube-root-ca.crt') await other.client.create(CONFIG_MAPS, fresh(map), { signal: signal() });
    const stranger = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'stranger', namespace: source.name } };
    await other.client.create(CONFIG_MAPS, stranger, { signal: signal() });
    await other.client.create(applicationType, fresh(old.app), { signal: signal() });
    probe.ended();
    const restored = await other.start({});
    const place = await restoredPlace(other, otherWorld, restored, source);
    await place.synced();
    probe.recovered();
    expect([await place.value('one'), await place.value('three')]).toEqual(['second', 'new']);
    // Before the other cluster goes.
    return await place.damage();
  });
});

// The same repository and name, looked at in another cluster.
async function restoredPlace(other: Rig, otherWorld: World, restored: RunningController, source: Place): Promise<Place> {
  const place = await makePlace({ rig: other, world: otherWorld, controller: () => restored.controller }, source.name);
  await eventually(
    'the restored commit is live',
    () => place.value('three'),
    (value) => value === 'new',
    60_000,
  );
  return place;
}

describe('clocks that jump', () => {
  it.each([
    ['an hour ahead', HOUR_MS],
    ['an hour back', -HOUR_MS],
  ])(
    'S01 the wall clock goes %s in the middle of a run: nothing is timed out, work goes on',
    (what, jumpMs) =>
      clocks.run('S01', what, async (probe) => {
        const place = await livePlace(ground, `clock-${what.replaceAll(' ', '-')}`);
        await place.push({ 'hook.yaml': neverEnds, 'one.yaml': configMap('one', 'second') });
        await place.until('the hook is waited for', ({ status }) => /hook/.test(status?.operationState?.message ?? ''));
        const pods = builtin('v1', 'Pod');
        offsetMs += jumpMs;
        probe.ended();
        const pod = await rig.client.get<KubeObject>(pods, { name: 'stuck', namespace: place.name }, { signal: signal() });
        await rig.client.update(pods, { ...pod, status: { phase: 'Succeeded' } } as KubeObject, { subresource: 'status', signal: signal() });
        await place.live('one', 'second');
        await place.synced();
        await place.push({ 'hook.yaml': null, 'one.yaml': configMap('one', 'third') });
        await place.live('one', 'third');
        await place.synced();
        probe.recovered();
        expect((await place.runs()).map(({ status }) => status?.phase)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
        return place.damage();
      }),
    150_000,
  );
});
