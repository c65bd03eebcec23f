import { describe, expect, it } from 'vitest';
import { compareResourceVersions } from './resource-version.ts';
import { builtin, BUILTIN_RESOURCES, findBuiltin, resourcePath } from './resource.ts';
import { schemaByName, schemaNames, schemaOf } from './schema.ts';

describe('generated tables', () => {
  it('know every kind users meet, with its schema', () => {
    for (const [apiVersion, kind] of [
      ['v1', 'Pod'],
      ['apps/v1', 'Deployment'],
      ['batch/v1', 'CronJob'],
      ['networking.k8s.io/v1', 'Ingress'],
      ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
      ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
    ] as const) {
      expect(findBuiltin(apiVersion, kind)?.schema, kind).toBeDefined();
      expect(schemaOf(apiVersion, kind)?.fields, kind).toHaveProperty('metadata');
    }
  });

  it('refer only to definitions that exist', () => {
    const missing = schemaNames().flatMap((name) =>
      Object.values(schemaByName(name)?.fields ?? {})
        .flatMap((field) => [field.ref, field.items?.ref])
        .filter((ref) => ref !== undefined && schemaByName(ref) === undefined),
    );
    expect(missing).toEqual([]);
    expect(schemaNames().length).toBeGreaterThan(600);
  });

  it('carry the merge facts of lists', () => {
    expect(schemaByName('io.k8s.api.core.v1.PodSpec')?.fields['containers']).toMatchObject({
      listType: 'map',
      listMapKeys: ['name'],
      patchMergeKey: 'name',
      patchStrategy: ['merge'],
    });
    expect(schemaByName('io.k8s.api.core.v1.Container')?.fields['ports']).toMatchObject({
      listMapKeys: ['containerPort', 'protocol'],
      patchMergeKey: 'containerPort',
    });
  });

  it('name each resource once', () => {
    const ids = BUILTIN_RESOURCES.map((row) => `${row.group}/${row.version}/${row.resource}`);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

it('writes paths as the API has them', () => {
  expect(resourcePath(builtin('v1', 'Pod'), { namespace: 'a', name: 'b' }, 'log')).toBe('/api/v1/namespaces/a/pods/b/log');
  expect(resourcePath(builtin('apps/v1', 'Deployment'), {})).toBe('/apis/apps/v1/deployments');
  expect(resourcePath(builtin('v1', 'Namespace'), { namespace: 'ignored', name: 'x' })).toBe('/api/v1/namespaces/x');
});

it('orders resourceVersions as integers, and only those', () => {
  expect(
    [compareResourceVersions('9', '10'), compareResourceVersions('10', '10'), compareResourceVersions('2', '1')].map((n) => Math.sign(n ?? Number.NaN)),
  ).toEqual([-1, 0, 1]);
  expect([compareResourceVersions('010', '1'), compareResourceVersions('', '1'), compareResourceVersions('abc', '1')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
