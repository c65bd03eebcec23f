import { applicationOf, ignoresOrphan, type AppProject } from '@tiphys/delivery-applications';
import { refOf, type KubeObject } from '@tiphys/kube-model';

// What Kubernetes itself puts into namespaces (controller/state.go isKnownOrphanedResourceExclusion).
function isBuiltIn({ kind, metadata }: KubeObject): boolean {
  return (
    (kind === 'ServiceAccount' && metadata.name === 'default') ||
    (kind === 'Service' && metadata.name === 'kubernetes' && metadata.namespace === 'default') ||
    (kind === 'ConfigMap' && metadata.name === 'kube-root-ca.crt')
  );
}

/** Objects of a namespace that nobody owns and no application tracks. Pure. */
export function orphansAmong(objects: readonly KubeObject[], project: AppProject): readonly KubeObject[] {
  return objects.filter(
    (object) =>
      (object.metadata.ownerReferences ?? []).length === 0 &&
      applicationOf(object) === undefined &&
      !isBuiltIn(object) &&
      !ignoresOrphan(project, refOf(object)),
  );
}
