import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { cloneMutable, type KubeObject } from '@tiphys/kube-model';
import { schemaNodeOf, serverSideApply, trackUpdate } from '@tiphys/kube-patch';
import { compareApplication, diffObject, ignoreRulesFor, normalizeDesired } from './index.ts';

const NOW = '2026-01-02T03:04:05Z';
const manager = 'tiphys';
const schema = schemaNodeOf('apps/v1', 'Deployment');

function deployment(change: { image?: string; cpu?: string; replicas?: number } = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      replicas: change.replicas ?? 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { creationTimestamp: null, labels: { app: 'web' } },
        spec: {
          containers: [{ name: 'web', image: change.image ?? 'web:1', ports: [{ containerPort: 80 }], resources: { limits: { cpu: change.cpu ?? '0.5' } } }],
        },
      },
    },
    status: {},
  } as unknown as KubeObject;
}

function applied(desired: KubeObject, live?: KubeObject, by = manager): KubeObject {
  const result = serverSideApply({
    live,
    applied: normalizeDesired(desired),
    manager: by,
    force: true,
    schema: schemaNodeOf(desired.apiVersion, desired.kind),
    now: NOW,
  });
  if (result.kind !== 'applied') throw new Error('conflict');
  return result.object;
}

// What the API server and other writers do to an object after we applied it.
function edited(live: KubeObject, by: string, edit: (object: never) => unknown): KubeObject {
  const object = cloneMutable(live);
  edit(object as never);
  return trackUpdate({ live, updated: object as KubeObject, manager: by, schema: schemaNodeOf(live.apiVersion, live.kind), now: NOW } as never) as KubeObject;
}

const live = edited(applied(deployment()), 'kube-controller', (object: never) => {
  const o = object as { spec: Record<string, unknown> & { template: { spec: { containers: Record<string, unknown>[] } } }; status: object };
  o.spec['progressDeadlineSeconds'] = 600;
  const container = o.spec.template.spec.containers[0] ?? {};
  container['imagePullPolicy'] = 'IfNotPresent';
  container['ports'] = [{ containerPort: 80, protocol: 'TCP' }];
  container['resources'] = { limits: { cpu: '500m' } };
  o.status = { replicas: 2 };
});

