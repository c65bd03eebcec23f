import type { Core } from '../core.ts';
import { forbidden, notFound } from '../failures.ts';
import { parseStored } from '../registry/objects.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };
// Namespaces that outlive every request.
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is created in a namespace that is absent or going; some namespaces are never deleted (plugin/namespace/lifecycle). */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  mutate(core, request) {
    const { scope, operation } = request;
    const isNamespace = scope.served.group === '' && scope.served.resource === 'namespaces';
    if (operation === 'DELETE' && isNamespace && IMMORTAL.has(scope.name)) throw forbidden(scope.served, scope.name, 'this namespace may not be deleted');
    if (operation === 'CREATE' && scope.served.namespaced && scope.namespace !== undefined) checkNamespace(core, request, scope.namespace);
  },
};

// Questions about access are answered in any namespace: their answer may be that it is absent.
const isReview = ({ scope }: AdmissionRequest): boolean => scope.served.group === 'authorization.k8s.io';

function checkNamespace(core: Core, request: AdmissionRequest, namespace: string): void {
  if (isReview(request)) return;
  const entry = core.store.get(`/core/namespaces/${namespace}`);
  if (entry === undefined) throw notFound(NAMESPACES, namespace);
  // A subresource belongs to an object that exists already.
  if (request.scope.subresource !== undefined || parseStored(entry.value).metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    request.scope.served,
    request.object?.metadata.name ?? '',
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
  );
}
