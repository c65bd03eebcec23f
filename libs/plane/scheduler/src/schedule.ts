import { controllerOf, type corev1 } from '@tiphys/kube-model';
import { isTolerated, matchesNode, matchesTerm, portsClash } from './node-rules.ts';
import { amountsOf, podRequests, sumRequests, type Amounts } from './requests.ts';

/** Where a pod goes, or why it cannot go anywhere in the words of the FailedScheduling event. */
export type Placement = { readonly kind: 'node'; readonly nodeName: string } | { readonly kind: 'none'; readonly message: string };

/**
 * Chooses the node for a pod. Pure. Filters: cordons, taints, node selector and affinity, resources, host ports;
 * scores: least allocated, soft taints, preferred affinity, and few pods of the same owner. Ties go to the first name.
 */
export function schedule(pod: corev1.Pod, nodes: readonly corev1.Node[], podsByNode: ReadonlyMap<string, readonly corev1.Pod[]>): Placement {
  const requests = podRequests(pod);
  const reasons = new Map<string, number>();
  let best: { readonly nodeName: string; readonly score: number } | undefined;
  for (const node of nodes) {
    const nodeName = node.metadata.name ?? '';
    const present = podsByNode.get(nodeName) ?? [];
    const objections = filterNode(pod, requests, node, present);
    for (const objection of objections) reasons.set(objection, (reasons.get(objection) ?? 0) + 1);
    if (objections.length > 0) continue;
    const score = scoreNode(pod, requests, node, present);
    if (best === undefined || score > best.score || (score === best.score && nodeName < best.nodeName)) best = { nodeName, score };
  }
  if (best !== undefined) return { kind: 'node', nodeName: best.nodeName };
  if (nodes.length === 0) return { kind: 'none', message: 'no nodes available to schedule pods' };
  const list = [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(', ');
  return { kind: 'none', message: `0/${nodes.length} nodes are available: ${list}.` };
}

// Every reason of the first filter that objects; like upstream, later filters are not asked.
function filterNode(pod: corev1.Pod, requests: Amounts, node: corev1.Node, present: readonly corev1.Pod[]): readonly string[] {
  const tolerations = pod.spec?.tolerations ?? [];
  const cordon: corev1.Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec?.unschedulable === true && !isTolerated(cordon, tolerations)) return ['node(s) were unschedulable'];
  const taint = (node.spec?.taints ?? []).find((candidate) => candidate.effect !== 'PreferNoSchedule' && !isTolerated(candidate, tolerations));
  if (taint !== undefined) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  if (!matchesNode(pod, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  if (present.some((other) => portsClash(pod, other))) return ["node(s) didn't have free ports for the requested pod ports"];
  return lackingResources(requests, amountsOf(node.status?.allocatable ?? node.status?.capacity), sumRequests(present));
}

function lackingResources(requests: Amounts, allocatable: Amounts, used: Amounts): readonly string[] {
  const lacking: string[] = [];
  for (const [name, amount] of requests) {
    if (amount === 0 || amount + (used.get(name) ?? 0) <= (allocatable.get(name) ?? 0)) continue;
    lacking.push(name === 'pods' ? 'Too many pods' : `Insufficient ${name}`);
  }
  return lacking;
}

function scoreNode(pod: corev1.Pod, requests: Amounts, node: corev1.Node, present: readonly corev1.Pod[]): number {
  const allocatable = amountsOf(node.status?.allocatable ?? node.status?.capacity);
  const used = sumRequests(present);
  const free = ['cpu', 'memory', 'pods'].map((name) => {
    const all = allocatable.get(name) ?? 0;
    return all === 0 ? 0 : Math.max((all - (used.get(name) ?? 0) - (requests.get(name) ?? 0)) / all, 0);
  });
  const owner = controllerOf(pod)?.uid;
  const siblings = owner === undefined ? 0 : present.filter((other) => controllerOf(other)?.uid === owner).length;
  const softTaints = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod.spec?.tolerations ?? []),
  ).length;
  const preferred = (pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter(({ preference }) => matchesTerm(preference, node))
    .reduce((sum, { weight }) => sum + weight, 0);
  // Weights as upstream: taints 3, affinity 2, spread 2, least allocated 1; each part lies between 0 and 100.
  const leastAllocated = (free.reduce((sum, part) => sum + part, 0) / free.length) * 100;
  return leastAllocated + 2 * Math.min(preferred, 100) + 2 * (100 / (1 + siblings)) + 3 * (100 / (1 + softTaints));
}
