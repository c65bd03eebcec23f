import { applicationType, type Application } from '@tiphys/delivery-applications';
import { applicationSetType, decideRollout, type ApplicationSet } from '@tiphys/delivery-applicationsets';
import type { KubeClient } from '@tiphys/kube-client';
import { isStatus } from '@tiphys/kube-model';
import type { ReconcileResult } from '../application-reconciler.ts';

const FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/**
 * Removes the Applications of a set that is being deleted and holds it until they are gone; with `deletionOrder: Reverse` the last step goes
 * first. Without the finalizer the set goes at once, and the garbage collector follows its owner references.
 */
export async function removeInOrder(set: ApplicationSet, owned: readonly Application[], client: KubeClient, signal: AbortSignal): Promise<ReconcileResult> {
  const finalizers = set.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return { kind: 'done' };
  const { name = '', namespace = '' } = set.metadata;
  if (owned.length === 0) {
    await client.patch(
      applicationSetType,
      { name, namespace },
      { metadata: { finalizers: finalizers.filter((entry) => entry !== FINALIZER) } },
      { type: 'merge', signal },
    );
    return { kind: 'done' };
  }
  // Events of the Applications that go bring the set back here.
  for (const { metadata } of nextToGo(set, owned)) {
    if (metadata.deletionTimestamp !== undefined) continue;
    await client.delete(applicationType, { name: metadata.name ?? '', namespace: metadata.namespace ?? '' }, { signal }).catch((error: unknown) => {
      if (!isStatus(error, 'NotFound')) throw error;
    });
  }
  return { kind: 'done' };
}

function nextToGo(set: ApplicationSet, owned: readonly Application[]): readonly Application[] {
  if (set.spec.strategy?.deletionOrder !== 'Reverse') return owned;
  const steps = new Map(decideRollout(set, owned, '').statuses.map(({ application, step }) => [application, Number(step)]));
  const stepOf = ({ metadata }: Application): number => steps.get(metadata.name ?? '') ?? 0;
  const last = Math.max(...owned.map(stepOf));
  return owned.filter((application) => stepOf(application) === last);
}
