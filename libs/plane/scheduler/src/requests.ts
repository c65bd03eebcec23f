import { quantityMilli, quantityUnits, type corev1 } from '@tiphys/kube-model';

/** Amounts by resource name: CPU in thousandths, all others in whole units. */
export type Amounts = ReadonlyMap<string, number>;

/** Reads a resource list. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(list ?? {}).map(([name, value]) => [name, name === 'cpu' ? quantityMilli(value) : quantityUnits(value)]));
}

/**
 * What a pod needs: the sum of its containers and sidecars, or the largest init container together with the sidecars
 * started before it, whichever is more, plus overhead (component-helpers resource.PodRequests). One pod is counted too.
 */
export function podRequests(pod: corev1.Pod): Amounts {
  const total = new Map<string, number>();
  for (const container of pod.spec?.containers ?? []) addTo(total, amountsOf(container.resources?.requests));
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of pod.spec?.initContainers ?? []) {
    const requests = amountsOf(container.resources?.requests);
    if (container.restartPolicy === 'Always') {
      addTo(total, requests);
      addTo(sidecars, requests);
      raiseTo(peak, sidecars);
    } else {
      const atOnce = new Map(sidecars);
      addTo(atOnce, requests);
      raiseTo(peak, atOnce);
    }
  }
  raiseTo(total, peak);
  addTo(total, amountsOf(pod.spec?.overhead));
  total.set('pods', 1);
  return total;
}

/** The sum of what pods need. */
export function sumRequests(pods: readonly corev1.Pod[]): Amounts {
  const total = new Map<string, number>();
  for (const pod of pods) addTo(total, podRequests(pod));
  return total;
}

function addTo(total: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) total.set(name, (total.get(name) ?? 0) + amount);
}

function raiseTo(total: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) total.set(name, Math.max(total.get(name) ?? 0, amount));
}
