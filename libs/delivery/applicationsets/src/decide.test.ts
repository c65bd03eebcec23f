import type { Application } from '@tiphys/delivery-applications';
import { describe, expect, it } from 'vitest';
import type { ApplicationSet, RolloutStatus, WantedApplication } from './application-set.ts';
import { APPROVE_REMOVALS, decideChanges } from './decide.ts';
import { decideRollout } from './decide-rollout.ts';

const set = (spec: object = {}, more: object = {}): ApplicationSet =>
  ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'set', namespace: 'argocd', uid: 'set-uid', ...more },
    spec: { generators: [], template: {}, ...spec },
  }) as unknown as ApplicationSet;
const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'set', uid: 'set-uid', controller: true, blockOwnerDeletion: true };
const wanted = (name: string, revision = 'main', metadata: object = {}): WantedApplication =>
  ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd', ...metadata },
    spec: { project: 'default', source: { repoURL: 'r', targetRevision: revision }, destination: {} },
  }) as WantedApplication;
const live = (name: string, more: object = {}, metadata: object = {}): Application =>
  ({
    ...wanted(name),
    metadata: { name, namespace: 'argocd', uid: name, resourceVersion: '1', ownerReferences: [owner], ...metadata },
    ...more,
  }) as Application;
const decide = (of: ApplicationSet, wants: readonly WantedApplication[], existing: readonly Application[], unfit: readonly string[] = []) =>
  decideChanges({ set: of, wanted: wants, existing, unfit: new Set(unfit) });
const names = (list: readonly { readonly metadata: { readonly name?: string } }[]) => list.map(({ metadata }) => metadata.name);

describe('changes of a set', () => {
  it('create, update and remove, each owned by the set', () => {
    const changes = decide(set(), [wanted('a'), wanted('b', 'v2'), wanted('same')], [live('b'), live('gone'), live('same')]);
    expect([names(changes.create), names(changes.update), names(changes.remove)]).toEqual([['a'], ['b'], ['gone']]);
    expect(changes.create[0]?.metadata.ownerReferences).toEqual([owner]);
    expect(changes.update[0]).toMatchObject({ metadata: { resourceVersion: '1' }, spec: { source: { targetRevision: 'v2' } } });
  });

  it.each([
    ['create-only', [], []],
    ['create-update', ['b'], []],
    ['create-delete', [], ['gone']],
    ['sync', ['b'], ['gone']],
  ])('keep to the policy %s', (applicationsSync, updates, removes) => {
    const changes = decide(set({ syncPolicy: { applicationsSync } }), [wanted('a'), wanted('b', 'v2')], [live('b'), live('gone')]);
    expect([names(changes.create), names(changes.update), names(changes.remove)]).toEqual([['a'], updates, removes]);
  });

  it('leave alone what is not fit, what another set owns, and what is not theirs', () => {
    const other = live('theirs', {}, { ownerReferences: [{ ...owner, uid: 'other' }] });
    const free = live('free', {}, { ownerReferences: [] });
    const changes = decide(set(), [wanted('bad', 'x'), wanted('theirs', 'x')], [live('bad'), other, free], ['bad']);
    expect([changes.create, changes.update, changes.remove]).toEqual([[], [], []]);
    expect(names(decide(set(), [wanted('free')], [free]).update)).toEqual(['free']);
  });

  it('keep annotations, labels, finalizers and fields that belong to others', () => {
    const existing = live(
      'a',
      { spec: { ...wanted('a').spec, source: { repoURL: 'r', targetRevision: 'pinned' }, info: [{ name: 'n', value: 'v' }] } },
      {
        annotations: { 'argocd.argoproj.io/refresh': 'normal', 'notified.notifications.argoproj.io.x': '1', mine: 'kept', stale: 'gone' },
        labels: { mine: 'kept', stale: 'gone' },
        finalizers: ['post-delete-finalizer.argocd.argoproj.io/cleanup', 'stale'],
      },
    );
    const of = set({
      preservedFields: { annotations: ['mine'], labels: ['mine'] },
      ignoreApplicationDifferences: [{ jqPathExpressions: ['.spec.source.targetRevision'] }, { name: 'other', jsonPointers: ['/spec/info'] }],
    });
    const [next] = decide(of, [wanted('a', 'main', { labels: { own: '1' }, finalizers: ['resources-finalizer.argocd.argoproj.io'] })], [existing]).update;
    expect(next?.metadata).toMatchObject({
      annotations: { 'argocd.argoproj.io/refresh': 'normal', 'notified.notifications.argoproj.io.x': '1', mine: 'kept' },
      labels: { own: '1', mine: 'kept' },
      finalizers: ['resources-finalizer.argocd.argoproj.io', 'post-delete-finalizer.argocd.argoproj.io/cleanup'],
    });
    expect(Object.keys(next?.metadata.annotations ?? {})).toHaveLength(3);
    expect(next?.spec.source?.targetRevision).toBe('pinned');
    expect(next?.spec.info).toBeUndefined();
  });

  it('write nothing twice', () => {
    const [created] = decide(set(), [wanted('a', 'main', { labels: { x: '1' } })], []).create;
    expect(
      decide(
        set(),
        [wanted('a', 'main', { labels: { x: '1' } })],
        [{ ...created, metadata: { ...created?.metadata, resourceVersion: '9', uid: 'u' } } as Application],
      ).update,
    ).toEqual([]);
  });

  it('hold many removals until just these are approved', () => {
    const many = Array.from({ length: 12 }, (_, index) => live(`app-${index}`));
    const { remove, held } = decide(set(), [wanted('app-0')], many);
    expect(remove).toEqual([]);
    const digest = /: ([0-9a-f]{12})$/.exec(held ?? '')?.[1] ?? '';
    expect(held).toContain('11 of 12 applications are no longer generated');
    const approved = set({}, { annotations: { [APPROVE_REMOVALS]: digest } });
    expect(decide(approved, [wanted('app-0')], many).remove).toHaveLength(11);
    expect(decide(approved, [], many).held).toBeDefined();
    expect(decide(set(), [], many.slice(0, 9)).remove).toHaveLength(9);
  });
});

