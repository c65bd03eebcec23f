import type { corev1 } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { planEndpoints, planSlices } from './endpoints-plan.ts';
import { decideCollection, FOREGROUND, type OwnedNode } from './gc/owner-graph.ts';
import { KINDS } from './kinds.ts';
import { planReplicaSet, rankForDeletion } from './replica-set-plan.ts';

function pod(
  name: string,
  more: {
    readonly ip?: string;
    readonly ready?: boolean;
    readonly phase?: string;
    readonly node?: string;
    readonly cost?: string;
    readonly deleted?: boolean;
    readonly hostPorts?: string;
  } = {},
): corev1.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name,
      uid: name,
      ...(more.deleted === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
      annotations: {
        ...(more.cost === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': more.cost }),
        ...(more.hostPorts === undefined ? {} : { 'tiphys.dev/host-ports': more.hostPorts }),
      },
    },
    spec: { nodeName: more.node ?? 'n1', containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: {
      phase: more.phase ?? 'Running',
      ...(more.ip === undefined ? {} : { podIP: more.ip }),
      conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    },
  };
}

function service(spec: Partial<corev1.ServiceSpec> = {}): corev1.Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'web', uid: 's' },
    spec: { selector: { app: 'web' }, clusterIP: '127.96.0.9', ports: [{ name: 'web', port: 80, targetPort: 'http' }], ...spec },
  };
}

describe('replica set plan', () => {
  it('creates what is missing and gives up the least useful', () => {
    expect(planReplicaSet(3, [pod('a')], [])).toEqual({ kind: 'create', count: 2 });
    expect(planReplicaSet(1, [pod('a')], [])).toEqual({ kind: 'none' });
    const pods = [
      pod('ready', { node: 'n2' }),
      pod('unready', { ready: false }),
      pod('pending', { phase: 'Pending', ready: false }),
      pod('cheap', { cost: '-5', node: 'n3' }),
    ];
    expect(rankForDeletion(pods, pods).map(({ metadata }) => metadata.name)).toEqual(['pending', 'unready', 'cheap', 'ready']);
    const doubled = [pod('alone', { node: 'n2' }), pod('one'), pod('two')];
    expect(rankForDeletion(doubled, doubled).at(-1)?.metadata.name).toBe('alone');
  });
});

describe('endpoint slices', () => {
  it('tells ready, serving and terminating apart and resolves named ports', () => {
    const [slice] = planSlices(service(), [
      pod('a', { ip: '127.64.0.2' }),
      pod('b', { ip: '127.64.0.3', ready: false }),
      pod('c', { ip: '127.64.0.4', deleted: true }),
      pod('d', { ip: '127.64.0.5', phase: 'Failed' }),
      pod('e'),
    ]);
    expect(slice?.ports).toEqual([{ name: 'web', port: 8080, protocol: 'TCP' }]);
    expect(slice?.endpoints?.map(({ addresses, conditions }) => [addresses[0], conditions])).toEqual([
      ['127.64.0.2', { ready: true, serving: true, terminating: false }],
      ['127.64.0.3', { ready: false, serving: false, terminating: false }],
      ['127.64.0.4', { ready: false, serving: true, terminating: true }],
    ]);
    expect(planEndpoints(service(), slice === undefined ? [] : [slice]).subsets).toMatchObject([
      { addresses: [{ ip: '127.64.0.2' }], notReadyAddresses: [{ ip: '127.64.0.3' }], ports: [{ name: 'web', port: 8080 }] },
    ]);
  });

  it('publishes unready addresses when asked to, and always has one slice', () => {
    expect(planSlices(service({ publishNotReadyAddresses: true }), [pod('b', { ip: '1.2.3.4', ready: false })])[0]?.endpoints?.[0]?.conditions?.ready).toBe(
      true,
    );
    expect(planSlices(service(), [])).toHaveLength(1);
  });

  it('splits by ports and by hundreds, with names that stay', () => {
    const pods = Array.from({ length: 150 }, (_, index) => pod(`p${index}`, { ip: `10.0.0.${index}` }));
    const slices = planSlices(service(), [...pods, pod('shared', { ip: '127.0.0.1', hostPorts: '{"8080":41001}' })]);
    expect(slices.map(({ endpoints }) => endpoints?.length)).toEqual([100, 50, 1]);
    expect(slices.at(-1)?.ports?.[0]?.port).toBe(41_001);
    expect(planSlices(service(), pods.slice(0, 101)).map(({ metadata }) => metadata.name)).toEqual(slices.slice(0, 2).map(({ metadata }) => metadata.name));
  });
});

describe('garbage collection', () => {
  const node = (owners: readonly string[], more: Partial<OwnedNode> = {}): OwnedNode => ({
    uid: 'x',
    type: KINDS.pod,
    namespace: 'shop',
    name: 'x',
    resourceVersion: '1',
    finalizers: [],
    isDeleting: false,
    owners: owners.map((uid) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid })),
    ...more,
  });
  const waiting = node([], { isDeleting: true, finalizers: [FOREGROUND] });

  it('decides by the states of the owners', () => {
    expect(decideCollection(node([]), [], [])).toEqual({ kind: 'keep' });
    expect(decideCollection(node(['a']), ['solid'], [])).toEqual({ kind: 'keep' });
    expect(decideCollection(node(['a']), ['dangling'], [])).toMatchObject({ kind: 'delete', propagation: 'Background' });
    expect(decideCollection(node(['a', 'b']), ['dangling', 'solid'], [])).toMatchObject({ kind: 'dropReferences', owners: [{ uid: 'b' }] });
    expect(decideCollection(node(['a']), ['waiting'], [node(['x'])])).toMatchObject({ propagation: 'Foreground', unblock: false });
    expect(decideCollection(node(['a']), ['waiting'], [waiting])).toMatchObject({ propagation: 'Foreground', unblock: true });
  });
});
