import { createHash } from 'node:crypto';
import type { Application } from '@tiphys/delivery-applications';
import { deepEqual, fieldAt, isJsonObject, type JsonObject } from '@tiphys/kube-model';
import type { ApplicationSet, SetPolicy, WantedApplication } from './application-set.ts';
import { pointersFor, takePointers } from './ignored-fields.ts';

/** What a set is compared with. */
export interface DecideInput {
  readonly set: ApplicationSet;
  /** The Applications the set wants, one for each name. */
  readonly wanted: readonly WantedApplication[];
  /** Applications that exist by the names wanted, and all that the set owns. */
  readonly existing: readonly Application[];
  /** Names that are wanted but not fit to be written: they are left as they are. */
  readonly unfit: ReadonlySet<string>;
}

/** Writes a set's Applications need. */
export interface SetChanges {
  readonly create: readonly WantedApplication[];
  readonly update: readonly Application[];
  readonly remove: readonly Application[];
  /** Why removals wait for a person. */
  readonly held?: string;
}

// Annotations that others write on Applications: a set never takes them away.
const KEPT_ANNOTATIONS = [
  'argocd.argoproj.io/refresh',
  'argocd.argoproj.io/hydrate',
  'argocd.argoproj.io/deletion-approved',
  'argocd.argoproj.io/skip-reconcile',
  'notified.notifications.argoproj.io',
  'tiphys.dev/pin',
];
const HOOK_FINALIZERS = /^(?:pre|post)-delete-finalizer\.argocd\.argoproj\.io/;

/** Removals beyond both are held until somebody approves exactly them: a generator that suddenly finds little is more often broken than meant. */
const HELD_PERCENT = 50;
const HELD_MINIMUM = 10;

/** Annotation of a set that approves held removals, by the digest its condition names. */
export const APPROVE_REMOVALS = 'tiphys.dev/approve-removals';

/** Decides what to write (applicationset/controllers createOrUpdateInCluster, deleteInCluster). Pure. */
export function decideChanges({ set, wanted, existing, unfit }: DecideInput): SetChanges {
  const policy = set.spec.syncPolicy?.applicationsSync ?? 'sync';
  const byName = new Map(existing.map((application) => [application.metadata.name ?? '', application]));
  const names = new Set(wanted.map(({ metadata }) => metadata.name ?? ''));
  const fit = wanted.filter(({ metadata }) => !unfit.has(metadata.name ?? ''));
  const create = fit.filter(({ metadata }) => !byName.has(metadata.name ?? '')).map((application) => owned(application, set));
  const update = allows(policy, 'update')
    ? fit.flatMap((application) => {
        const live = byName.get(application.metadata.name ?? '');
        const next = live === undefined ? undefined : updated(live, application, set);
        return next === undefined || live === undefined || isSame(live, next) ? [] : [next];
      })
    : [];
  const surplus = allows(policy, 'delete') ? existing.filter((application) => isOwned(application, set) && !names.has(application.metadata.name ?? '')) : [];
  const owns = existing.filter((application) => isOwned(application, set)).length;
  return held(set, surplus, owns, { create, update });
}

function allows(policy: SetPolicy, deed: 'update' | 'delete'): boolean {
  return policy === 'sync' || policy === `create-${deed}`;
}

function held(set: ApplicationSet, surplus: readonly Application[], owns: number, changes: Pick<SetChanges, 'create' | 'update'>): SetChanges {
  const remove = surplus.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const isMany = remove.length >= HELD_MINIMUM && remove.length * 100 > owns * HELD_PERCENT;
  const digest = createHash('sha256')
    .update(JSON.stringify(remove.map(({ metadata }) => metadata.name).toSorted()))
    .digest('hex')
    .slice(0, 12);
  if (!isMany || set.metadata.annotations?.[APPROVE_REMOVALS] === digest) return { ...changes, remove };
  return {
    ...changes,
    remove: [],
    held: `${remove.length} of ${owns} applications are no longer generated; they are kept until the set is annotated ${APPROVE_REMOVALS}: ${digest}`,
  };
}

/** Whether a set is the controller of an Application. */
export function isOwned(application: Application, set: ApplicationSet): boolean {
  return (application.metadata.ownerReferences ?? []).some(
    ({ kind, uid, controller }) => kind === 'ApplicationSet' && uid === set.metadata.uid && controller === true,
  );
}

function owned(application: WantedApplication, set: ApplicationSet): WantedApplication {
  return { ...application, metadata: { ...application.metadata, ownerReferences: [referenceTo(set)] } };
}

function referenceTo({ apiVersion, metadata }: ApplicationSet): NonNullable<WantedApplication['metadata']['ownerReferences']>[number] {
  return { apiVersion, kind: 'ApplicationSet', name: metadata.name ?? '', uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true };
}

// The live object with what the set says; undefined where another controller owns it.
function updated(live: Application, wanted: WantedApplication, set: ApplicationSet): Application | undefined {
  const others = (live.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== set.metadata.uid);
  if (others.some(({ controller }) => controller === true)) return undefined;
  const { annotations = [], labels = [] } = set.spec.preservedFields ?? {};
  const kept = (live.metadata.finalizers ?? []).filter((finalizer) => HOOK_FINALIZERS.test(finalizer));
  const finalizers = [...new Set([...(wanted.metadata.finalizers ?? []), ...kept])];
  const next: Application = {
    ...live,
    metadata: {
      ...live.metadata,
      labels: { ...picked(live.metadata.labels, labels), ...wanted.metadata.labels },
      annotations: { ...picked(live.metadata.annotations, [...KEPT_ANNOTATIONS, ...annotations]), ...wanted.metadata.annotations },
      finalizers,
      ownerReferences: [...others, referenceTo(set)],
    },
    spec: wanted.spec,
  };
  return takePointers(next, live, pointersFor(set, live.metadata.name ?? ''));
}

// A name ending in nothing but its prefix keeps all that begin so: notified.notifications.argoproj.io.<service>.
function picked(all: Readonly<Record<string, string>> | undefined, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => names.some((kept) => name === kept || name.startsWith(`${kept}.`))));
}

function isSame(live: Application, next: Application): boolean {
  const view = ({ metadata, spec }: Application): JsonObject => ({
    labels: { ...metadata.labels },
    annotations: { ...metadata.annotations },
    finalizers: [...(metadata.finalizers ?? [])],
    owners: (metadata.ownerReferences ?? []).map(({ uid, controller = false }) => ({ uid, controller })),
    // A spec is JSON.
    spec: spec as unknown as JsonObject,
  });
  return deepEqual(view(live), view(next));
}

/** Sentences about names that two sets of parameters make. */
export function repeatedNames(wanted: readonly WantedApplication[]): readonly string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { metadata } of wanted) {
    const name = metadata.name ?? '';
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
  }
  return [...repeated].toSorted();
}

/** Whether an Application syncs by itself. */
export function isAutomatic(application: WantedApplication): boolean {
  return isJsonObject(fieldAt(application, 'spec', 'syncPolicy', 'automated'));
}
