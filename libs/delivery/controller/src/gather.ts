import { createHash, createHmac } from 'node:crypto';
import { roleOf, sourcesOf, type Application, type ApplicationSource, type AppProject } from '@tiphys/delivery-applications';
import type { Comparison } from '@tiphys/delivery-diff';
import type { RepositoryPoller, RevisionMetadata } from '@tiphys/delivery-git';
import type { Renderer, RenderResult, WantedChart, WantedRepository } from '@tiphys/delivery-render';
import { instanceName } from '@tiphys/delivery-applications';
import { messageOf } from '@tiphys/kernel';
import { describeRef, refOf, type KubeObject } from '@tiphys/kube-model';
import { formatProblem } from '@tiphys/kube-yaml';
import { isPermittedOf } from './check-resource.ts';
import type { Cluster } from './cluster.ts';
import { compareWithRules } from './compare-with-rules.ts';
import type { ClusterRegistry } from './cluster-registry.ts';
import { DeliveryError } from './delivery-error.ts';
import { kindsOf, prepareDesired, type Desired } from './desired.ts';
import { liveObjects } from './live-objects.ts';
import { lookupFor } from './lookup.ts';
import { orphansAmong } from './orphans.ts';
import { mustBePermitted, mustPermitSources, projectOf, type ProjectDeps } from './projects.ts';
import type { OpenRemote } from './remote-bases.ts';
import type { FetchFile } from './remote-files.ts';
import { lastSyncedInput, serverSideDiff, type ResourceRules } from './resource-rules.ts';
import { sourceSnapshot, type SourceSnapshotDeps } from './source-snapshot.ts';
import { isExcluded } from './settings.ts';

/** The field manager of everything we apply. */
export const FIELD_MANAGER = 'tiphys';

/** What gathering reads from. */
export interface GatherDeps extends ProjectDeps, SourceSnapshotDeps {
  readonly clusters: ClusterRegistry;
  readonly poller: Pick<RepositoryPoller, 'state'>;
  readonly renderer: Renderer;
  /** The archive of a chart that another depends on; undefined where the project does not allow its repository. */
  readonly fetchChart: (wanted: WantedChart, project: AppProject, signal: AbortSignal) => Promise<Uint8Array | undefined>;
  /** Another repository a source builds on; undefined where it may not be asked. */
  readonly openRemote: OpenRemote;
  /** A file a source builds on; undefined where it may not be asked for. */
  readonly fetchFile: FetchFile;
  /** Key of digests that stand for secret values. */
  readonly digestKey: Uint8Array;
  /** How resources are handled in this installation. */
  readonly rules: ResourceRules;
}

/** Where an application goes, and what it may do there. */
export interface Target {
  readonly cluster: Cluster;
  readonly project: AppProject;
}

/** What an application's sources say at some commits. */
export interface Rendered {
  readonly revisions: readonly string[];
  readonly desired: Desired;
  readonly tools: readonly RenderResult['tool'][];
  /** Sentences naming file and line; with any of them the render is incomplete. */
  readonly problems: readonly string[];
  /** Functions of charts that give another result in every run. */
  readonly nonDeterministic: readonly string[];
  /** Sentences about objects of kinds that the settings leave alone; they are not among the desired. */
  readonly excluded: readonly string[];
}

/** Everything a decision about an application is made from. */
export interface Evidence extends Rendered, Target {
  readonly comparison: Comparison;
  /** Keys of live objects whose fields another applier of the same manifests owns so far. */
  readonly adopted: ReadonlySet<string>;
  /** How many objects of the destination namespace belong to no application; 0 where the project does not ask. */
  readonly orphans: number;
  /** Sentences about rules of comparing that could not be followed. */
  readonly ruleWarnings: readonly string[];
}

/** The cluster and project of an application, after its project permitted both. Throws DeliveryError. */
export function resolveTarget(application: Application, deps: GatherDeps): Target {
  const project = projectOf(application, deps);
  const cluster = deps.clusters.resolve(application.spec.destination);
  mustBePermitted(application, project, cluster, deps.namespace);
  return { cluster, project };
}

