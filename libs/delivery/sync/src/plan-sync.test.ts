import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { defaultSyncOptions, parseSyncOptions, withTracking } from '@tiphys/delivery-applications';
import { compareApplication } from '@tiphys/delivery-diff';
import { refKey, refOf, type KubeObject } from '@tiphys/kube-model';
import { kindRank, planSync, printablePlan, type PlanRequest, type SyncPlan } from './index.ts';

function object(kind: string, name: string, annotations: Record<string, string> = {}, extra: object = {}): KubeObject {
  const apiVersion = ({ Deployment: 'apps/v1', Job: 'batch/v1', CustomResourceDefinition: 'apiextensions.k8s.io/v1' } as Record<string, string>)[kind] ?? 'v1';
  const clusterWide = kind === 'Namespace' || kind === 'CustomResourceDefinition';
  return withTracking({ apiVersion, kind, metadata: { name, ...(clusterWide ? {} : { namespace: 'shop' }), annotations }, ...extra } as KubeObject, 'shop');
}
const wave = (value: number): Record<string, string> => ({ 'argocd.argoproj.io/sync-wave': String(value) });
const hook = (phase: string, more: Record<string, string> = {}): Record<string, string> => ({ 'argocd.argoproj.io/hook': phase, ...more });

function request(desired: readonly KubeObject[], live: readonly KubeObject[] = [], change: Partial<PlanRequest> = {}): PlanRequest {
  const withoutHooks = desired.filter((item) => item.metadata.annotations?.['argocd.argoproj.io/hook'] === undefined);
  const tracked = live.map((item) => ({ ...item, metadata: { ...item.metadata, uid: `uid-${item.metadata.name ?? ''}` } }));
  const comparison = compareApplication({
    desired: withoutHooks,
    live: new Map(tracked.map((item) => [refKey(refOf(item)), item])),
    tracked,
    manager: 'tiphys',
    schemaFor: () => undefined,
  });
  return {
    application: 'shop',
    runId: 'run-1',
    revision: 'a'.repeat(40),
    desired,
    comparison,
    isComplete: true,
    run: { prune: true },
    syncOptions: defaultSyncOptions,
    destinationNamespace: 'shop',
    liveNamespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', uid: 'ns' } },
    skipUnchanged: false,
    allowsEmpty: true,
    isJudged: ({ kind }) => kind === 'Job',
    ...change,
  };
}
const lines = (plan: SyncPlan): readonly string[] =>
  plan.steps.map(
    (step) => `${step.phase}/${step.wave}${step.isGate ? '!' : ''} ${step.tasks.map((task) => `${task.action} ${task.ref.kind} ${task.ref.name}`).join(', ')}`,
  );

