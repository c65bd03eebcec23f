import type { KubeObject } from '@tiphys/kube-model';
import { adoptOwnership, type SchemaNode } from '@tiphys/kube-patch';
import { LAST_APPLIED_ANNOTATION, lastAppliedOf } from './known-kinds.ts';

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

// Those of them that wrote whole manifests as updates, and noted in an annotation what they had sent.
const CLIENT_SIDE_APPLIERS = ['argocd-application-controller', 'argocd-controller', 'kubectl-client-side-apply'] as const;

/**
 * The live object as our first apply has to see it: what another tool applied before is ours to let go of. Whoever applies
 * writes these managedFields first, so that what the comparison shows as removed does go. The object itself otherwise. A further
 * earlier applier is one that a user names; all that it wrote is taken over.
 */
export function withAdoptedFields(live: KubeObject, manager: string, schema: SchemaNode | undefined, earlierApplier?: string): KubeObject {
  const lastApplied = lastAppliedOf(live);
  const updaters = new Set([...(lastApplied === undefined ? CLIENT_SIDE_APPLIERS : []), ...(earlierApplier === undefined ? [] : [earlierApplier])]);
  return adoptOwnership({ live, manager, previous: PREVIOUS_APPLIERS, updaters, exceptAnnotations: [LAST_APPLIED_ANNOTATION], lastApplied, schema });
}
