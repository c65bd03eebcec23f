import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@tiphys/kube-model';
import { serverSideApply } from '@tiphys/kube-patch';
import { diffObject, withKnownTypes } from './index.ts';

const schema = withKnownTypes(undefined, [
  { field: 'spec.template.spec', type: 'core/v1/PodSpec' },
  { field: 'spec.limits', type: 'core/v1/ResourceList' },
  { field: 'spec.steps[*].wait', type: 'meta/v1/Duration' },
  { field: 'spec.size', type: 'core/Quantity' },
]);

function thing(spec: object): KubeObject {
  return { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 't' }, spec } as unknown as KubeObject;
}

describe('known types', () => {
  it.each([
    ['a quantity', { size: '0.5' }, { size: '500m' }],
    ['a map of quantities', { limits: { cpu: '1000m' } }, { limits: { cpu: 1 } }],
    ['a duration in a list', { steps: [{ wait: '90m' }] }, { steps: [{ wait: '1h30m0s' }] }],
    [
      'a list with keys',
      { template: { spec: { containers: [{ name: 'a' }, { name: 'b' }] } } },
      { template: { spec: { containers: [{ name: 'b' }, { name: 'a' }] } } },
    ],
  ])('compare %s by meaning', (_name, wanted, lived) => {
    const live = thing(lived);
    expect(diffObject({ desired: thing(wanted), live, manager: 'tiphys', schema })).toEqual([]);
    const result = serverSideApply({ live: undefined, applied: thing(lived), manager: 'tiphys', force: true, schema, now: '2026-01-01T00:00:00Z' });
    expect(result.kind === 'applied' && diffObject({ desired: thing(wanted), live: result.object, manager: 'tiphys', schema })).toEqual([]);
  });
  it('still see a difference', () => {
    expect(diffObject({ desired: thing({ size: '1' }), live: thing({ size: '2' }), manager: 'tiphys', schema })).toHaveLength(1);
    expect(diffObject({ desired: thing({ steps: [{ wait: 'soon' }] }), live: thing({ steps: [{ wait: 'later' }] }), manager: 'tiphys', schema })).toHaveLength(
      1,
    );
  });
});
