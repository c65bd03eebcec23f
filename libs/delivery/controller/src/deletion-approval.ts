import { applicationType, type Application } from '@tiphys/delivery-applications';
import { watchUntil } from '@tiphys/delivery-sync';
import type { Clock } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import type { KubeObject } from '@tiphys/kube-model';
import { DeliveryError } from './delivery-error.ts';

/** Annotation of an Application: the time at which a person approved deletions that ask for confirmation. */
const DELETION_APPROVED_ANNOTATION = 'argocd.argoproj.io/deletion-approved';

/** Whether deletions were approved at or after a time (both RFC 3339); an approval nobody can read approves nothing. */
export function isDeletionApproved(application: KubeObject, since: string): boolean {
  const approved = Date.parse(application.metadata.annotations?.[DELETION_APPROVED_ANNOTATION] ?? '');
  const from = Date.parse(since);
  return !Number.isNaN(approved) && !Number.isNaN(from) && approved >= from;
}

/** Resolves when a person has approved deletions since a time. Throws DeliveryError `notFound` when the application goes meanwhile. */
export async function waitForApproval(
  { metadata }: Application,
  since: string,
  { client, clock }: { readonly client: KubeClient; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const { name = '', namespace } = metadata;
  await watchUntil(
    client,
    clock,
    {
      type: applicationType,
      namespace,
      names: [name],
      isSettled: (_name, object) => {
        if (object === undefined) throw new DeliveryError({ code: 'notFound' }, `application ${name}: was deleted while a prune waited for confirmation`);
        return isDeletionApproved(object, since);
      },
    },
    signal,
  );
}
