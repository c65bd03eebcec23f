import { messageOf } from '@tiphys/kernel';
import { SERVER_USER, type Core, type Scope } from '../core.ts';
import type { Draft } from '../draft.ts';
import { parseStored, readAs } from '../registry/objects.ts';
import { keyPrefixOf } from '../registry/served.ts';
import { deleteAdmitted } from '../verbs/delete.ts';
import { changeObject } from '../verbs/update.ts';
import { asCrd, CRD_FINALIZER } from './establish.ts';

const PREFIX = '/apiextensions.k8s.io/customresourcedefinitions/';
const FLAGS = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false, warn: () => undefined } as const;

/** Deletes the objects of every CRD that is being deleted, and lets it go once none is left. Runs until the signal aborts. */
export async function cleanUpCrds(core: Core, signal: AbortSignal): Promise<void> {
  for await (const _batch of core.store.watch({ prefix: '/', afterRevision: core.store.revision, signal })) {
    await cleanUpNow(core);
  }
}

async function cleanUpNow(core: Core): Promise<void> {
  for (const entry of core.store.list({ prefix: PREFIX }).entries) {
    const crd = asCrd(parseStored(entry.value));
    if (crd === undefined || crd.metadata.deletionTimestamp === undefined || crd.metadata.finalizers?.includes(CRD_FINALIZER) !== true) continue;
    try {
      await cleanUpOne(core, parseStored(entry.value), keyPrefixOf(crd.spec.group, crd.spec.names.plural));
    } catch (error) {
      // The next commit brings another attempt.
      core.logger.info({ crd: crd.metadata.name, reason: messageOf(error) }, 'objects of a custom resource are not all deleted yet');
    }
  }
}

async function cleanUpOne(core: Core, crd: Draft, prefix: string): Promise<void> {
  const [served] = core.catalog.customOf(crd.metadata.name ?? '');
  if (served !== undefined) {
    for (const entry of core.store.list({ prefix }).entries) {
      const object = readAs(served, entry.value);
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