describe('diffObject', () => {
  it('sees nothing in defaults, in other fields of others, and in other spellings of one amount', () => {
    expect(diffObject({ desired: deployment(), live, manager, schema })).toEqual([]);
  });
  it('sees nothing in zeros that the API does not keep, and something in one that changes what is kept', () => {
    const desired = deployment() as never as {
      spec: { paused?: boolean; template: { spec: { hostNetwork?: boolean; containers: Record<string, unknown>[] } } };
    };
    desired.spec.paused = false;
    desired.spec.template.spec.hostNetwork = false;
    Object.assign(desired.spec.template.spec.containers[0] ?? {}, { tty: false, command: [], workingDir: '', env: [{ name: 'A', value: '' }] });
    const stored = edited(live, manager, (object: never) => {
      const o = object as { spec: { template: { spec: { containers: Record<string, unknown>[] } } } };
      Object.assign(o.spec.template.spec.containers[0] ?? {}, { env: [{ name: 'A' }] });
    });
    const changes = (found: KubeObject): readonly string[] =>
      diffObject({ desired: desired as never as KubeObject, live: found, manager, schema }).map(({ path }) => path);
    expect(changes(stored)).toStrictEqual([]);
    const paused = edited(stored, 'kubectl', (object: never) => ((object as { spec: { paused?: boolean } }).spec.paused = true));
    expect(changes(paused)).toStrictEqual(['.spec.paused']);
  });

  it('names a changed field of a list item by its key', () => {
    expect(diffObject({ desired: deployment({ image: 'web:2' }), live, manager, schema })).toMatchObject([
      { path: '.spec.template.spec.containers[name="web"].image', kind: 'changed', desired: 'web:2', live: 'web:1', cause: 'gitChanged' },
    ]);
  });
  it('says who holds a drifted value', () => {
    const drifted = edited(live, 'kubectl-edit', (object: never) => ((object as { spec: { replicas: number } }).spec.replicas = 5));
    expect(diffObject({ desired: deployment(), live: drifted, manager, schema })).toMatchObject([
      { path: '.spec.replicas', desired: 2, live: 5, owner: { manager: 'kubectl-edit', operation: 'Update', time: NOW }, cause: 'humanEdit' },
    ]);
  });
  it('removes what we own and Git has no more, and brings back what somebody removed', () => {
    const wider = applied({ ...deployment(), metadata: { name: 'web', namespace: 'shop', labels: { a: '1' } } });
    expect(diffObject({ desired: deployment(), live: wider, manager, schema })).toMatchObject([{ path: '.metadata.labels', kind: 'removed' }]);
    const stripped = edited(applied(deployment()), 'kubectl-edit', (object: never) => delete (object as { spec: { replicas?: number } }).spec.replicas);
    expect(diffObject({ desired: deployment(), live: stripped, manager, schema })).toMatchObject([{ path: '.spec.replicas', kind: 'added', desired: 2 }]);
  });
  it('honours ignored pointers and managers', () => {
    const drifted = edited(live, 'hpa', (object: never) => ((object as { spec: { replicas: number } }).spec.replicas = 5));
    const ignore = (rule: object) => ignoreRulesFor(drifted, [{ group: 'apps', kind: 'Deployment', ...rule }]);
    expect(diffObject({ desired: deployment(), live: drifted, manager, schema, ignore: ignore({ jsonPointers: ['/spec/replicas'] }) })).toEqual([]);
    expect(diffObject({ desired: deployment(), live: drifted, manager, schema, ignore: ignore({ managedFieldsManagers: ['hpa'] }) })).toEqual([]);
    expect(
      diffObject({ desired: deployment(), live: drifted, manager, schema, ignore: ignore({ name: 'other', jsonPointers: ['/spec/replicas'] }) }),
    ).toHaveLength(1);
  });
  it('never shows a secret value', () => {
    const secret = (value: string): KubeObject =>
      ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'n' }, stringData: { password: value } }) as unknown as KubeObject;
    const secretSchema = schemaNodeOf('v1', 'Secret');
    const base = applied(secret('hunter2'));
    expect(diffObject({ desired: secret('hunter2'), live: base, manager, schema: secretSchema })).toEqual([]);
    for (const changes of [
      diffObject({ desired: secret('swordfish'), live: base, manager, schema: secretSchema, digest: () => 'D' }),
      diffObject({ desired: secret('swordfish'), live: undefined, manager, schema: secretSchema }),
    ]) {
      expect(changes).toHaveLength(1);
      expect(JSON.stringify(changes)).not.toMatch(/swordfish|hunter2|c3dvcmRmaXNo|aHVudGVyMg/);
    }
  });
  it('finds nothing right after an apply (law)', () => {
    const objects = fc.record({
      data: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.string(), { maxKeys: 5 }),
      labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.string(), { maxKeys: 3 }),
    });
    fc.assert(
      fc.property(objects, objects, (before, after) => {
        const map = ({ data, labels }: typeof before): KubeObject =>
          ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n', labels }, data }) as KubeObject;
        const first = applied(map(before));
        const second = applied(map(after), first);
        const node = schemaNodeOf('v1', 'ConfigMap');
        expect(diffObject({ desired: map(after), live: second, manager, schema: node })).toEqual([]);
        const changed = diffObject({ desired: map(after), live: first, manager, schema: node });
        if (JSON.stringify(before.data) !== JSON.stringify(after.data) && Object.keys(after.data).length + Object.keys(before.data).length > 0)
          expect(changed.length === 0).toBe(JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)));
      }),
    );
  });
});

function sorted(value: { data: object; labels: object }): unknown {
  return [Object.entries(value.data).toSorted(), Object.entries(value.labels).toSorted()];
}

describe('compareApplication', () => {
  const base = { manager, schemaFor: schemaNodeOf };
  it('is out of sync with a change for each reason', () => {
    const gone: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gone', namespace: 'shop' } };
    const kept: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept', namespace: 'shop', annotations: { 'argocd.argoproj.io/compare-options': 'IgnoreExtraneous' } },
    };
    const child: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'child', namespace: 'shop', ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: '1' }] },
    };
    const result = compareApplication({
      ...base,
      desired: [deployment()],
      live: new Map([['apps/Deployment/shop/web', live]]),
      tracked: [live, gone, kept, child],
    });
    expect(result.status).toBe('OutOfSync');
    expect(result.resources.map((resource) => [resource.ref.name, resource.status, resource.requiresPruning, resource.changes.length])).toEqual([
      ['gone', 'OutOfSync', true, 1],
      ['kept', 'Synced', true, 1],
      ['web', 'Synced', false, 0],
    ]);
    for (const resource of result.resources) if (resource.status === 'OutOfSync') expect(resource.changes.length).toBeGreaterThan(0);
  });
  it('is out of sync when an object is missing', () => {
    expect(compareApplication({ ...base, desired: [deployment()], live: new Map(), tracked: [] })).toMatchObject({
      status: 'OutOfSync',
      resources: [{ changes: [{ kind: 'added', path: '' }] }],
    });
  });
});
