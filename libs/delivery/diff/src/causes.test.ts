import { describe, expect, it } from 'vitest';
import { cloneMutable, type KubeObject } from '@tiphys/kube-model';
import { schemaNodeOf, serverSideApply, trackUpdate, UNTYPED } from '@tiphys/kube-patch';
import { causeOf, compareApplication, diffObject, jqQuestions, withAdoptedFields, withIgnoredLiveValues, ignoreRulesFor, type LastSynced } from './index.ts';

const NOW = '2026-01-02T03:04:05Z';
const manager = 'tiphys';
const schema = schemaNodeOf('apps/v1', 'Deployment');

function deployment(spec: { image?: string; replicas?: number; extra?: object } = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      ...(spec.replicas === undefined ? {} : { replicas: spec.replicas }),
      ...spec.extra,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: spec.image ?? 'web:1' }] } },
    },
  } as unknown as KubeObject;
}

function applied(desired: KubeObject, live?: KubeObject, by = manager): KubeObject {
  const result = serverSideApply({ live, applied: desired, manager: by, force: true, schema: schemaNodeOf(desired.apiVersion, desired.kind), now: NOW });
  if (result.kind !== 'applied') throw new Error('conflict');
  return result.object;
}

function edited(live: KubeObject, by: string, edit: (object: { spec: Record<string, unknown> }) => void, subresource?: string): KubeObject {
  const object = cloneMutable(live);
  edit(object as never);
  return trackUpdate({
    live,
    updated: object as KubeObject,
    manager: by,
    schema,
    now: '2026-01-02T04:00:00Z',
    ...(subresource === undefined ? {} : { subresource }),
  });
}

const synced: LastSynced = { isSameInput: true };
const causes = (live: KubeObject, desired: KubeObject, lastSynced?: LastSynced): readonly (readonly [string, string])[] =>
  diffObject({ desired, live, manager, schema, lastSynced }).map(({ path, cause }) => [path, cause]);

describe('causes', () => {
  const live = applied(deployment({ replicas: 2 }));
  it('are a new wish, or another rendering of the same one', () => {
    const wish = deployment({ replicas: 2, image: 'web:2' });
    const image = '.spec.template.spec.containers[name="web"].image';
    expect(causes(live, wish)).toEqual([[image, 'gitChanged']]);
    expect(causes(live, wish, { isSameInput: false, desired: deployment({ replicas: 2 }) })).toEqual([[image, 'gitChanged']]);
    expect(causes(live, wish, synced)).toEqual([[image, 'rendererChanged']]);
  });
  it('of what a client-side apply wrote are told from what is stored', () => {
    const sent = deployment({ replicas: 2 });
    const byUs = trackUpdate({ live: undefined, updated: sent, manager, schema, now: NOW });
    const stored = edited(byUs, 'kubectl-edit', ({ spec }) => (spec['paused'] = true));
    const scaled = edited(stored, 'kubectl-scale', ({ spec }) => (spec['replicas'] = 5));
    const asApplied = { ...scaled, metadata: { ...scaled.metadata, managedFields: applied(sent).metadata.managedFields ?? [] } };
    const change = (desired: KubeObject, lastSynced?: LastSynced): unknown =>
      diffObject({ desired, live: asApplied, stored: scaled, manager, schema, lastSynced }).map(({ path, cause, owner }) => [path, cause, owner?.manager]);
    expect(change(sent, synced)).toEqual([['.spec.replicas', 'humanEdit', 'kubectl-scale']]);
    expect(change(deployment({ replicas: 5, image: 'web:2' }))).toEqual([['.spec.template.spec.containers[name="web"].image', 'gitChanged', manager]]);
  });
  it.each([
    ['kubectl-edit', 'humanEdit'],
    ['k9s', 'humanEdit'],
    ['kube-controller-manager', 'controller'],
    ['keda-operator', 'controller'],
  ])('are %s, which is %s', (by, cause) => {
    expect(
      causes(
        edited(live, by, ({ spec }) => (spec['replicas'] = 5)),
        deployment({ replicas: 2 }),
      ),
    ).toEqual([['.spec.replicas', cause]]);
  });
  it('are a controller where kubectl scaled by the subresource of an autoscaler', () => {
    const scaled = edited(live, 'kubectl', ({ spec }) => (spec['replicas'] = 5), 'scale');
    expect(causes(scaled, deployment({ replicas: 2 }))).toEqual([['.spec.replicas', 'controller']]);
  });
  it('are admission where our own name stands on an update', () => {
    expect(
      causes(
        edited(live, manager, ({ spec }) => (spec['replicas'] = 5)),
        deployment({ replicas: 2 }),
        synced,
      ),
    ).toEqual([['.spec.replicas', 'webhook']]);
  });
  it('are whoever took away what was synced', () => {
    const stripped = edited(live, 'kubectl-edit', ({ spec }) => delete spec['replicas']);
    expect(causes(stripped, deployment({ replicas: 2 }), synced)).toEqual([['.spec.replicas', 'humanEdit']]);
    expect(causes(stripped, deployment({ replicas: 2 }))).toEqual([['.spec.replicas', 'gitChanged']]);
  });
  it('of a missing object are somebody, if it was there', () => {
    expect(diffObject({ desired: deployment(), live: undefined, manager, schema, lastSynced: synced })[0]?.cause).toBe('humanEdit');
    expect(diffObject({ desired: deployment(), live: undefined, manager, schema })[0]?.cause).toBe('gitChanged');
  });
  it('of what nobody owns is a default', () => {
    const place = {
      kind: 'removed' as const,
      elements: [
        { kind: 'field' as const, name: 'spec' },
        { kind: 'field' as const, name: 'nobody' },
      ],
    };
    expect(causeOf(place, { live, manager, schema: UNTYPED, lastSynced: undefined })).toBe('defaulted');
  });
});

