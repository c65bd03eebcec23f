import type { appsv1 } from '@tiphys/kube-model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDeployment, REVISION_ANNOTATION, revisionOf } from './plan.ts';
import { boundsOf, replicasOf } from './rollout.ts';
import { deploymentStatus } from './status.ts';

const template = (image: string): appsv1.DeploymentSpec['template'] => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }] },
});

function deployment(spec: Partial<appsv1.DeploymentSpec>, image = 'v1'): appsv1.Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'shop', name: 'web', uid: 'd', generation: 1 },
    spec: { selector: { matchLabels: { app: 'web' } }, template: template(image), ...spec },
  };
}

/** A cluster of one Deployment: what a plan changes is done at once, pods become available when the test says so. */
class World {
  sets: appsv1.ReplicaSet[] = [];
  #age = 0;

  step(of: appsv1.Deployment): boolean {
    const hasOldPods = this.sets.some(
      (set) => (set.status?.replicas ?? 0) > 0 && set.spec?.template?.spec?.containers[0]?.image !== of.spec?.template.spec?.containers[0]?.image,
    );
    const plan = planDeployment({ deployment: of, replicaSets: this.sets, hasOldPods, collisionCount: undefined });
    if (plan.create !== undefined) {
      this.#age += 1;
      const creationTimestamp = new Date(this.#age * 1_000).toISOString();
      this.sets.push({ ...plan.create, metadata: { ...plan.create.metadata, creationTimestamp }, status: { replicas: 0 } });
    }
    for (const set of plan.update)
      this.sets = this.sets.map((known) =>
        known.metadata.name === set.metadata.name ? { ...set, ...(known.status === undefined ? {} : { status: known.status }) } : known,
      );
    this.sets = this.sets.filter((set) => !plan.remove.some(({ metadata }) => metadata.name === set.metadata.name));
    // ReplicaSets follow their numbers: pods that go are gone, those that come are not available yet.
    this.sets = this.sets.map((set) => ({
      ...set,
      status: { ...set.status, replicas: replicasOf(set), availableReplicas: Math.min(set.status?.availableReplicas ?? 0, replicasOf(set)) },
    }));
    return plan.create !== undefined || plan.update.length > 0 || plan.remove.length > 0;
  }

  /** One pod more becomes available, somewhere. */
  ripen(pick: number): void {
    const ripe = this.sets.filter((set) => (set.status?.availableReplicas ?? 0) < replicasOf(set));
    const chosen = ripe[pick % Math.max(ripe.length, 1)];
    this.sets = this.sets.map((set) =>
      set === chosen ? { ...set, status: { ...set.status, replicas: replicasOf(set), availableReplicas: (set.status?.availableReplicas ?? 0) + 1 } } : set,
    );
  }

  settle(of: appsv1.Deployment): void {
    for (let turn = 0; turn < 500; turn += 1) {
      const moved = this.step(of);
      if (!moved && this.sets.every((set) => (set.status?.availableReplicas ?? 0) === replicasOf(set))) return;
      if (!moved) this.ripen(turn);
    }
    throw new Error('the rollout did not come to an end');
  }

  get total(): number {
    return this.sets.reduce((sum, set) => sum + replicasOf(set), 0);
  }

  get available(): number {
    return this.sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
  }
}

const bound = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
);

describe('rolling update', () => {
  it('never falls below what must be available, never rises above surge, and always ends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        bound,
        bound,
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 }),
        fc.boolean(),
        (replicas, maxSurge, maxUnavailable, picks, isRollover) => {
          const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
          const before = deployment({ replicas, strategy }, 'v1');
          const world = new World();
          world.settle(before);
          const { surge, unavailable } = boundsOf(before);
          const check = (): void => {
            expect(world.total).toBeLessThanOrEqual(replicas + surge);
            expect(world.available).toBeGreaterThanOrEqual(replicas - unavailable);
          };
          let after = deployment({ replicas, strategy }, 'v2');
          for (const [index, pick] of picks.entries()) {
            if (isRollover && index === 10) after = deployment({ replicas, strategy }, 'v3');
            world.step(after);
            check();
            world.ripen(pick);
            check();
          }
          world.settle(after);
          check();
          const full = world.sets.filter((set) => replicasOf(set) > 0);
          expect(full).toHaveLength(1);
          expect(full[0]?.spec?.template?.spec?.containers[0]?.image).toBe(after.spec?.template.spec?.containers[0]?.image);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps the sum of a proportional scaling exact', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 1, max: 30 }), (from, to) => {
        const world = new World();
        const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } };
        world.settle(deployment({ replicas: from, strategy }, 'v1'));
        world.step(deployment({ replicas: from, strategy }, 'v2'));
        world.step(deployment({ replicas: from, strategy }, 'v2'));
        const after = deployment({ replicas: to, strategy }, 'v2');
        world.step(after);
        expect(world.total).toBeLessThanOrEqual(to + 2);
        world.settle(after);
        expect(world.total).toBe(to);
      }),
    );
  });
});