describe('planSync', () => {
  it('orders phases, waves and kinds, prunes before it writes, and mirrors the waves that prune', () => {
    const desired = [
      object('Deployment', 'web'),
      object('ConfigMap', 'b'),
      object('ConfigMap', 'a'),
      object('Service', 'web'),
      object('ConfigMap', 'early', wave(-1)),
      object('Deployment', 'late', wave(2)),
      object('Job', 'migrate', hook('PreSync')),
      object('Job', 'notify', hook('PostSync')),
      object('Job', 'alarm', hook('SyncFail')),
      object('Pod', 'skipped', hook('Skip')),
    ];
    const plan = planSync(request(desired, [object('ConfigMap', 'old'), object('Deployment', 'old'), object('ConfigMap', 'old-late', wave(3))]));
    expect(lines(plan)).toEqual([
      'PreSync/0! hook Job migrate',
      'Sync/-1! apply ConfigMap early',
      'Sync/0 prune ConfigMap old-late',
      'Sync/0 apply ConfigMap a, apply ConfigMap b',
      'Sync/0 apply Service web',
      'Sync/0! apply Deployment web',
      'Sync/2! apply Deployment late',
      'Sync/3! prune Deployment old, prune ConfigMap old',
      'PostSync/0! hook Job notify',
    ]);
    expect(plan.onFailure.flatMap((step) => step.tasks.map((task) => task.ref.name))).toEqual(['alarm']);
    expect(printablePlan(plan)[0]).toMatchObject({ ref: 'Job.batch shop/migrate', action: 'hook' });
  });
  it('prunes after everything else where it is told to', () => {
    const last = { 'argocd.argoproj.io/sync-options': 'PruneLast=true' };
    const live = [object('ConfigMap', 'old', last), object('ConfigMap', 'gone')];
    expect(lines(planSync(request([object('ConfigMap', 'a', wave(4))], live)))).toEqual([
      'Sync/0! prune ConfigMap gone',
      'Sync/4! apply ConfigMap a',
      'Sync/5! prune ConfigMap old',
    ]);
    const syncOptions = parseSyncOptions(['PruneLast=true']);
    expect(lines(planSync(request([object('ConfigMap', 'a')], live, { syncOptions }))).at(-1)).toBe('Sync/1! prune ConfigMap old, prune ConfigMap gone');
  });
  it('writes the metadata of a managed namespace until it is there', () => {
    const managed = { syncOptions: parseSyncOptions(['CreateNamespace=true']), namespaceMetadata: { labels: { team: 'a' } } };
    const live = (labels: Record<string, string>) => ({ liveNamespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } } });
    const first = (change: Partial<PlanRequest>) => lines(planSync(request([object('ConfigMap', 'a')], [], { ...managed, ...change })))[0];
    expect(first(live({}))).toBe('PreSync/-1! create-namespace Namespace shop');
    expect(first(live({ team: 'a', other: 'b' }))).toBe('Sync/0! apply ConfigMap a');
  });
  it('asks before it prunes what wants confirmation, or more than its budget', () => {
    const asks = (live: readonly KubeObject[], change: Partial<PlanRequest>) =>
      planSync(request([object('ConfigMap', 'kept')], live, change)).steps.flatMap((step) =>
        step.tasks.filter(({ needsApproval }) => needsApproval === true).map((task) => task.ref.name),
      );
    const confirm = object('ConfigMap', 'asks', { 'argocd.argoproj.io/sync-options': 'Prune=confirm' });
    expect(asks([confirm, object('ConfigMap', 'old')], {})).toEqual(['asks']);
    const many = ['a', 'b', 'c', 'd'].map((name) => object('ConfigMap', name));
    const kept = object('ConfigMap', 'kept');
    expect(asks([...many, kept], { pruneBudget: { percent: 50, minimum: 3 } })).toHaveLength(4);
    expect(asks([...many, kept], { pruneBudget: { percent: 80, minimum: 3 } })).toEqual([]);
    expect(asks([...many, kept], { pruneBudget: { percent: 50, minimum: 4 } })).toEqual([]);
  });
  it('creates the namespace first, and moves namespaces and kinds before what needs them', () => {
    const { liveNamespace: _, ...create } = request([object('ConfigMap', 'a')], [], { syncOptions: parseSyncOptions(['CreateNamespace=true']) });
    expect(lines(planSync(create))[0]).toBe('PreSync/-1! create-namespace Namespace shop');
    const widget = { ...object('Widget', 'w', wave(-3)), apiVersion: 'example.org/v1' };
    const definition = object('CustomResourceDefinition', 'widgets.example.org', wave(5), { spec: { group: 'example.org', names: { kind: 'Widget' } } });
    expect(lines(planSync(request([definition, widget, object('Namespace', 'shop', wave(1))])))).toEqual([
      'Sync/-3 apply Namespace shop',
      'Sync/-3 apply CustomResourceDefinition widgets.example.org',
      'Sync/-3! apply Widget w',
    ]);
  });
  it.each([
    ['an incomplete render', { isComplete: false }, {}],
    ['a run without prune', { run: {} }, {}],
    ['Prune=false on the application', { syncOptions: parseSyncOptions(['Prune=false']) }, {}],
    ['Prune=false on the object', {}, { 'argocd.argoproj.io/sync-options': 'Prune=false' }],
    ['an empty render that may not be', { allowsEmpty: false }, {}],
    ['what Helm keeps', {}, { 'helm.sh/resource-policy': 'keep' }],
  ])('never prunes with %s', (_why, change, annotations) => {
    const plan = planSync(request([], [object('ConfigMap', 'old', annotations)], change));
    expect(plan.steps.flatMap((step) => step.tasks.map((task) => task.action))).toEqual(['skip-prune']);
  });
  it('selects objects and then runs no hooks', () => {
    const desired = [object('ConfigMap', 'a'), object('ConfigMap', 'b'), object('Job', 'migrate', hook('PreSync'))];
    expect(lines(planSync(request(desired, [], { run: { resources: [{ group: '', kind: 'ConfigMap', name: 'b' }] } })))).toEqual(['Sync/0! apply ConfigMap b']);
  });
  it('names a generated hook by its run, and writes the run into it', () => {
    const base = object('Job', 'x', hook('PreSync'));
    const generated: KubeObject = { ...base, metadata: { namespace: 'shop', generateName: 'migrate-', annotations: hook('PreSync') } };
    const names = ['run-1', 'run-1', 'run-2'].map((runId) => planSync(request([generated], [], { runId })).steps[0]?.tasks[0]);
    expect(names[0]?.ref.name).toMatch(/^migrate-aaaaaaa-presync-/);
    expect(names[0]?.ref.name).toBe(names[1]?.ref.name);
    expect(names[0]?.ref.name).not.toBe(names[2]?.ref.name);
    expect(names[2]?.object?.metadata.annotations?.['tiphys.dev/run']).toBe('run-2');
  });
});

