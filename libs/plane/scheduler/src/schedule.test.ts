import type { corev1 } from '@tiphys/kube-model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { podRequests, sumRequests } from './requests.ts';
import { schedule } from './schedule.ts';

function node(
  name: string,
  spec: corev1.NodeSpec = {},
  more: { readonly cpu?: string; readonly pods?: string; readonly labels?: Readonly<Record<string, string>> } = {},
): corev1.Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: more.labels ?? {} },
    spec,
    status: { allocatable: { cpu: more.cpu ?? '4', memory: '8Gi', pods: more.pods ?? '110' } },
  };
}

function pod(spec: Partial<corev1.PodSpec> = {}, cpu = '100m', owner?: string): corev1.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] }),
    },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }], ...spec },
  };
}

const none = new Map<string, readonly corev1.Pod[]>();
const whereTo = (of: corev1.Pod, nodes: readonly corev1.Node[], present = none): string => {
  const placement = schedule(of, nodes, present);
  return placement.kind === 'node' ? placement.nodeName : placement.message;
};

describe('schedule', () => {
  it('says in upstream words why no node fits', () => {
    const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
    const nodes = [node('a', { unschedulable: true }), node('b', { taints: [taint] }), node('c', {}, { cpu: '50m' }), node('d', {}, { cpu: '50m' })];
    expect(whereTo(pod(), nodes)).toBe(
      '0/4 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 1 node(s) were unschedulable, 2 Insufficient cpu.',
    );
    expect(whereTo(pod(), [])).toBe('no nodes available to schedule pods');
    expect(whereTo(pod({ tolerations: [{ key: 'gpu', operator: 'Exists' }] }), nodes)).toBe('b');
  });

  it('obeys selectors, affinity and host ports', () => {
    const nodes = [node('a', {}, { labels: { disk: 'hdd' } }), node('b', {}, { labels: { disk: 'ssd' } })];
    expect(whereTo(pod({ nodeSelector: { disk: 'ssd' } }), nodes)).toBe('b');
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }] },
      },
    };
    expect(whereTo(pod({ affinity }), nodes)).toBe('a');
    const taken = pod({ containers: [{ name: 'm', ports: [{ containerPort: 80, hostPort: 80 }] }] });
    expect(whereTo(taken, nodes, new Map([['a', [taken]]]))).toBe('b');
    expect(
      whereTo(
        taken,
        nodes,
        new Map([
          ['a', [taken]],
          ['b', [taken]],
        ]),
      ),
    ).toContain("2 node(s) didn't have free ports");
  });

  it('spreads pods of one owner and avoids soft taints', () => {
    const sibling = pod({}, '100m', 'rs');
    expect(whereTo(sibling, [node('a'), node('b')], new Map([['a', [sibling]]]))).toBe('b');
    expect(whereTo(pod(), [node('a', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }), node('b')])).toBe('b');
  });

  it('counts init containers and sidecars as the kubelet runs them', () => {
    const request = (cpu: string): corev1.Container['resources'] => ({ requests: { cpu } });
    const of = pod({
      containers: [{ name: 'm', resources: request('200m') ?? {} }],
      initContainers: [
        { name: 's', restartPolicy: 'Always', resources: request('100m') ?? {} },
        { name: 'i', resources: request('500m') ?? {} },
      ],
    });
    expect(podRequests(of).get('cpu')).toBe(600);
  });

  it('never gives out more than a node has', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (requests, count) => {
        const nodes = Array.from({ length: count }, (_, index) => node(`n${index}`, {}, { cpu: '4', pods: '10' }));
        const placed = new Map<string, corev1.Pod[]>(nodes.map(({ metadata }) => [metadata.name ?? '', []]));
        for (const request of requests) {
          const of = pod({}, `${request}m`);
          const placement = schedule(of, nodes, placed);
          if (placement.kind === 'node') placed.get(placement.nodeName)?.push(of);
        }
        for (const pods of placed.values()) {
          expect(sumRequests(pods).get('cpu') ?? 0).toBeLessThanOrEqual(4_000);
          expect(pods.length).toBeLessThanOrEqual(10);
        }
      }),
    );
  });
});
