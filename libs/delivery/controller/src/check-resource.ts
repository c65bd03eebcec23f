import { checkResource } from '@tiphys/delivery-applications';
import type { ObjectRef } from '@tiphys/kube-model';
import type { Target } from './gather.ts';

/** Project rules at the moment of writing: why an object may not be written to a target. */
export function checkResourceOf({ project, cluster }: Target): (ref: ObjectRef, namespaced: boolean) => string | undefined {
  return (ref, namespaced) => checkResource(project, ref, namespaced, cluster) ?? cluster.refusal(ref, namespaced);
}
