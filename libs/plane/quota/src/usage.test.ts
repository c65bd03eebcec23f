import fc from 'fast-check';
import type { corev1, KubeObject } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { addAmounts, formatAmounts, parseAmounts, subtractAmounts } from './amounts.ts';
import { matchesScopes } from './scopes.ts';
import { missingResources, quotaUsage } from './usage.ts';

const PODS = { group: '', resource: 'pods' };
const pod = (spec: Partial<corev1.PodSpec>, status: corev1.PodStatus = {}): corev1.Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [], ...spec },
  status,
});
const container = (
  requests: Readonly<Record<string, string>>,
  limits: Readonly<Record<string, string>> = {},
  extra: Partial<corev1.Container> = {},
): corev1.Container => ({
  name: 'c',
  resources: { requests, limits },
  ...extra,
});
const used = (object: KubeObject, type = PODS): Readonly<Record<string, string>> => formatAmounts(quotaUsage(type, object, 0));

describe('use of quotas', () => {
  it('is the sum of containers and sidecars, or the largest init container, and overhead', () => {
    const spec = {
      containers: [container({ cpu: '100m', memory: '1Gi' }), container({ cpu: '200m' }, { cpu: '1' })],
      initContainers: [container({ cpu: '50m' }, {}, { restartPolicy: 'Always' }), container({ cpu: '1' })],
      overhead: { cpu: '10m' },
    };
    expect(used(pod(spec))).toMatchObject({ pods: '1', 'count/pods': '1', cpu: '1060m', 'requests.cpu': '1060m', memory: '1Gi', 'limits.cpu': '1010m' });
  });

  it('ends with the pod, but for its being there', () => {
    expect(used(pod({ containers: [container({ cpu: '1' })] }, { phase: 'Succeeded' }))).toEqual({ 'count/pods': '1' });
  });

  it('knows what only some kinds have', () => {
    const service: corev1.Service = { apiVersion: 'v1', kind: 'Service', metadata: {}, spec: { type: 'LoadBalancer', ports: [{ port: 1 }, { port: 2 }] } };
    expect(used(service, { group: '', resource: 'services' })).toEqual({
      'count/services': '1',
      services: '1',
      'services.nodeports': '2',
      'services.loadbalancers': '1',
    });
    expect(used({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: {} }, { group: 'apps', resource: 'deployments' })).toEqual({
      'count/deployments.apps': '1',
    });
    expect(used(pod({ containers: [container({ 'example.com/gpu': '2' })] }))['requests.example.com/gpu']).toBe('2');
  });

  it('adds and takes away exactly', () => {
    const amount = fc.integer({ min: 1, max: 10_000 }).map((milli) => `${milli}m`);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('cpu', 'memory', 'pods'), amount), fc.dictionary(fc.constantFrom('cpu', 'memory', 'pods'), amount), (a, b) => {
        const [left, right] = [parseAmounts(a), parseAmounts(b)];
        const back = subtractAmounts(addAmounts(left, right), right);
        expect([...back].filter(([, { nano }]) => nano !== 0n).map(([name, { nano }]) => [name, nano])).toEqual(
          [...left].map(([name, { nano }]) => [name, nano]),
        );
      }),
    );
  });
});

describe('scopes', () => {
  const matches = (scopes: readonly string[], spec: Partial<corev1.PodSpec>): boolean => matchesScopes({ scopes }, pod(spec));

  it('choose pods, and pods alone', () => {
    const asks = { containers: [container({ cpu: '1' })] };
    expect([matches(['BestEffort'], {}), matches(['BestEffort'], asks), matches(['NotBestEffort'], asks)]).toEqual([true, false, true]);
    expect([matches(['Terminating'], { activeDeadlineSeconds: 1 }), matches(['NotTerminating'], {})]).toEqual([true, true]);
    expect(matchesScopes({ scopes: ['BestEffort'] }, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })).toBe(false);
    const among = (operator: string, values: readonly string[]): boolean =>
      matchesScopes({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] } }, pod({ priorityClassName: 'high' }));
    expect([among('In', ['high']), among('In', ['low']), among('NotIn', ['low']), among('Exists', []), among('DoesNotExist', [])]).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  it('tell what containers leave open', () => {
    expect(
      missingResources(
        ['limits.cpu', 'requests.memory', 'pods'],
        pod({ containers: [container({ memory: '1' }), container({}, { cpu: '1' }, { name: 'b' })] }),
      ),
    ).toBe('limits.cpu for: c; requests.memory for: b');
  });
});
