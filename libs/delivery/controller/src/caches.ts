import { projectType, syncRunType, type AppProject, type SyncRun } from '@tiphys/delivery-applications';
import type { Informer } from '@tiphys/kube-client';
import { builtin, fieldAt, type corev1 } from '@tiphys/kube-model';
import { ApplicationIndex } from './application-index.ts';
import type { DeliveryControllerOptions } from './controller-types.ts';

/** The objects of the controlling API that are always at hand. */
export interface Caches {
  readonly applications: ApplicationIndex;
  /** Indexed by the instance name of their application. */
  readonly runs: Informer<SyncRun>;
  readonly projects: Informer<AppProject>;
  readonly secrets: Informer<corev1.Secret>;
  readonly configMaps: Informer<corev1.ConfigMap>;
  waitForSync(signal: AbortSignal): Promise<void>;
}

/** Makes the caches; the informers are run by the caller. */
export function createCaches({ informers, applicationNamespaces = [] }: DeliveryControllerOptions, namespace: string): Caches {
  const all = {
    applications: new ApplicationIndex(informers, { namespace, applicationNamespaces }),
    runs: informers.informer<SyncRun>({ type: syncRunType, namespace }),
    projects: informers.informer<AppProject>({ type: projectType, namespace }),
    secrets: informers.informer<corev1.Secret>({ type: builtin('v1', 'Secret'), namespace }),
    configMaps: informers.informer<corev1.ConfigMap>({ type: builtin('v1', 'ConfigMap'), namespace }),
  };
  all.runs.addIndex('application', (run) => [String(fieldAt(run, 'spec', 'application'))]);
  return {
    ...all,
    async waitForSync(signal) {
      await Promise.all(Object.values(all).map((cache) => cache.waitForSync(signal)));
    },
  };
}
