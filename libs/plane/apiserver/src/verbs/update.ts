import { deepEqual, isStatus } from '@tiphys/kube-model';
import type { Entry } from '@tiphys/plane-store';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import type { Draft } from '../draft.ts';
import { badRequest, conflict, invalid } from '../failures.ts';
import { afterRemove, afterWrite, completeDraft } from '../registry/hooks.ts';
import { mustGetEntry, putObject, readable, readAs, removeObject } from '../registry/objects.ts';
import { applyDefaults, prepareUpdate, shapeBody } from '../registry/prepare.ts';
import { dedupeOwners } from '../registry/owner-references.ts';
import { objectKey } from '../registry/served.ts';
import { validateDraft } from '../validation/validate.ts';
import { warningsOn } from '../validation/warnings.ts';
import { checkBody, createObject } from './create.ts';
import { withManagers } from './managed.ts';

/** What became of a write. */
export interface Written {
  readonly object: Draft;
  readonly created: boolean;
}

/** How a change is made: from the live object to the next. The draft is a copy and may be changed and returned. */
export type Change = (live: Draft) => Draft | Promise<Draft>;

/** How a change is written. */
export interface ChangeOptions {
  /** The draft has its managedFields already. */
  readonly tracked?: boolean;
  /** What admission sees instead of the object, for subresources with a kind of their own; the change itself has passed mutating admission. */
  readonly viewedAs?: (object: Draft) => Draft;
}

// Attempts of a patch against concurrent writers, as upstream.
const PATCH_ATTEMPTS = 5;

/** Replaces an object (PUT). Kinds that upstream creates on update are created. */
export async function updateObject(core: Core, scope: Scope, body: Draft, flags: WriteFlags, duplicates: readonly string[] = []): Promise<Written> {
  checkBody(scope, body);
  if ((body.metadata.name ?? '') !== scope.name)
    throw badRequest(`the name of the object (${body.metadata.name ?? ''}) does not match the name on the URL (${scope.name})`);
  shapeBody(scope, body, flags, duplicates);
  if (core.store.get(objectKey(scope.served, scope.namespace, scope.name)) === undefined && createsOnUpdate(scope)) {
    delete body.metadata.resourceVersion;
    return { object: await createObject(core, scope, body, flags), created: true };
  }
  const unconditional = (body.metadata.resourceVersion ?? '') === '';
  if (unconditional && needsVersion(scope))
    throw invalid(scope.served.group, scope.served.kind, scope.name, [
      // The value is that of a number upstream, and printed as one.
      { field: 'metadata.resourceVersion', reason: 'FieldValueInvalid', message: 'Invalid value: 0x0: must be specified for an update' },
    ]);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { object: await changeOnce(core, scope, () => structuredClone(body), flags), created: false };
    } catch (error) {
      if (!unconditional || attempt >= PATCH_ATTEMPTS || !isStatus(error, 'Conflict')) throw error;
    }
  }
}

// Groups and kinds whose strategies do not allow an update that names no version (AllowUnconditionalUpdate).
const CONDITIONAL: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'coordination.k8s.io/Lease',
  'node.k8s.io/RuntimeClass',
  'policy/PodDisruptionBudget',
  'storage.k8s.io/CSIDriver',
  'storage.k8s.io/CSINode',
  'storage.k8s.io/CSIStorageCapacity',
  'storage.k8s.io/VolumeAttachment',
]);

function needsVersion({ served }: Scope): boolean {
  return served.custom !== undefined || CONDITIONAL.has(served.group) || CONDITIONAL.has(`${served.group}/${served.kind}`);
}

const CREATED_ON_UPDATE: ReadonlySet<string> = new Set([
  'Event',
  'Endpoints',
  'EndpointSlice',
  'Lease',
  'LimitRange',
  'Node',
  'PriorityClass',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'Service',
]);

function createsOnUpdate(scope: Scope): boolean {
  return scope.served.custom === undefined && scope.subresource === undefined && CREATED_ON_UPDATE.has(scope.served.kind);
}

/** Changes the live object, again when somebody else wrote in between. */
export async function changeObject(core: Core, scope: Scope, change: Change, flags: WriteFlags, options: ChangeOptions = {}): Promise<Draft> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await changeOnce(core, scope, change, flags, options);
    } catch (error) {
      if (attempt >= PATCH_ATTEMPTS || !isStatus(error, 'Conflict') || isOwnPrecondition(error)) throw error;
    }
  }
}

// A conflict with the version the client itself named will not go away.
const ownPreconditions = new WeakSet();

function isOwnPrecondition(error: unknown): boolean {
  return typeof error === 'object' && error !== null && ownPreconditions.has(error);
}

async function changeOnce(core: Core, scope: Scope, change: Change, flags: WriteFlags, options: ChangeOptions = {}): Promise<Draft> {
  const entry = mustGetEntry(core, scope);
  await readable(core, scope.served, [entry.value]);
  const live = readAs(scope.served, entry.value);
  const draft = await change(structuredClone(live));
  checkVersion(scope, live, draft);
  dedupeOwners(draft.metadata, flags.warn);
  applyDefaults(scope.served, draft);
  if (options.viewedAs === undefined) await admitMutating(core, admissionRequest('UPDATE', scope, flags, { object: draft, oldObject: live }));
  prepareUpdate(scope, live, draft);
  completeDraft(core, scope, draft, live);
  validateDraft(scope, draft, live, flags.warn);
  if (scope.subresource === undefined) for (const warning of warningsOn(draft, live)) flags.warn(warning);
  const next = options.tracked === true ? draft : withManagers(core, scope, flags, live, draft);
  next.metadata.resourceVersion = live.metadata.resourceVersion ?? '';
  const { viewedAs = (object: Draft): Draft => object } = options;
  const request = admissionRequest('UPDATE', scope, flags, { object: viewedAs(next), oldObject: viewedAs(live) });
  return await admitWrite(core, request, () => settle(core, scope, { entry, live, next, dryRun: flags.dryRun }));
}

function checkVersion(scope: Scope, live: Draft, draft: Draft): void {
  const { resourceVersion = '', uid = '' } = draft.metadata;
  if (uid !== '' && uid !== live.metadata.uid)
    throw conflict(scope.served, scope.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid ?? ''}`);
  if (resourceVersion === '' || resourceVersion === '0' || resourceVersion === live.metadata.resourceVersion) return;
  const error = conflict(scope.served, scope.name);
  ownPreconditions.add(error);
  throw error;
}

async function settle(
  core: Core,
  scope: Scope,
  write: { readonly entry: Entry; readonly live: Draft; readonly next: Draft; readonly dryRun: boolean },
): Promise<Draft> {
  const { entry, live, next, dryRun } = write;
  if (dryRun) return next;
  if (isFinished(next)) {
    const removed = await removeObject(core, scope, next, entry);
    await afterRemove(core, scope, removed);
    return removed;
  }
  if (deepEqual(next, live)) return live;
  const written = await putObject(core, scope, next, entry);
  await afterWrite(core, scope, written, live);
  return written;
}

/** Whether an object that is being deleted has nothing left to wait for. */
export function isFinished(draft: Draft): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = draft.metadata;
  if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return !(draft.kind === 'Namespace' && draft.apiVersion === 'v1' && hasSpecFinalizers(draft.spec));
}

function hasSpecFinalizers(spec: unknown): boolean {
  return typeof spec === 'object' && spec !== null && 'finalizers' in spec && Array.isArray(spec.finalizers) && spec.finalizers.length > 0;
}