describe('laws', () => {
  const kinds = fc.constantFrom('ConfigMap', 'Secret', 'Service', 'Deployment', 'Job', 'Namespace');
  const objects = fc.uniqueArray(
    fc.record({
      kind: kinds,
      name: fc.stringMatching(/^[a-f]{1,2}$/),
      wave: fc.integer({ min: -2, max: 2 }),
      hook: fc.constantFrom(undefined, 'PreSync', 'Sync', 'PostSync'),
    }),
    { maxLength: 12, selector: ({ kind, name }) => `${kind}/${name}` },
  );
  const made = objects.map((list) => list.map(({ kind, name, wave: w, hook: h }) => object(kind, name, { ...wave(w), ...(h === undefined ? {} : hook(h)) })));
  it('makes the same plan from the same input in any order', () => {
    fc.assert(
      fc.property(made, made, (desired, live) => {
        expect(planSync(request(desired.toReversed(), live.toReversed())).hash).toBe(planSync(request(desired, live)).hash);
      }),
    );
  });
  it('orders phases, then waves, then prunes before kinds', () => {
    fc.assert(
      fc.property(made, made, (desired, live) => {
        const tasks = planSync(request(desired, live)).steps.flatMap((step) => step.tasks);
        const writes = tasks.filter((task) => task.action !== 'prune');
        const place = ({ phase, wave: w, ref }: (typeof tasks)[number]): number =>
          ['PreSync', 'Sync', 'PostSync'].indexOf(phase) * 1e6 + (w + 10) * 1e3 + kindRank(ref.kind);
        for (const [index, task] of writes.entries()) if (index > 0) expect(place(task)).toBeGreaterThanOrEqual(place(writes[index - 1] ?? task));
        for (const [index, task] of tasks.entries()) {
          const before = tasks[index - 1];
          if (task.action === 'prune' && before?.phase === 'Sync' && before.wave === task.wave) expect(before.action).toBe('prune');
        }
        expect(new Set(tasks.map((task) => task.id)).size).toBe(tasks.length);
      }),
    );
  });
  it('never prunes what it did not track or still wants', () => {
    fc.assert(
      fc.property(made, made, (desired, live) => {
        const wanted = new Set(desired.map((item) => refKey(refOf(item))));
        for (const task of planSync(request(desired, live)).steps.flatMap((step) => step.tasks)) {
          if (task.action !== 'prune') continue;
          const target = live.find((item) => refKey(refOf(item)) === refKey(task.ref));
          expect(target).toBeDefined();
          expect(task.liveUid).toBe(`uid-${task.ref.name}`);
          expect(wanted.has(refKey(task.ref))).toBe(false);
        }
      }),
    );
  });
});