describe('a rolling sync', () => {
  const steps = [
    { matchExpressions: [{ key: 'env', operator: 'In', values: ['dev'] }] },
    { matchExpressions: [{ key: 'env', operator: 'In', values: ['prod'] }], maxUpdate: '50%' },
  ];
  const rolling = (statuses: readonly RolloutStatus[] = []): ApplicationSet => ({
    ...set({ strategy: { type: 'RollingSync', rollingSync: { steps } } }),
    status: { applicationStatus: statuses },
  });
  const app = (name: string, env: string, status: object): Application =>
    live(name, { status: { sync: { status: 'OutOfSync', revision: 'r2' }, health: { status: 'Healthy' }, ...status } }, { labels: { env } });
  const synced = { sync: { status: 'Synced', revision: 'r2' } };
  const brief = (statuses: readonly RolloutStatus[]) => statuses.map(({ application, status, step }) => `${application} ${status} ${step}`);

  it('goes step by step, as many at once as a step allows, each when the earlier step is healthy', () => {
    const apps = (dev: object, p1: object, p2: object) => [app('dev', 'dev', dev), app('p1', 'prod', p1), app('p2', 'prod', p2), app('odd', 'none', {})];
    let statuses: readonly RolloutStatus[] = [];
    const look = (at: string, ...states: [object, object, object]) => {
      const decision = decideRollout(rolling(statuses), apps(...states), at);
      statuses = decision.statuses;
      return [brief(decision.statuses).filter((line) => !line.startsWith('odd')), names(decision.sync)];
    };
    expect(look('2026-01-01T00:00:00Z', {}, {}, {})).toEqual([['dev Pending 1', 'p1 Waiting 2', 'p2 Waiting 2'], ['dev']]);
    const running = { operationState: { phase: 'Running', startedAt: '2026-01-01T00:00:01Z' } };
    expect(look('2026-01-01T00:00:02Z', running, {}, {})).toEqual([['dev Progressing 1', 'p1 Waiting 2', 'p2 Waiting 2'], []]);
    expect(look('2026-01-01T00:00:03Z', { ...synced, health: { status: 'Progressing' } }, {}, {})[0]).toEqual([
      'dev Progressing 1',
      'p1 Waiting 2',
      'p2 Waiting 2',
    ]);
    expect(look('2026-01-01T00:00:04Z', synced, {}, {})).toEqual([['dev Healthy 1', 'p1 Pending 2', 'p2 Waiting 2'], ['p1']]);
    expect(look('2026-01-01T00:00:05Z', synced, { ...running, operationState: { phase: 'Running', startedAt: '2026-01-01T00:00:05Z' } }, {})[0]).toEqual([
      'dev Healthy 1',
      'p1 Progressing 2',
      'p2 Waiting 2',
    ]);
    expect(look('2026-01-01T00:00:06Z', synced, synced, {})).toEqual([['dev Healthy 1', 'p1 Healthy 2', 'p2 Pending 2'], ['p2']]);
  });

  it('begins anew with a new revision, and takes what is in sync for done', () => {
    const healthy: RolloutStatus = { application: 'dev', status: 'Healthy', step: '1', message: '', targetRevisions: ['r1'] };
    expect(brief(decideRollout(rolling([healthy]), [app('dev', 'dev', {})], 'now').statuses)).toEqual(['dev Pending 1']);
    const waiting: RolloutStatus = { ...healthy, status: 'Waiting', targetRevisions: ['r2'] };
    expect(brief(decideRollout(rolling([waiting]), [app('dev', 'dev', synced)], 'now').statuses)).toEqual(['dev Healthy 1']);
  });

  it('begins anew when a sync failed for another target than the present one', () => {
    const begun: RolloutStatus = { application: 'dev', status: 'Progressing', step: '1', message: '', targetRevisions: [] };
    const failed = (revision: string): object => ({ operationState: { phase: 'Error', startedAt: '2026-01-01T00:00:01Z', syncResult: { revision } } });
    const look = (revision: string): readonly string[] =>
      brief(decideRollout(rolling([begun]), [app('dev', 'dev', failed(revision))], '2026-01-01T00:00:02Z').statuses);
    expect([look('r1'), look('r2')]).toEqual([['dev Pending 1'], ['dev Progressing 1']]);
  });

  it('asks once when the target becomes known after it was asked for', () => {
    const asked: RolloutStatus = {
      application: 'dev',
      status: 'Pending',
      step: '1',
      message: '',
      targetRevisions: [],
      lastTransitionTime: '2026-01-01T00:00:01Z',
    };
    const { statuses } = decideRollout(rolling([asked]), [app('dev', 'dev', {})], '2026-01-01T00:00:02Z');
    expect(statuses).toMatchObject([{ status: 'Pending', targetRevisions: ['r2'], lastTransitionTime: asked.lastTransitionTime }]);
  });

  it('lets nothing through a step of zero', () => {
    const closed = {
      ...rolling(),
      spec: { ...rolling().spec, strategy: { type: 'RollingSync', rollingSync: { steps: [{ maxUpdate: 0 }] } } },
    } as ApplicationSet;
    expect(decideRollout(closed, [app('dev', 'dev', {})], 'now').sync).toEqual([]);
  });
});
