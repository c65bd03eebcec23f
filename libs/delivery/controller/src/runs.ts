import {
  APPLICATION_LABEL,
  applicationLabel,
  instanceName,
  isFinished,
  syncRunType,
  TIPHYS_API_VERSION,
  type Application,
  type ApplicationSource,
  type Operation,
  type RunCause,
  type RunOptions,
  type SyncRun,
} from '@tiphys/delivery-applications';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import { compareResourceVersions, fnv32a, generateName, isStatus, type KubeObject } from '@tiphys/kube-model';

/** Annotation of a run that came by the operation field: a fingerprint of what the field said. */
export const OPERATION_ANNOTATION = 'tiphys.dev/operation';

/** A run to be: the durable intent once created. */
export interface RunRequest {
  readonly cause: RunCause;
  readonly actor: string;
  readonly sources: readonly ApplicationSource[];
  readonly revisions: readonly string[];
  /** The revisions as they were asked for, one per source. */
  readonly targetRevisions?: readonly string[];
  readonly options: RunOptions;
  readonly rollbackTo?: number;
  readonly info?: readonly { readonly name: string; readonly value: string }[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** What makes two wishes the same one: both get the same name, and only one run is made. */
  readonly identity?: string;
}

/** Creates the SyncRun. Of several equal wishes (same identity) one is made and all return it. */
export async function createRun(
  application: Application,
  request: RunRequest,
  deps: { readonly client: KubeClient; readonly namespace: string; readonly random: () => number },
  signal: AbortSignal,
): Promise<SyncRun> {
  const app = instanceName(application, deps.namespace);
  // Names hold no underscore: the namespace of an application elsewhere is set off by a dot.
  const base = app.replace('_', '.').slice(0, 200);
  const name =
    request.identity === undefined
      ? generateName(`${base.slice(0, 57)}-`, deps.random)
      : `${base}-${fnv32a(request.identity).toString(36)}${fnv32a(`${request.identity}#`).toString(36)}`;
  const { cause, actor, sources, revisions, targetRevisions, options, rollbackTo, info, annotations } = request;
  const run: SyncRun = {
    apiVersion: TIPHYS_API_VERSION,
    kind: 'SyncRun',
    metadata: {
      name,
      namespace: deps.namespace,
      labels: { [APPLICATION_LABEL]: applicationLabel(app), 'tiphys.dev/cause': cause },
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      application: app,
      cause,
      actor,
      revisions,
      ...(options.retry?.refresh === true && targetRevisions !== undefined ? { targetRevisions } : {}),
      sources,
      options,
      ...(rollbackTo === undefined ? {} : { rollbackTo }),
      ...(info === undefined ? {} : { info }),
    },
    status: { phase: 'Pending' },
  };
  try {
    return await deps.client.create<SyncRun>(syncRunType, run, { signal, fieldManager: 'tiphys-controller' });
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
    return deps.client.get<SyncRun>(syncRunType, { name, namespace: deps.namespace }, { signal });
  }
}

/** The request an Application's `operation` field stands for. */
export function requestOf(
  operation: Operation,
  defaults: { readonly sources: readonly ApplicationSource[]; readonly revisions: readonly string[] },
): Omit<RunRequest, 'identity'> {
  const sync = operation.sync ?? {};
  const sources = sync.sources ?? (sync.source === undefined ? defaults.sources : [sync.source]);
  const asked = sync.revisions ?? (sync.revision === undefined || sync.revision === '' ? undefined : [sync.revision]);
  const force = sync.syncStrategy?.apply?.force ?? sync.syncStrategy?.hook?.force;
  return {
    cause: operation.initiatedBy?.automated === true ? 'automated' : 'manual',
    actor: operation.initiatedBy?.username ?? 'unknown',
    sources,
    revisions: asked ?? defaults.revisions,
    targetRevisions: asked ?? sources.map(({ targetRevision = '' }) => targetRevision),
    options: {
      ...(sync.prune === undefined ? {} : { prune: sync.prune }),
      ...(sync.dryRun === undefined ? {} : { dryRun: sync.dryRun }),
      ...(sync.resources === undefined ? {} : { resources: sync.resources }),
      ...(sync.manifests === undefined || sync.manifests.length === 0 ? {} : { manifests: sync.manifests }),
      ...(sync.syncOptions === undefined ? {} : { syncOptions: sync.syncOptions }),
      ...(force === undefined ? {} : { force }),
      ...(sync.syncStrategy?.apply === undefined ? {} : { skipHooks: true }),
      ...(operation.retry === undefined ? {} : { retry: operation.retry }),
    },
    ...(operation.info === undefined ? {} : { info: operation.info }),
  };
}

/** The runs of an application, newest first. */
export function runsOf(application: string, runs: Pick<Lister<SyncRun>, 'byIndex'>): readonly SyncRun[] {
  return runs.byIndex('application', application).toSorted((a, b) => compareAge(b, a));
}

/** Runs that still have to be worked on, oldest first. */
export function unfinishedRuns(runs: Pick<Lister<SyncRun>, 'list'>, namespace: string): readonly SyncRun[] {
  return runs
    .list(namespace)
    .filter((run) => !isFinished(run))
    .toSorted(compareAge);
}

/** Orders runs by age, the oldest first. Timestamps have seconds only; within one the version of the last write decides, where versions can be compared. */
export function compareAge(a: KubeObject, b: KubeObject): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return compareResourceVersions(a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? '') ?? 0;
}