/** What an application may have to do with, whether or not it may sync now. Throws DeliveryError. */
export function reachOf(application: Application, deps: GatherDeps): { readonly cluster: Cluster; readonly isPermitted: (object: KubeObject) => boolean } {
  const cluster = deps.clusters.resolve(application.spec.destination);
  return { cluster, isPermitted: isPermittedOf({ cluster, project: projectOf(application, deps) }) };
}

/** Sources at commits. */
export interface SourcesAt {
  readonly sources: readonly ApplicationSource[];
  readonly revisions: readonly string[];
}

/** Renders sources at commits. Problems of files are part of the result; what cannot be rendered at all is thrown. */
export async function renderSources(
  application: Application,
  { sources, revisions }: SourcesAt,
  target: Target,
  deps: GatherDeps,
  options: { readonly signal: AbortSignal; readonly noCache?: boolean },
): Promise<Rendered> {
  const { cluster, project } = target;
  const { namespace = '' } = application.spec.destination;
  const environment = { application: application.metadata.name ?? '', namespace, project: application.spec.project };
  const objects: KubeObject[] = [];
  const problems: string[] = [];
  const tools: RenderResult['tool'][] = [];
  const nonDeterministic: string[] = [];
  const lookup = lookupFor(project, cluster, options.signal);
  // They may be of the past, of an operation or of a pin, and not those that were permitted with the application.
  mustPermitSources(sources, project);
  const snapshots = await Promise.all(sources.map((source, index) => sourceSnapshot(source, revisions[index] ?? '', { project, deps }, options.signal)));
  const refs = new Map(sources.flatMap(({ ref }, index) => (ref === undefined || snapshots[index] === undefined ? [] : [[ref, snapshots[index]] as const])));
  for (const [index, source] of sources.entries()) {
    const snapshot = snapshots[index];
    if (snapshot === undefined || (source.ref !== undefined && source.path === undefined && source.chart === undefined)) continue;
    const world = {
      snapshot,
      refs,
      capabilities: () => cluster.capabilities(options.signal),
      chart: (wanted: WantedChart) => deps.fetchChart(wanted, project, options.signal),
      remote: (wanted: WantedRepository) => deps.openRemote(wanted, project, options.signal),
      remoteFile: (wanted: string) => deps.fetchFile(wanted, project, options.signal),
      ...(lookup === undefined ? {} : { lookup }),
    };
    const result = await deps.renderer.render(source, environment, world, { ...options, isOneOfMany: sources.length > 1 });
    objects.push(...result.objects.map(({ object }) => object));
    problems.push(...result.problems.map(formatProblem));
    tools.push(result.tool);
    nonDeterministic.push(...result.nonDeterministic);
  }
  return placed(application, { objects, revisions, tools, problems, nonDeterministic }, target, deps, options.signal);
}

/** Objects that came with a request in the place of what the sources say. */
export function renderLocal(
  application: Application,
  { objects, problems, revisions }: { readonly objects: readonly KubeObject[]; readonly problems: readonly string[]; readonly revisions: readonly string[] },
  target: Target,
  deps: GatherDeps,
  signal: AbortSignal,
): Promise<Rendered> {
  return placed(application, { objects, problems, revisions, tools: ['Directory'], nonDeterministic: [] }, target, deps, signal);
}

interface Collected extends Omit<Rendered, 'desired' | 'excluded'> {
  readonly objects: readonly KubeObject[];
}

// Objects with namespace and tracking id, without the kinds that are left alone.
async function placed(application: Application, collected: Collected, { cluster }: Target, deps: GatherDeps, signal: AbortSignal): Promise<Rendered> {
  const { objects, nonDeterministic, ...rest } = collected;
  const settings = deps.settings();
  const isLeftAlone = (object: KubeObject): boolean => isExcluded(settings, refOf(object).group, object.kind, cluster.server);
  const kept = objects.filter((object) => !isLeftAlone(object));
  await Promise.all(kindsOf(kept).map(({ group, version, kind }) => cluster.kinds.find(group === '' ? version : `${group}/${version}`, kind, signal)));
  const desired = prepareDesired(kept, instanceName(application, deps.namespace), application.spec.destination.namespace ?? '', (apiVersion, kind) =>
    cluster.kinds.known(apiVersion, kind),
  );
  const excluded = objects.filter(isLeftAlone).map((object) => `${describeRef(refOf(object))}: its kind is excluded in the settings`);
  return { ...rest, desired, excluded, nonDeterministic: [...new Set(nonDeterministic)].toSorted() };
}

