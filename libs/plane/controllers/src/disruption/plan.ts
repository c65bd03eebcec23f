import { controllerOf, matchesSelector, selectorOf, type corev1, type metav1, type policyv1 } from '@tiphys/kube-model';
import { toTimestamp } from '@tiphys/kernel';
import { isReady, withCondition } from '../pods.ts';

type Budget = policyv1.PodDisruptionBudget;

/** How many pods the controller of a pod wants; undefined when it has none or cannot be told. */
export type ScaleOf = (pod: corev1.Pod) => { readonly uid: string; readonly replicas: number } | undefined;

/** A budget's next status, and when it has to be looked at again. */
export interface DisruptionPlan {
  readonly status: policyv1.PodDisruptionBudgetStatus;
  readonly againInMs: number | undefined;
}

// An eviction that has not led to a deletion by then did not happen.
const EVICTED_FOR_MS = 2 * 60_000;

/** The pods a budget is about. A selector that is absent selects none, an empty one all. */
export function podsOf({ spec, metadata }: Budget, pods: readonly corev1.Pod[]): readonly corev1.Pod[] {
  const selector = spec?.selector === undefined ? undefined : selectorOf(spec.selector);
  return selector === undefined ? [] : pods.filter((pod) => pod.metadata.namespace === metadata.namespace && matchesSelector(selector, pod.metadata.labels));
}

/** What a budget allows, from the pods it is about (kubernetes pkg/controller/disruption). */
export function planDisruption(budget: Budget, pods: readonly corev1.Pod[], scaleOf: ScaleOf, nowMs: number): DisruptionPlan {
  const running = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  const { expected, desired } = countsOf(budget, running, scaleOf);
  const evicted = stillEvicted(budget, running, nowMs);
  const healthy = running.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && evicted[pod.metadata.name ?? ''] === undefined && isReady(pod),
  ).length;
  const allowed = expected <= 0 ? 0 : Math.max(healthy - desired, 0);
  const condition = {
    type: 'DisruptionAllowed',
    status: allowed > 0 ? 'True' : 'False',
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: budget.metadata.generation ?? 0,
  };
  const ends = Object.values(evicted).map((at) => Date.parse(at) + EVICTED_FOR_MS - nowMs);
  return {
    againInMs: ends.length === 0 ? undefined : Math.max(Math.min(...ends), 0),
    status: {
      ...(Object.keys(evicted).length > 0 ? { disruptedPods: evicted } : {}),
      conditions: withAllowed(budget, condition, nowMs),
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: expected,
      observedGeneration: budget.metadata.generation ?? 0,
    },
  };
}

type Condition = Omit<metav1.Condition, 'lastTransitionTime'> & { readonly lastTransitionTime?: string };

// withCondition gives every condition its time.
function withAllowed({ status }: Budget, condition: Condition, nowMs: number): metav1.Condition[] {
  return [...withCondition<Condition>(status?.conditions ?? [], condition, nowMs)] as metav1.Condition[];
}

function countsOf({ spec }: Budget, pods: readonly corev1.Pod[], scaleOf: ScaleOf): { readonly expected: number; readonly desired: number } {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    const expected = expectedOf(pods, scaleOf);
    return { expected, desired: Math.max(expected - resolve(maxUnavailable, expected), 0) };
  }
  // A plain number speaks of the pods there are; a percentage of those there should be.
  if (typeof minAvailable === 'number' || minAvailable === undefined) return { expected: pods.length, desired: minAvailable ?? 0 };
  const expected = expectedOf(pods, scaleOf);
  return { expected, desired: resolve(minAvailable, expected) };
}

function expectedOf(pods: readonly corev1.Pod[], scaleOf: ScaleOf): number {
  const byController = new Map<string, number>();
  for (const pod of pods) {
    const scale = scaleOf(pod);
    const own = controllerOf(pod)?.uid ?? pod.metadata.uid ?? '';
    // What has no scale counts as many as it has pods here.
    if (scale === undefined) byController.set(own, (byController.get(own) ?? 0) + 1);
    else byController.set(scale.uid, scale.replicas);
  }
  return [...byController.values()].reduce((sum, replicas) => sum + replicas, 0);
}

function resolve(value: number | string, total: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * total) / 100);
}

function stillEvicted({ status }: Budget, pods: readonly corev1.Pod[], nowMs: number): Readonly<Record<string, string>> {
  const going = new Set(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name ?? ''));
  return Object.fromEntries(
    Object.entries(status?.disruptedPods ?? {})
      .filter(([name, at]) => going.has(name) && Date.parse(at) + EVICTED_FOR_MS > nowMs)
      .map(([name, at]) => [name, toTimestamp(Date.parse(at))]),
  );
}
