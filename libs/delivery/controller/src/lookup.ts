import { checkResource, type AppProject } from '@tiphys/delivery-applications';
import type { LookupQuery } from '@tiphys/delivery-render';
import { isStatus, parseApiVersion } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';

/** Annotation of an AppProject that lets its charts look into the cluster. */
const LOOKUP_ANNOTATION = 'tiphys.dev/helm-lookup';

const MAX_LISTED = 500;

/**
 * What charts of a project may look up: nothing unless the project says `tiphys.dev/helm-lookup: enabled`, and then only kinds and
 * namespaces its applications may write.
 */
export function lookupFor(project: AppProject, cluster: Cluster, signal: AbortSignal): ((query: LookupQuery) => Promise<unknown>) | undefined {
  if (project.metadata.annotations?.[LOOKUP_ANNOTATION] !== 'enabled') return undefined;
  return async ({ apiVersion, kind, namespace, name }) => {
    const type = await cluster.kinds.find(apiVersion, kind, signal);
    if (type === undefined) return undefined;
    const ref = { ...parseApiVersion(apiVersion), kind, name, ...(type.namespaced ? { namespace } : {}) };
    if (checkResource(project, ref, type.namespaced, cluster) !== undefined) return undefined;
    try {
      if (name !== '') return await cluster.client.get(type, { name, ...(type.namespaced ? { namespace } : {}) }, { signal });
      // Without a namespace a namespaced list would reach beyond the project.
      if (type.namespaced && namespace === '') return undefined;
      return await cluster.client.list(type, { ...(type.namespaced ? { namespace } : {}), limit: MAX_LISTED, signal });
    } catch (error) {
      if (isStatus(error, 'NotFound', 'Forbidden')) return undefined;
      throw error;
    }
  };
}
