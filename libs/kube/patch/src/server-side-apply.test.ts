import { deepEqual, fieldAt, type KubeObject } from '@tiphys/kube-model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adoptOwnership } from './adopt-ownership.ts';
import { ownerAt, parseManagedFields } from './managed-fields.ts';
import { schemaNodeOf } from './schema-node.ts';
import { serverSideApply, trackUpdate } from './server-side-apply.ts';

const NOW = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:01:00Z';
const schema = schemaNodeOf('apps/v1', 'Deployment');
const configMap = schemaNodeOf('v1', 'ConfigMap');

interface Fields {
  readonly [key: string]: unknown;
}

function deployment(spec: Fields, metadata: Fields = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', ...metadata }, spec } as KubeObject;
}

function apply(live: KubeObject | undefined, applied: KubeObject, manager: string, force = false, now = NOW): KubeObject {
  const result = serverSideApply({ live, applied, manager, force, schema: applied.kind === 'ConfigMap' ? configMap : schema, now });
  if (result.kind === 'conflict') throw new Error(`conflict: ${result.conflicts.map((c) => `${c.manager} ${c.path}`).join(', ')}`);
  return result.object;
}

const containers = (...items: readonly Fields[]): Fields => ({ template: { spec: { containers: items } } });

describe('serverSideApply', () => {
  it('owns exactly what was applied', () => {
    const live = apply(
      undefined,
      deployment({ replicas: 1, ...containers({ name: 'app', image: 'a:1', ports: [{ containerPort: 80 }] }) }, { labels: { app: 'web' } }),
      'tiphys',
    );
    expect(live.metadata.managedFields).toEqual([
      {
        manager: 'tiphys',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: NOW,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:template': {
              'f:spec': {
                'f:containers': {
                  'k:{"name":"app"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
  });

  it('changes nothing when applied again, not even the time', () => {
    const applied = deployment({ replicas: 1, ...containers({ name: 'app', image: 'a:1' }) });
    const live = apply(undefined, applied, 'tiphys');
    const again = serverSideApply({ live, applied, manager: 'tiphys', force: false, schema, now: LATER });
    expect(again).toEqual({ kind: 'applied', object: live, changed: false });
  });

  it('removes what it no longer applies and keeps what others set', () => {
    const first = apply(
      undefined,
      deployment({ replicas: 1, paused: true, ...containers({ name: 'app', image: 'a:1' }, { name: 'side', image: 's:1' }) }),
      'tiphys',
    );
    const edited = trackUpdate({
      live: first,
      updated: { ...first, spec: { ...(fieldAt(first, 'spec') as Fields), minReadySeconds: 5 } } as KubeObject,
      manager: 'kubectl-edit',
      schema,
      now: NOW,
    });
    const second = apply(edited, deployment({ replicas: 1, ...containers({ name: 'app', image: 'a:2' }) }), 'tiphys');
    expect(fieldAt(second, 'spec')).toEqual({ replicas: 1, minReadySeconds: 5, template: { spec: { containers: [{ name: 'app', image: 'a:2' }] } } });
  });

  it('reports a conflict with the owner and path, and takes over by force', () => {
    const live = apply(undefined, deployment({ replicas: 1 }), 'first');
    const applied = deployment({ replicas: 3 });
    const refused = serverSideApply({ live, applied, manager: 'second', force: false, schema, now: LATER });
    expect(refused.kind === 'conflict' && refused.conflicts.map((c) => [c.manager, c.path])).toEqual([['first', '.spec.replicas']]);
    const forced = apply(live, applied, 'second', true, LATER);
    expect(fieldAt(forced, 'spec', 'replicas')).toBe(3);
    expect(parseManagedFields(forced).map((entry) => entry.manager)).toEqual(['second']);
  });

  it('keeps the identity of an object whose manager lets go of its last label', () => {
    const first = apply(undefined, deployment({ replicas: 1 }, { namespace: 'shop', labels: { app: 'web' } }), 'tiphys');
    const second = apply(first, deployment({ replicas: 1 }, { namespace: 'shop' }), 'tiphys');
    expect(second.metadata).toMatchObject({ name: 'web', namespace: 'shop' });
    expect(second.metadata.labels).toBeUndefined();
  });

  it('shares a field applied with the same value and keeps it until the last owner lets go', () => {
    const one = apply(undefined, deployment({ replicas: 2 }), 'one');
    const both = apply(one, deployment({ replicas: 2 }), 'two');
    const left = apply(both, deployment({}), 'one');
    expect(fieldAt(left, 'spec', 'replicas')).toBe(2);
    expect(fieldAt(apply(left, deployment({}), 'two'), 'spec', 'replicas')).toBeUndefined();
  });

  it('keeps a list item that another manager still owns, without the fields it let go', () => {
    const one = apply(undefined, deployment(containers({ name: 'app', image: 'a:1' })), 'one');
    const two = apply(one, deployment(containers({ name: 'app', env: [{ name: 'A', value: '1' }] })), 'two');
    expect(fieldAt(apply(two, deployment({}), 'one'), 'spec', 'template', 'spec', 'containers')).toEqual([{ name: 'app', env: [{ name: 'A', value: '1' }] }]);
  });

  it('removes a list item with the defaults the server had added to it', () => {
    const one = apply(undefined, deployment(containers({ name: 'app', image: 'a' }, { name: 'side', image: 'b' })), 'one');
    const defaulted = {
      ...one,
      ...deployment(containers({ name: 'app', image: 'a' }, { name: 'side', image: 'b', imagePullPolicy: 'Always' }), { ...one.metadata }),
    };
    expect(fieldAt(apply(defaulted, deployment(containers({ name: 'app', image: 'a' })), 'one'), 'spec', 'template', 'spec', 'containers')).toEqual([
      { name: 'app', image: 'a' },
    ]);
  });

  it('gives fields of an unmanaged object to before-first-apply', () => {
    const live = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1', b: '2' } } as KubeObject;
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } } as KubeObject;
    expect(parseManagedFields(apply(live, applied, 'tiphys')).map((entry) => entry.manager)).toEqual(['tiphys', 'before-first-apply']);
  });

  it('names the last writer of a field', () => {
    const live = apply(undefined, deployment({ replicas: 1 }), 'tiphys');
    const scaled = trackUpdate({ live, updated: { ...live, spec: { replicas: 9 } } as KubeObject, manager: 'kubectl', schema, now: LATER });
    expect(
      ownerAt(scaled, [
        { kind: 'field', name: 'spec' },
        { kind: 'field', name: 'replicas' },
      ]),
    ).toMatchObject({ manager: 'kubectl', operation: 'Update', time: LATER });
  });

  it('treats __proto__ as a key like any other', () => {
    const applied = JSON.parse('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"__proto__":"x"}}') as KubeObject;
    const live = apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } } as KubeObject, applied, 'tiphys');
    expect(Object.keys(fieldAt(live, 'data') as object).toSorted()).toEqual(['__proto__', 'a']);
    expect(({} as Fields)['x']).toBeUndefined();
  });
});