describe('defaults', () => {
  it('of what Git lets go of are what the server puts there', () => {
    const live = applied(deployment({ replicas: 1, extra: { revisionHistoryLimit: 3 } }));
    expect(diffObject({ desired: deployment(), live, manager, schema })).toMatchObject([
      { path: '.spec.revisionHistoryLimit', kind: 'changed', live: 3, desired: 10 },
    ]);
  });
  it('inside values that are replaced as a whole are no difference', () => {
    const env = (fieldRef: object): KubeObject => {
      const object = cloneMutable(deployment()) as unknown as { spec: { template: { spec: { containers: Record<string, unknown>[] } } } };
      for (const container of object.spec.template.spec.containers) container['env'] = [{ name: 'A', valueFrom: { fieldRef } }];
      return object as unknown as KubeObject;
    };
    const live = applied(env({ apiVersion: 'v1', fieldPath: 'metadata.name' }));
    expect(diffObject({ desired: env({ fieldPath: 'metadata.name' }), live, manager, schema })).toEqual([]);
    expect(diffObject({ desired: env({ fieldPath: 'metadata.uid' }), live, manager, schema })).toHaveLength(1);
  });
});

describe('objects that another tool delivered', () => {
  const before = deployment({ replicas: 2, extra: { paused: true } });
  const after = deployment({ replicas: 2 });
  const note = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(before) };
  const byKubectl = trackUpdate({
    live: undefined,
    updated: { ...before, metadata: { ...before.metadata, annotations: note } },
    manager: 'kubectl-client-side-apply',
    schema,
    now: NOW,
  });
  it.each([
    ['kubectl apply', byKubectl],
    ['Argo CD', applied(before, undefined, 'argocd-controller')],
    ['Flux', applied(before, undefined, 'kustomize-controller')],
  ])('lose what %s had and Git has no more', (_tool, live) => {
    expect(diffObject({ desired: after, live, manager, schema })).toMatchObject([{ path: '.spec.paused', kind: 'removed', live: true }]);
    expect(diffObject({ desired: before, live, manager, schema })).toEqual([]);
  });
  it('are in sync once their fields were taken over and applied', () => {
    const live = applied(after, withAdoptedFields(byKubectl, manager, schema));
    expect(live).not.toHaveProperty('spec.paused');
    expect(diffObject({ desired: after, live, manager, schema })).toEqual([]);
  });
  it('keep what others set since', () => {
    const scaled = edited(byKubectl, 'kube-controller-manager', ({ spec }) => (spec['minReadySeconds'] = 5));
    expect(diffObject({ desired: after, live: scaled, manager, schema }).map(({ path }) => path)).toEqual(['.spec.paused']);
  });
  it('are left alone when we applied them before', () => {
    const live = applied(after, byKubectl);
    expect(withAdoptedFields(live, manager, schema)).toBe(live);
  });
});