describe('deployment plan', () => {
  it('recreates only after every old pod is gone', () => {
    const world = new World();
    const strategy = { type: 'Recreate' };
    world.settle(deployment({ replicas: 2, strategy }, 'v1'));
    const after = deployment({ replicas: 2, strategy }, 'v2');
    const running = planDeployment({ deployment: after, replicaSets: world.sets, hasOldPods: true, collisionCount: undefined });
    expect(running.create).toBeUndefined();
    expect(running.update.map(replicasOf)).toEqual([0]);
    world.settle(after);
    expect(world.sets.map(replicasOf).toSorted()).toEqual([0, 2]);
  });

  it('creates nothing while paused, but scales', () => {
    const world = new World();
    world.settle(deployment({ replicas: 2 }, 'v1'));
    const plan = planDeployment({
      deployment: deployment({ replicas: 5, paused: true }, 'v2'),
      replicaSets: world.sets,
      hasOldPods: false,
      collisionCount: undefined,
    });
    expect(plan.create).toBeUndefined();
    expect(plan.update.map(replicasOf)).toEqual([5]);
  });

  it('gives a template that comes back the newest revision and keeps the history short', () => {
    const world = new World();
    for (const image of ['v1', 'v2', 'v3', 'v4']) world.settle(deployment({ replicas: 1, revisionHistoryLimit: 2 }, image));
    expect(world.sets.map(revisionOf).toSorted()).toEqual([2, 3, 4]);
    world.settle(deployment({ replicas: 1, revisionHistoryLimit: 2 }, 'v3'));
    const active = world.sets.find((set) => replicasOf(set) === 1);
    expect(active?.metadata.annotations?.[REVISION_ANNOTATION]).toBe('5');
    expect(active?.spec?.template?.spec?.containers[0]?.image).toBe('v3');
  });

  it('resolves bounds as upstream does', () => {
    const of = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): unknown =>
      boundsOf(deployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } }));
    expect(of(10, '25%', '25%')).toEqual({ surge: 3, unavailable: 2 });
    expect(of(1, '25%', '25%')).toEqual({ surge: 1, unavailable: 0 });
    expect(of(3, 0, 0)).toEqual({ surge: 0, unavailable: 1 });
    expect(of(3, 0, '10%')).toEqual({ surge: 0, unavailable: 1 });
  });
});

describe('deployment status', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const set = (available: number, replicas = 2): appsv1.ReplicaSet => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-1' },
    spec: { replicas, selector: {} },
    status: { replicas, readyReplicas: available, availableReplicas: available },
  });

  const statusOf = (of: appsv1.Deployment, available: number, atMs: number): ReturnType<typeof deploymentStatus> =>
    deploymentStatus({ deployment: of, newSet: set(available), all: [set(available)], note: undefined, collisionCount: undefined }, atMs);

  it('says that a rollout is complete, and that one is late', () => {
    const of = deployment({ replicas: 2, progressDeadlineSeconds: 60 });
    const complete = statusOf(of, 2, nowMs);
    expect(complete.status.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ]);
    const begun = statusOf(of, 0, nowMs);
    expect(begun.requeueAfterMs).toBe(61_000);
    const late = statusOf({ ...of, status: begun.status }, 0, nowMs + 61_000);
    expect(late.status.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(late.requeueAfterMs).toBeUndefined();
    // Looking again changes nothing.
    expect(statusOf({ ...of, status: late.status }, 0, nowMs + 90_000).status).toEqual(late.status);
  });
});
