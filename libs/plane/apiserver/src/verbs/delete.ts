import { toTimestamp } from '@tiphys/kernel';
import { isStatus, type corev1, type metav1 } from '@tiphys/kube-model';
import type { Entry } from '@tiphys/plane-store';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import { CRD_FINALIZER } from '../crd/crd.ts';
import { asMap, draftAs, type Draft } from '../draft.ts';
import { conflict } from '../failures.ts';
import { afterRemove } from '../registry/hooks.ts';
import { mustGetEntry, putObject, readable, readAs, removeObject } from '../registry/objects.ts';
import { isFinished } from './update.ts';

/** What a DELETE asks for. */
export interface DeleteRequest {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  /** Where warnings and audit annotations go; absent: nowhere. */
  readonly notes?: Pick<WriteFlags, 'warn' | 'annotate'>;
}

/** `removed`: the object is gone; `waiting`: it stays until finalizers or its grace period are over. */
export interface Deletion {
  readonly kind: 'removed' | 'waiting';
  readonly object: Draft;
}

const ATTEMPTS = 5;

/** Deletes an object, or marks it as being deleted, when admission agrees. */
export async function deleteObject(core: Core, scope: Scope, request: DeleteRequest): Promise<Deletion> {
  return await deleteAgain(core, scope, request, async (live, write) => {
    const { dryRun, notes = { warn: () => undefined }, gracePeriodSeconds, propagationPolicy, preconditions } = request;
    const given = Object.entries({ gracePeriodSeconds, propagationPolicy, preconditions }).filter(([, value]) => value !== undefined);
    const attributes = admissionRequest('DELETE', scope, { dryRun, ...notes }, { oldObject: live, options: Object.fromEntries(given) });
    await admitMutating(core, attributes);
    return await admitWrite(core, attributes, write);
  });
}

/** Deletes an object whose removal has been admitted under another name, as that of an evicted pod. */
export async function deleteAdmitted(core: Core, scope: Scope, request: DeleteRequest): Promise<Deletion> {
  return await deleteAgain(core, scope, request, (_live, write) => write());
}

type Admit = (live: Draft, write: () => Promise<Deletion>) => Promise<Deletion>;

async function deleteAgain(core: Core, scope: Scope, request: DeleteRequest, admit: Admit): Promise<Deletion> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deleteOnce(core, scope, request, admit);
    } catch (error) {
      if (attempt >= ATTEMPTS || !isStatus(error, 'Conflict') || request.preconditions?.resourceVersion !== undefined) throw error;
    }
  }
}

async function deleteOnce(core: Core, scope: Scope, request: DeleteRequest, admit: Admit): Promise<Deletion> {
  const entry = mustGetEntry(core, scope);
  await readable(core, scope.served, [entry.value]);
  const live = readAs(scope.served, entry.value);
  checkPreconditions(scope, live, request);
  return await admit(live, () => settle(core, scope, entry, live, request));
}

async function settle(core: Core, scope: Scope, entry: Entry, live: Draft, request: DeleteRequest): Promise<Deletion> {
  const next = structuredClone(live);
  markDeleted(core, scope, next, request);
  if (isFinished(next)) {
    if (!request.dryRun) await remove(core, scope, next, entry);
    return { kind: 'removed', object: next };
  }
  const isSame = JSON.stringify(next.metadata) === JSON.stringify(live.metadata);
  if (request.dryRun || isSame) return { kind: 'waiting', object: next };
  return { kind: 'waiting', object: await putObject(core, scope, next, entry) };
}

async function remove(core: Core, scope: Scope, next: Draft, entry: Entry): Promise<void> {
  await removeObject(core, scope, next, entry);
  await afterRemove(core, scope, next);
}

function checkPreconditions(scope: Scope, live: Draft, { preconditions }: DeleteRequest): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== live.metadata.uid)
    throw conflict(scope.served, scope.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid ?? ''}`);
  if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
    throw conflict(
      scope.served,
      scope.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${live.metadata.resourceVersion ?? ''}`,
    );
}

function markDeleted(core: Core, scope: Scope, next: Draft, request: DeleteRequest): void {
  const { metadata } = next;
  const grace = graceOf(scope, next, request.gracePeriodSeconds);
  setFinalizers(scope, next, request.propagationPolicy);
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = toTimestamp(core.clock.now() + grace * 1_000);
    metadata.deletionGracePeriodSeconds = grace;
    if (metadata.generation !== undefined) metadata.generation += 1;
  } else if (grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
    // A later request may only shorten the wait.
    metadata.deletionTimestamp = toTimestamp(core.clock.now() + grace * 1_000);
    metadata.deletionGracePeriodSeconds = grace;
  }
  if (next.kind === 'Namespace' && scope.served.custom === undefined) next.status = { ...asMap(next.status), phase: 'Terminating' };
}

const DEFAULT_GRACE_SECONDS = 30;

// Only pods end gracefully; one that runs nowhere, or no longer, goes at once.
function graceOf(scope: Scope, draft: Draft, asked: number | undefined): number {
  if (scope.served.kind !== 'Pod' || scope.served.custom !== undefined) return 0;
  const { spec, status } = draftAs<corev1.Pod>(draft);
  if ((spec?.nodeName ?? '') === '' || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return Math.max(0, asked ?? spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
}

// Kinds that leave their dependents alone when the request says nothing (registry strategies' DefaultGarbageCollectionPolicy).
const ORPHANS_BY_DEFAULT: ReadonlySet<string> = new Set(['v1/ReplicationController', 'batch/v1/Job']);

function setFinalizers(scope: Scope, next: Draft, policy: string | undefined): void {
  const finalizers = new Set(next.metadata.finalizers);
  const effective = policy ?? (ORPHANS_BY_DEFAULT.has(`${next.apiVersion}/${next.kind}`) ? 'Orphan' : undefined);
  if (effective !== undefined) {
    finalizers.delete('orphan');
    finalizers.delete('foregroundDeletion');
    if (effective === 'Orphan') finalizers.add('orphan');
    if (effective === 'Foreground') finalizers.add('foregroundDeletion');
  }
  if (scope.served.kind === 'CustomResourceDefinition' && scope.served.custom === undefined && next.metadata.deletionTimestamp === undefined)
    finalizers.add(CRD_FINALIZER);
  if (finalizers.size > 0) next.metadata.finalizers = [...finalizers];
  else delete next.metadata.finalizers;
}

/** The Status that answers a deletion which left nothing. */
export function deletedStatus(scope: Scope, object: Draft): metav1.Status & { readonly kind: 'Status' } {
  const { group, resource } = scope.served;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: object.metadata.name ?? '', ...(group === '' ? {} : { group }), kind: resource, uid: object.metadata.uid ?? '' },
  };
}
