import { messageOf } from '@tiphys/kernel';
import { SERVER_USER, type Core, type Scope } from '../core.ts';
import type { Draft } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import { keyPrefixOf } from '../registry/served.ts';
import { deleteAdmitted } from '../verbs/delete.ts';
import { changeObject } from '../verbs/update.ts';
import { asCrd, CRD_FINALIZER, CRD_PREFIX, isTrue, type Crd } from './crd.ts';
import { setCondition, settleNames } from './establish.ts';

const FLAGS = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false, warn: () => undefined } as const;

/**
 * Deletes the objects of every CRD that is being deleted, lets it go once none is left, and gives names that became free
 * to CRDs that wait for them. Runs until the signal aborts.
 */
export async function cleanUpCrds(core: Core, signal: AbortSignal): Promise<void> {
  let waiting = await tendCrds(core);
  for await (const batch of core.store.watch({ prefix: '/', afterRevision: core.store.revision, signal })) {
    // While nothing waits, only changes of CRDs matter.
    if (waiting || batch.events.some((event) => event.key.startsWith(CRD_PREFIX))) waiting = await tendCrds(core);
  }
}

// Whether a CRD is left whose objects are not all gone.
async function tendCrds(core: Core): Promise<boolean> {
  let waiting = false;
  for (const entry of core.store.list({ prefix: CRD_PREFIX }).entries) {
    const crd = asCrd(parseStored(entry.value));
    if (crd === undefined) continue;
    const isGoing = crd.metadata.deletionTimestamp !== undefined && crd.metadata.finalizers?.includes(CRD_FINALIZER) === true;
    waiting ||= isGoing;
    try {
      if (isGoing) await cleanUpOne(core, parseStored(entry.value), keyPrefixOf(crd.spec.group, crd.spec.names.plural));
      else if (!isTrue(crd, 'NamesAccepted')) await changeStatus(core, crd, (live) => settleNames(core, live));
    } catch (error) {
      // The next commit brings another attempt.
      core.logger.info({ crd: crd.metadata.name, reason: messageOf(error) }, 'a custom resource definition is not tended to yet');
    }
  }
  return waiting;
}

async function changeStatus(core: Core, crd: Crd, change: (live: Crd) => void): Promise<void> {
  const served = core.catalog.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
  if (served === undefined) return;
  const scope: Scope = { served, namespace: undefined, name: crd.metadata.name ?? '', subresource: 'status', user: SERVER_USER, userAgent: '' };
  await changeObject(
    core,
    scope,
    (live) => {
      const next = asCrd(live);
      if (next !== undefined) change(next);
      return live;
    },
    FLAGS,
  );
}

async function cleanUpOne(core: Core, crd: Draft, prefix: string): Promise<void> {
  const definition = asCrd(crd);
  if (definition !== undefined && !isTrue(definition, 'Terminating')) {
    await changeStatus(core, definition, (live) =>
      setCondition(core, live, {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      }),
    );
  }
  const [served] = core.catalog.customOf(crd.metadata.name ?? '');
  if (served !== undefined) {
    for (const entry of core.store.list({ prefix }).entries) {
      const object = parseStored(entry.value);
      if (object.metadata.deletionTimestamp !== undefined) continue;
      const scope: Scope = {
        served,
        namespace: object.metadata.namespace,
        name: object.metadata.name ?? '',
        subresource: undefined,
        user: SERVER_USER,
        userAgent: '',
      };
      await deleteAdmitted(core, scope, { dryRun: false, gracePeriodSeconds: undefined, propagationPolicy: undefined, preconditions: undefined });
    }
  }
  if (core.store.count(prefix) > 0) return;
  const crds = core.catalog.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
  if (crds === undefined) return;
  await changeObject(
    core,
    { served: crds, namespace: undefined, name: crd.metadata.name ?? '', subresource: undefined, user: SERVER_USER, userAgent: '' },
    (live) => {
      live.metadata.finalizers = (live.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CRD_FINALIZER);
      return live;
    },
    FLAGS,
  );
}