describe('ignored places', () => {
  const drifted = edited(applied(deployment({ replicas: 2 })), 'hpa', ({ spec }) => (spec['replicas'] = 5));
  const rule = (more: object) => ignoreRulesFor(drifted, [{ group: 'apps', kind: 'Deployment', ...more }]);
  it.each([[{ kind: 'Deploy*' }], [{ kind: '*', group: '*' }], [{ name: 'w*', namespace: 'sh?p' }]])('match by globs: %j', (more) => {
    const ignore = rule({ ...more, jsonPointers: ['/spec/replicas'] });
    expect(diffObject({ desired: deployment({ replicas: 2 }), live: drifted, manager, schema, ignore })).toEqual([]);
  });
  it('come from jq as paths, in each state its own', () => {
    const request = {
      desired: [deployment({ replicas: 2, image: 'web:2' })],
      live: new Map([['apps/Deployment/shop/web', drifted]]),
      tracked: [],
      manager,
      schemaFor: schemaNodeOf,
      ignoreDifferences: [{ group: 'apps', kind: 'Deployment', jqPathExpressions: ['.spec.replicas'] }],
    };
    const questions = jqQuestions(request);
    expect(questions.map(({ expression, input }) => [expression, input.metadata.managedFields])).toEqual([
      ['.spec.replicas', undefined],
      ['.spec.replicas', undefined],
    ]);
    const jqPaths = new Map(questions.map(({ key }) => [key, [['spec', 'replicas']]]));
    expect(compareApplication({ ...request, jqPaths }).resources[0]?.changes.map(({ path }) => path)).toEqual([
      '.spec.template.spec.containers[name="web"].image',
    ]);
    expect(compareApplication(request).resources[0]?.changes).toHaveLength(2);
  });
  it('do not shift each other in a list', () => {
    const list = (items: readonly string[]): KubeObject =>
      ({ apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 't' }, spec: { items } }) as unknown as KubeObject;
    const live = applied(list(['x', 'b', 'y', 'd']));
    const jqPaths = {
      predicted: [
        ['spec', 'items', 0],
        ['spec', 'items', 2],
      ],
      live: [
        ['spec', 'items', 0],
        ['spec', 'items', 2],
      ],
    };
    expect(diffObject({ desired: list(['a', 'b', 'c', 'd']), live, manager, jqPaths })).toEqual([]);
  });
  it('are respected by an apply: what lives there is what is wanted', () => {
    const desired = deployment({ replicas: 2, image: 'web:2' });
    for (const more of [{ jsonPointers: ['/spec/replicas'] }, { managedFieldsManagers: ['hpa'] }]) {
      const respected = withIgnoredLiveValues(desired, drifted, { rules: rule(more) }, schema);
      expect(respected).toEqual(deployment({ replicas: 5, image: 'web:2' }));
      expect(applied(respected, drifted)).toMatchObject({ spec: { replicas: 5 } });
    }
  });
  it('find list items by their keys', () => {
    const live = applied(deployment({ image: 'web:9' }));
    const jqPaths = { desired: [], live: [['spec', 'template', 'spec', 'containers', 0, 'image']] };
    const sidecar = cloneMutable(deployment()) as unknown as { spec: { template: { spec: { containers: unknown[] } } } };
    sidecar.spec.template.spec.containers.unshift({ name: 'sidecar', image: 'side:1' });
    expect(withIgnoredLiveValues(sidecar as unknown as KubeObject, live, { rules: rule({}), jqPaths }, schema)).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'sidecar', image: 'side:1' },
              { name: 'web', image: 'web:9' },
            ],
          },
        },
      },
    });
  });
  it('that do not live are not wanted', () => {
    const live = applied(deployment());
    expect(withIgnoredLiveValues(deployment({ replicas: 2 }), live, { rules: rule({ jsonPointers: ['/spec/replicas'] }) }, schema)).toEqual(deployment());
  });
});
