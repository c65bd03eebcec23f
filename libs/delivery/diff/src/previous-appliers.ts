import type { KubeObject } from '@tiphys/kube-model';
import { adoptOwnership, type SchemaNode } from '@tiphys/kube-patch';
import { lastAppliedOf } from './known-kinds.ts';

/** Field managers of tools that may have delivered an object before us: kubectl, Argo CD, Flux, Helm, kapp. */
export const PREVIOUS_APPLIERS: ReadonlySet<string> = new Set([
  'argocd-application-controller',
  'argocd-controller',
  'helm',
  'helm-controller',
  'kapp-server',
  'kubectl',
  'kubectl-client-side-apply',
  'kubectl-last-applied',
  'kustomize-controller',
]);

/**
 * The live object as our first apply has to see it: what another tool applied before is ours to let go of. Whoever applies
 * writes these managedFields first, so that what the comparison shows as removed does go. The object itself otherwise.
 */
export function withAdoptedFields(live: KubeObject, manager: string, schema: SchemaNode | undefined): KubeObject {
  return adoptOwnership({ live, manager, previous: PREVIOUS_APPLIERS, lastApplied: lastAppliedOf(live), schema });
}
