import { checkResource, parseSyncOptions, resourceSyncOptions, roleOf, waveOf, type Application } from '@tiphys/delivery-applications';
import { deleteAndWait, removeHook, type Failpoint } from '@tiphys/delivery-sync';
import { mapLimit, type Clock } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { describeRef, refOf, type KubeObject } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';
import { isDeletionApproved } from './deletion-approval.ts';
import type { Target } from './gather.ts';

const DELETES_AT_ONCE = 8;

/** Whose objects are deleted, and how. */
export interface CascadeDelete {
  readonly instance: string;
  readonly application: Application;
  readonly target: Target;
  readonly policy: 'Foreground' | 'Background';
  /** What deletes: the cluster's client, or one that impersonates. */
  readonly client: KubeClient;
}

/** Deletes what an application manages: the highest wave first, a lower wave only when those above are gone. What says Delete=false stays. */
export async function deleteManaged(
  { instance, application, target, policy, client }: CascadeDelete,
  { clock, failpoint }: { readonly clock: Clock; readonly failpoint?: Failpoint },
  signal: AbortSignal,
): Promise<void> {
  const { cluster, project } = target;
  const mine = (await managedObjects(instance, application, cluster, signal)).filter((object) => deletionOf(object, application) !== 'no');
  for (const [index, wave] of [...new Set(mine.map(waveOf))].toSorted((a, b) => b - a).entries()) {
    await mapLimit(
      mine.filter((object) => waveOf(object) === wave),
      DELETES_AT_ONCE,
      async (object) => {
        const ref = refOf(object);
        const type = await cluster.kinds.find(object.apiVersion, object.kind, signal);
        if (type === undefined || checkResource(project, ref, type.namespaced, cluster) !== undefined) return;
        const deps = { client, clock };
        if (roleOf(object).kind === 'hook') await removeHook(type, ref, deps, signal);
        else await deleteAndWait(type, { ref, propagationPolicy: policy }, deps, signal);
      },
      signal,
    );
    await failpoint?.('delete.afterWave', index + 1);
  }
}

/** What a person has to approve before an application's objects are deleted, in words; undefined when nothing or already approved. */
export async function unapprovedDeletions(instance: string, application: Application, cluster: Cluster, signal: AbortSignal): Promise<string | undefined> {
  if (isDeletionApproved(application, application.metadata.deletionTimestamp ?? '')) return undefined;
  const asking = (await managedObjects(instance, application, cluster, signal)).filter((object) => deletionOf(object, application) === 'confirm');
  const [first] = asking;
  if (first === undefined) return undefined;
  return `${describeRef(refOf(first))}${asking.length === 1 ? '' : ` and ${asking.length - 1} more`}`;
}

// Everything that carries the application's tracking id, of all kinds it has had; what is owned goes with its owner.
async function managedObjects(instance: string, application: Application, cluster: Cluster, signal: AbortSignal): Promise<readonly KubeObject[]> {
  const { resources = [], operationState } = application.status ?? {};
  const kinds = [...resources, ...(operationState?.syncResult?.resources ?? [])].map(({ group = '', version, kind }) => ({ group, version, kind }));
  await cluster.follow(instance, kinds, signal);
  return cluster.tracked(instance).filter((object) => {
    const role = roleOf(object);
    const isDeletionHook = role.kind === 'hook' && role.phases.some((phase) => phase === 'PreDelete' || phase === 'PostDelete');
    return !isDeletionHook && (object.metadata.ownerReferences ?? []).length === 0;
  });
}

function deletionOf(object: KubeObject, { spec }: Application): 'yes' | 'no' | 'confirm' {
  return resourceSyncOptions(object, parseSyncOptions(spec.syncPolicy?.syncOptions ?? [])).delete;
}