const value = fc.constantFrom('1', '2', '3');
const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), value, { maxKeys: 4 });
const containerList = fc.uniqueArray(fc.record({ name: fc.constantFrom('x', 'y', 'z'), image: value }, { requiredKeys: ['name'] }), {
  selector: (item) => item.name,
  maxLength: 3,
});
const config = fc
  .record({ labels: data, replicas: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }), containers: containerList })
  .map(({ labels, replicas, containers: list }) =>
    deployment({ ...(replicas === undefined ? {} : { replicas }), ...(list.length === 0 ? {} : containers(...list)) }, { labels }),
  );
const script = fc.array(fc.record({ manager: fc.constantFrom('one', 'two', 'three'), config }), { minLength: 1, maxLength: 6 });

const bare: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
const contains = (whole: unknown, part: unknown): boolean => {
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((item) => whole.some((other) => contains(other, item)));
  if (typeof part !== 'object' || part === null) return deepEqual(whole, part);
  return Object.entries(part).every(
    ([key, field]) => (typeof field === 'object' && field !== null && Object.keys(field).length === 0) || contains(fieldAt(whole, key), field),
  );
};

describe('laws of server-side apply', () => {
  const run = (steps: readonly { readonly manager: string; readonly config: KubeObject }[]): KubeObject | undefined =>
    steps.reduce<KubeObject | undefined>((live, step) => apply(live, step.config, step.manager, true), undefined);

  it('a forced apply is in the result, and applying it again changes nothing', () => {
    fc.assert(
      fc.property(script, fc.constantFrom('one', 'two'), config, (steps, manager, last) => {
        const live = apply(run(steps), last, manager, true);
        expect(contains(live, { spec: fieldAt(last, 'spec'), metadata: { labels: last.metadata.labels } })).toBe(true);
        expect(serverSideApply({ live, applied: last, manager, force: false, schema, now: LATER })).toMatchObject({ kind: 'applied', changed: false });
      }),
      { numRuns: 500 },
    );
  });

  it('when every manager lets go, nothing applied is left', () => {
    fc.assert(
      fc.property(script, (steps) => {
        const empty = ['one', 'two', 'three'].reduce<KubeObject | undefined>((live, manager) => apply(live, bare, manager, true), run(steps));
        expect(fieldAt(empty, 'spec') ?? {}).toEqual({});
        expect(Object.keys(empty?.metadata.labels ?? {})).toEqual([]);
        expect(empty?.metadata.managedFields ?? []).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('a refused apply names only fields whose value would change, and agreeing applies never conflict', () => {
    fc.assert(
      fc.property(script, config, (steps, last) => {
        const live = run(steps);
        const result = serverSideApply({ live, applied: last, manager: 'stranger', force: false, schema, now: LATER });
        if (result.kind === 'conflict') expect(result.conflicts.every((conflict) => conflict.manager !== 'stranger')).toBe(true);
        else expect(contains(result.object, { spec: fieldAt(live, 'spec') })).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('an update gives its manager what changed and takes it from everyone else', () => {
    fc.assert(
      fc.property(script, config, (steps, updated) => {
        const live = run(steps);
        const after = trackUpdate({
          live,
          updated: {
            ...updated,
            metadata: { ...updated.metadata, ...(live?.metadata.managedFields === undefined ? {} : { managedFields: live.metadata.managedFields }) },
          },
          manager: 'editor',
          schema,
          now: LATER,
        });
        const replicas = [
          { kind: 'field', name: 'spec' },
          { kind: 'field', name: 'replicas' },
        ] as const;
        if (!deepEqual(fieldAt(live, 'spec', 'replicas'), fieldAt(updated, 'spec', 'replicas')) && fieldAt(updated, 'spec', 'replicas') !== undefined)
          expect(ownerAt(after, replicas)?.manager).toBe('editor');
      }),
      { numRuns: 500 },
    );
  });
});

describe('adoptOwnership of updates', () => {
  const updaters = new Set(['kubectl-client-side-apply']);
  const previous = new Set<string>();
  const written = trackUpdate({
    live: undefined,
    updated: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', annotations: { last: '{}' } }, data: { a: '1', b: '2' } } as KubeObject,
    manager: 'kubectl-client-side-apply',
    schema: configMap,
    now: NOW,
  });
  const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } } as KubeObject;

  it('lets an applier drop what was written under another name', () => {
    expect(fieldAt(apply(written, wanted, 'tiphys', true), 'data')).toEqual({ a: '1', b: '2' });
    const moved = adoptOwnership({ live: written, manager: 'tiphys', previous, updaters, exceptAnnotations: ['last'], schema: configMap });
    expect(moved.metadata.managedFields?.map(({ manager, operation }) => [manager, operation])).toEqual([
      ['tiphys', 'Apply'],
      ['kubectl-client-side-apply', 'Update'],
    ]);
    const after = apply(moved, wanted, 'tiphys', true);
    expect(fieldAt(after, 'data')).toEqual({ a: '1' });
    expect(after.metadata.annotations).toEqual({ last: '{}' });
  });
  it('says nothing where there is nothing to move', () => {
    const adopt = (live: KubeObject, names: ReadonlySet<string>): KubeObject =>
      adoptOwnership({ live, manager: 'tiphys', previous, updaters: names, schema: configMap });
    expect(adopt(written, new Set(['other']))).toBe(written);
    const own = apply(undefined, wanted, 'tiphys');
    expect(adopt(own, updaters)).toBe(own);
  });
});
