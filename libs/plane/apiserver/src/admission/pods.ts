import type { corev1, Mutable } from '@tiphys/kube-model';
import { draftAs } from '../draft.ts';
import type { AdmissionRequest } from './chain.ts';

/** A pod that is being created, for plugins that complete pods; undefined for every other request. */
export function newPod({ operation, scope, object }: AdmissionRequest): (Mutable<corev1.Pod> & { spec: Mutable<corev1.PodSpec> }) | undefined {
  if (operation !== 'CREATE' || object === undefined || scope.subresource !== undefined) return undefined;
  if (scope.served.resource !== 'pods' || scope.served.group !== '') return undefined;
  const pod = draftAs<corev1.Pod>(object);
  // Checked right here: a pod without a spec is validation's to refuse.
  return pod.spec === undefined ? undefined : (pod as Mutable<corev1.Pod> & { spec: Mutable<corev1.PodSpec> });
}
