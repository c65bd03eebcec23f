import type { Service } from '@tiphys/kernel';
import { deepEqual, isStatus, type corev1 } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';

const PREFIX = 'node.kubernetes.io/';

// The taint a condition brings, by its state (kubernetes pkg/controller/nodelifecycle, nodeConditionToTaintKeyStatusMap).
const BY_CONDITION: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: 'not-ready', Unknown: 'unreachable' },
  MemoryPressure: { True: 'memory-pressure' },
  DiskPressure: { True: 'disk-pressure' },
  PIDPressure: { True: 'pid-pressure' },
  NetworkUnavailable: { True: 'network-unavailable' },
};

const OURS: ReadonlySet<string> = new Set(
  [...Object.values(BY_CONDITION).flatMap((states) => Object.values(states)), 'unschedulable'].map((name) => `${PREFIX}${name}`),
);

/** The taints of a node: what its conditions and its cordon bring, and what others have set. */
export function taintsOf({ spec, status }: corev1.Node): readonly corev1.Taint[] {
  const names = [
    ...(status?.conditions ?? []).flatMap(({ type, status: state }) => BY_CONDITION[type]?.[state] ?? []),
    ...(spec?.unschedulable === true ? ['unschedulable'] : []),
    // A node that has never said how it is counts as not ready.
    ...(status?.conditions?.some(({ type }) => type === 'Ready') === true ? [] : ['not-ready']),
  ];
  const wanted = names.map((name): corev1.Taint => ({ key: `${PREFIX}${name}`, effect: 'NoSchedule' }));
  const others = (spec?.taints ?? []).filter(({ key, effect }) => effect !== 'NoSchedule' || !OURS.has(key));
  const kept = (spec?.taints ?? []).filter((taint) => wanted.some(({ key, effect }) => taint.key === key && taint.effect === effect));
  return [...others, ...kept, ...wanted.filter(({ key }) => !kept.some((taint) => taint.key === key))];
}

/** Keeps pods from nodes that are not ready, short of something, or cordoned. */
export function createNodeTaintController({ client, informers, clock, logger }: ControllerDeps): Service {
  const nodes = informers.informer<corev1.Node>({ type: KINDS.node });

  async function reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = nodes.get(name);
    if (node === undefined || node.metadata.deletionTimestamp !== undefined) return DONE;
    const taints = taintsOf(node);
    if (deepEqual(taints, node.spec?.taints ?? [])) return DONE;
    const { resourceVersion } = node.metadata;
    await client
      .patch(KINDS.node, { name }, { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } }, { type: 'merge', signal })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error;
      });
    return DONE;
  }

  return createController({
    name: 'node-taints',
    clock,
    logger,
    workers: 2,
    informers: [nodes],
    reconcile,
    subscribe: (queue) => [nodes.onEvent(({ object }) => queue.add(object.metadata.name ?? ''))],
  });
}