/** Compares what is rendered with what lives. */
export async function compareRendered(application: Application, rendered: Rendered, target: Target, deps: GatherDeps, signal: AbortSignal): Promise<Evidence> {
  const { cluster, project } = target;
  const instance = instanceName(application, deps.namespace);
  // What the project forbids is not read either: a manifest that names another team's object must not show it.
  const isPermitted = isPermittedOf(target);
  const managed = (application.status?.resources ?? []).map(({ group = '', version, kind }) => ({ group, version, kind }));
  await cluster.follow(instance, [...kindsOf(rendered.desired.objects), ...managed], signal);
  const desired = rendered.desired.objects.filter((object) => roleOf(object).kind === 'resource');
  const permitted = desired.filter(isPermitted);
  cluster.setWanted(instance, permitted.map(refOf));
  const { byKey: live, stored, adopted } = liveObjects(application, permitted, cluster, FIELD_MANAGER);
  const request = {
    desired,
    live,
    stored,
    tracked: cluster.tracked(instance).filter(isPermitted),
    manager: FIELD_MANAGER,
    schemaFor: (apiVersion: string, kind: string) => cluster.schemaFor(apiVersion, kind),
    ignoreDifferences: application.spec.ignoreDifferences ?? [],
    digest: (value: string) => `hmac:${createHmac('sha256', deps.digestKey).update(value).digest('hex').slice(0, 16)}`,
    ...lastSyncedInput(application, rendered.revisions, attemptKey),
  };
  const { comparison, warnings } = await compareWithRules(
    request,
    { settings: deps.rules.settings(), scripts: deps.rules.scripts, dryRun: serverSideDiff(application, cluster, FIELD_MANAGER) },
    signal,
  );
  await deps.rules.health.prepare(
    comparison.resources.flatMap((resource) => resource.live ?? []),
    signal,
  );
  const orphans = await countOrphans(application, instance, target, deps, signal);
  return { ...rendered, cluster, project, comparison, adopted, orphans, ruleWarnings: [...deps.rules.problems(), ...warnings] };
}

async function countOrphans(application: Application, instance: string, { cluster, project }: Target, deps: GatherDeps, signal: AbortSignal): Promise<number> {
  const { orphanedResources } = project.spec;
  const { namespace = '' } = application.spec.destination;
  if (orphanedResources === undefined || orphanedResources.warn === false || namespace === '') return 0;
  const settings = deps.settings();
  const living = await cluster.metadataIn(namespace, (group, kind) => isExcluded(settings, group, kind, cluster.server), instance, signal);
  return orphansAmong(living, project).length;
}

/** A fingerprint of sources and commits: what an automated attempt is counted by. */
export function attemptKey(sources: readonly ApplicationSource[], revisions: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([sources, revisions]))
    .digest('hex')
    .slice(0, 10);
}

/** Metadata of a commit for the API. */
export async function revisionMetadata(application: Application, revision: string, deps: GatherDeps, signal: AbortSignal): Promise<RevisionMetadata> {
  // A repository that the project does not permit has no commits to show.
  resolveTarget(application, deps);
  const [source] = sourcesOf(application.spec);
  if (source === undefined) throw new DeliveryError({ code: 'notFound' }, `application ${application.metadata.name ?? ''}: has no source`);
  return (await deps.openRepository(source.repoURL, signal)).metadata(revision, signal);
}

/** The sentence of a failure to gather. */
export function gatherFailure(error: unknown): string {
  const hint = error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? ` (${error.hint})` : '';
  return `${messageOf(error)}${hint}`;
}
