import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@tiphys/kube-model';
import { ActionError, discoverActions, parseDiscovered, parseScripted, performAction } from './index.ts';

const context = (parameters: Readonly<Record<string, string>> = {}) => ({ parameters, now: '2026-01-02T03:04:05Z', agent: 'Tiphys' });

function object(apiVersion: string, kind: string, spec: object = {}, status: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'shop' }, spec, status } as unknown as KubeObject;
}

const deployment = object('apps/v1', 'Deployment', { replicas: 2, template: { metadata: {}, spec: {} } });

describe('performAction', () => {
  it('restarts the pods of a workload and changes nothing else', () => {
    const [operation] = performAction(deployment, 'restart', context());
    expect(operation).toEqual({
      kind: 'patch',
      object: {
        ...deployment,
        spec: { replicas: 2, template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-02T03:04:05Z' } }, spec: {} } },
      },
    });
    expect(deployment).not.toHaveProperty('spec.template.metadata.annotations');
  });
  it('scales, to zero as well', () => {
    expect(performAction(deployment, 'scale', context({ replicas: '0' }))[0]?.object).toMatchObject({ spec: { replicas: 0 } });
  });
  it.each([[''], ['-1'], ['1.5'], ['1e3'], ['many'], ['99999999999']])('does not scale to %j', (replicas) => {
    expect(() => performAction(deployment, 'scale', context({ replicas }))).toThrow(`Deployment/shop/web: invalid number: ${replicas}`);
  });
  it('does not take a number from what every object has', () => {
    expect(() => performAction(deployment, 'scale', context())).toThrow(ActionError);
  });
  it('takes fields away where that is the deed', () => {
    const rollout = object('argoproj.io/v1alpha1', 'Rollout', { paused: true }, { abort: true, pauseConditions: [{ reason: 'x' }], observedGeneration: '3' });
    expect(performAction(rollout, 'resume', context())[0]?.object).toMatchObject({ spec: { paused: false }, status: { abort: true, observedGeneration: '3' } });
    expect(performAction(rollout, 'resume', context())[0]?.object).not.toHaveProperty('status.pauseConditions');
    expect(performAction(rollout, 'retry', context())[0]?.object).not.toHaveProperty('status.abort');
  });
  it('keeps the other annotations when it takes its own away', () => {
    const scaled = {
      ...object('keda.sh/v1alpha1', 'ScaledObject'),
      metadata: { name: 's', annotations: { 'autoscaling.keda.sh/paused': 'true', keep: 'me' } },
    };
    expect(performAction(scaled, 'resume', context())[0]?.object.metadata.annotations).toEqual({ keep: 'me' });
  });
  it('makes a Job that the CronJob owns, with a name that fits', () => {
    const cron = { ...object('batch/v1', 'CronJob', { jobTemplate: { spec: { a: 1 } } }), metadata: { name: 'n'.repeat(60), namespace: 'shop', uid: 'u' } };
    const [operation] = performAction(cron, 'create-job', context());
    expect(operation?.kind).toBe('create');
    expect(operation?.object.metadata.name).toHaveLength(63);
    expect(operation?.object.metadata.ownerReferences).toMatchObject([{ uid: 'u', controller: true }]);
  });
  it('names a kind that has no such action', () => {
    expect(() => performAction(deployment, 'explode', context())).toThrow('Deployment/shop/web: has no action "explode"');
    expect(discoverActions(object('v1', 'ConfigMap'))).toEqual([]);
  });
});

describe('scripts of users', () => {
  it('offer what they return', () => {
    expect(
      parseDiscovered({ restart: {}, pause: { disabled: true, iconClass: 'i', displayName: 'Pause', params: [{ name: 'n', default: 3 }] }, empty: [], bad: 7 }),
    ).toEqual([
      { name: 'restart', disabled: false },
      { name: 'pause', disabled: true, displayName: 'Pause', iconClass: 'i', params: [{ name: 'n', default: '3' }] },
      { name: 'empty', disabled: false },
    ]);
    expect(parseDiscovered('nothing')).toEqual([]);
  });
  const live = object('example.org/v1', 'Thing', { list: [], map: {}, nested: [{ empty: [] }] });
  it('give back an object, whose empty tables are what they were', () => {
    const returned = object('example.org/v1', 'Thing', { list: {}, map: [], nested: [{ empty: {} }], more: 1 });
    expect(parseScripted(live, 'go', returned)).toEqual([
      { kind: 'patch', object: { ...live, spec: { list: [], map: {}, nested: [{ empty: [] }], more: 1 } } },
    ]);
  });
  it('give back operations', () => {
    const job = object('batch/v1', 'Job');
    expect(
      parseScripted(live, 'go', [
        { operation: 'create', resource: job },
        { operation: 'patch', resource: live },
      ]).map(({ kind }) => kind),
    ).toEqual(['create', 'patch']);
  });
  it.each([
    ['another object', [{ operation: 'patch', resource: object('v1', 'Secret') }], 'patch another object'],
    ['another namespace', [{ operation: 'create', resource: { ...live, metadata: { name: 'x', namespace: 'kube-system' } } }], 'another namespace'],
    ['an unknown operation', [{ operation: 'delete', resource: live }], 'patch and create are known'],
    [
      'two patches',
      [
        { operation: 'patch', resource: live },
        { operation: 'patch', resource: live },
      ],
      'more than one patch',
    ],
    ['no object', 7, 'without apiVersion'],
    ['too much', Array.from({ length: 101 }, () => ({ operation: 'patch', resource: live })), 'more than 100'],
  ])('may not give back %s', (_name, value, message) => {
    expect(() => parseScripted(live, 'go', value)).toThrow(message);
  });
});
