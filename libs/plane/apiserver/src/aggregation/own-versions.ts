import { mapLimit, toTimestamp } from '@tiphys/kernel';
import { isStatus, type apiregistrationv1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { priorityOf } from '../discovery/group-order.ts';
import { parseStored } from '../registry/objects.ts';
import { createObject } from '../verbs/create.ts';
import { deleteObject } from '../verbs/delete.ts';
import { changeObject } from '../verbs/update.ts';

const PREFIX = '/apiregistration.k8s.io/apiservices/';
const GROUP = 'apiregistration.k8s.io';
const FLAGS: WriteFlags = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false, warn: () => undefined };
const USER = { username: 'system:apiserver', groups: ['system:masters'] };
const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
const VERSION_PRIORITY = 100;
const CONCURRENT_WRITES = 64;

/** Keeps an APIService for every version this server serves itself, until the signal aborts. */
export async function registerOwnVersions(core: Core, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { generation } = core.catalog;
    await settleOwnVersions(core);
    await core.catalog.changedSince(generation, signal);
  }
}

/** Makes the APIServices that are missing and removes those of versions that are gone. */
export async function settleOwnVersions(core: Core): Promise<void> {
  const wanted = new Map<string, { readonly group: string; readonly version: string }>(
    core.catalog
      .groups()
      .filter(({ name }) => name !== GROUP)
      .flatMap(({ name, versions }) => versions.map((version) => [`${version}.${name}`, { group: name, version }] as const)),
  );
  const present = core.store.list({ prefix: PREFIX }).entries.map((entry) => parseStored(entry.value));
  const names = new Set(present.map(({ metadata }) => metadata.name));
  const missing = [...wanted].filter(([name]) => !names.has(name));
  const gone = present.filter(({ metadata }) => metadata.labels?.[MANAGED] !== undefined && !wanted.has(metadata.name ?? ''));
  await mapLimit(missing, CONCURRENT_WRITES, async ([name, { group, version }]) => await register(core, name, group, version));
  await mapLimit(gone, CONCURRENT_WRITES, async ({ metadata }) => await ignoring('NotFound', deleteObject(core, scopeOf(core, metadata.name ?? ''), DELETION)));
}

const DELETION = { dryRun: false, gracePeriodSeconds: undefined, propagationPolicy: undefined, preconditions: undefined };

function scopeOf(core: Core, name: string, subresource?: string): Scope {
  const served = core.catalog.find(GROUP, 'v1', 'apiservices');
  if (served === undefined) throw new Error('invariant broken: APIServices are served');
  return { served, namespace: undefined, name, subresource, user: USER, userAgent: FLAGS.fieldManager };
}

async function register(core: Core, name: string, group: string, version: string): Promise<void> {
  const isCustom = core.catalog.resourcesOf(group, version).every(({ custom }) => custom !== undefined);
  const service = {
    apiVersion: `${GROUP}/v1`,
    kind: 'APIService',
    metadata: { name, labels: { [MANAGED]: isCustom ? 'true' : 'onstart' } },
    spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum: priorityOf(group), versionPriority: VERSION_PRIORITY },
  };
  await ignoring('AlreadyExists', createObject(core, scopeOf(core, name), service satisfies Draft, FLAGS));
  const condition: apiregistrationv1.APIServiceCondition = {
    type: 'Available',
    status: 'True',
    reason: 'Local',
    message: 'Local APIServices are always available',
    lastTransitionTime: toTimestamp(core.clock.now()),
  };
  const withCondition = (live: Draft): Draft =>
    Object.assign(live, { status: draftAs<apiregistrationv1.APIService>(live).status?.conditions === undefined ? { conditions: [condition] } : live.status });
  await ignoring('NotFound', changeObject(core, scopeOf(core, name, 'status'), withCondition, FLAGS));
}

async function ignoring(reason: 'NotFound' | 'AlreadyExists', work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    // Somebody else was faster.
    if (!isStatus(error, reason)) throw error;
  }
}
