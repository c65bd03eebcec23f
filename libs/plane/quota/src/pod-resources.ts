import type { corev1 } from '@tiphys/kube-model';
import { addAmounts, maxAmounts, parseAmounts, type Amounts } from './amounts.ts';

/** What a pod asks for: all containers and sidecars, or the largest init container, plus overhead (component-helpers resource.PodRequests). */
export function podRequests(spec: corev1.PodSpec): Amounts {
  return addAmounts(together(spec, 'requests'), parseAmounts(spec.overhead));
}

/** What a pod may use; overhead counts only for what is limited. */
export function podLimits(spec: corev1.PodSpec): Amounts {
  const limits = together(spec, 'limits');
  const overhead = [...parseAmounts(spec.overhead)].filter(([name]) => (limits.get(name)?.nano ?? 0n) > 0n);
  return addAmounts(limits, new Map(overhead));
}

function together(spec: corev1.PodSpec, field: 'requests' | 'limits'): Amounts {
  let running: Amounts = new Map();
  for (const { resources } of spec.containers) running = addAmounts(running, parseAmounts(resources?.[field]));
  let sidecars: Amounts = new Map();
  let peak: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = parseAmounts(container.resources?.[field]);
    if (container.restartPolicy === 'Always') {
      running = addAmounts(running, own);
      sidecars = addAmounts(sidecars, own);
      peak = maxAmounts(peak, sidecars);
    } else peak = maxAmounts(peak, addAmounts(sidecars, own));
  }
  return maxAmounts(running, peak);
}
