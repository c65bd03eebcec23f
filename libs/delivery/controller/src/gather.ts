import { createHash, createHmac } from 'node:crypto';
import {
  checkApplication,
  defaultProject,
  parseProject,
  roleOf,
  sourcesOf,
  type Application,
  type ApplicationSource,
  type AppProject,
} from '@tiphys/delivery-applications';
import type { Comparison } from '@tiphys/delivery-diff';
import type { Repository, RepositoryPoller, RevisionMetadata } from '@tiphys/delivery-git';
import type { Renderer, RenderResult, WantedChart } from '@tiphys/delivery-render';
import { messageOf } from '@tiphys/kernel';
import type { Lister } from '@tiphys/kube-client';
import { refKey, refOf, type KubeObject } from '@tiphys/kube-model';
import { formatProblem } from '@tiphys/kube-yaml';
import type { Cluster } from './cluster.ts';
import { compareWithRules } from './compare-with-rules.ts';
import type { ClusterRegistry } from './cluster-registry.ts';
import { DeliveryError } from './delivery-error.ts';
import { kindsOf, prepareDesired, type Desired } from './desired.ts';
import { lookupFor } from './lookup.ts';
import { lastSyncedInput, serverSideDiff, type ResourceRules } from './resource-rules.ts';
import { snapshotOf } from './revisions.ts';

/** The field manager of everything we apply. */
export const FIELD_MANAGER = 'tiphys';

/** What gathering reads from. */
export interface GatherDeps {
  readonly projects: Pick<Lister<AppProject>, 'get'>;
  readonly namespace: string;
  readonly clusters: ClusterRegistry;
  readonly openRepository: (repoURL: string, signal: AbortSignal) => Promise<Repository>;
  readonly poller: Pick<RepositoryPoller, 'state'>;
  readonly renderer: Renderer;
  /** The archive of a chart that another depends on; undefined where the project does not allow its repository. */
  readonly fetchChart: (wanted: WantedChart, project: AppProject, signal: AbortSignal) => Promise<Uint8Array | undefined>;
  /** Key of digests that stand for secret values. */
  readonly digestKey: Uint8Array;
  /** How resources are handled in this installation. */
  readonly rules: ResourceRules;
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
}

/** Everything a decision about an application is made from. */
export interface Evidence extends Rendered {
  readonly cluster: Cluster;
  readonly project: AppProject;
  readonly comparison: Comparison;
  /** Sentences about rules of comparing that could not be followed. */
  readonly ruleWarnings: readonly string[];
}

/** The project of an application. Throws DeliveryError `invalidSpec`. */
function projectOf(application: Application, deps: Pick<GatherDeps, 'projects' | 'namespace'>): AppProject {
  const name = application.spec.project === undefined || application.spec.project === '' ? 'default' : application.spec.project;
  const stored = deps.projects.get(name, deps.namespace);
  if (stored === undefined) {
    if (name === 'default') return defaultProject;
    throw new DeliveryError({ code: 'invalidSpec' }, `application references project '${name}' which does not exist`);
  }
  const parsed = parseProject(stored);
  if (parsed.kind === 'invalid') throw new DeliveryError({ code: 'invalidSpec' }, `project '${name}' is invalid: ${parsed.problems.join('; ')}`);
  return parsed.value;
}

/** The cluster and project of an application, after its project permitted both. Throws DeliveryError. */
export function resolveTarget(application: Application, deps: GatherDeps): { readonly cluster: Cluster; readonly project: AppProject } {
  const project = projectOf(application, deps);
  const cluster = deps.clusters.resolve(application.spec.destination);
  const problems = checkApplication(project, application.spec, cluster);
  if (problems.length > 0) throw new DeliveryError({ code: 'invalidSpec' }, problems.join('; '));
  return { cluster, project };
}

/** Renders sources at commits. Problems of files are part of the result; what cannot be rendered at all is thrown. */
export async function renderSources(
  application: Application,
  { sources, revisions }: { readonly sources: readonly ApplicationSource[]; readonly revisions: readonly string[] },
  cluster: Cluster,
  deps: GatherDeps,
  options: { readonly signal: AbortSignal; readonly noCache?: boolean },
): Promise<Rendered> {
  const { namespace = '' } = application.spec.destination;
  const environment = { application: application.metadata.name ?? '', namespace, project: application.spec.project };
  const objects: KubeObject[] = [];
  const problems: string[] = [];
  const tools: RenderResult['tool'][] = [];
  const nonDeterministic: string[] = [];
  const project = projectOf(application, deps);
  const lookup = lookupFor(project, cluster, options.signal);
  const snapshots = await Promise.all(sources.map((source, index) => snapshotOf(source, revisions[index] ?? '', deps, options.signal)));
  const refs = new Map(sources.flatMap(({ ref }, index) => (ref === undefined || snapshots[index] === undefined ? [] : [[ref, snapshots[index]] as const])));
  for (const [index, source] of sources.entries()) {
    const snapshot = snapshots[index];
    if (snapshot === undefined || (source.ref !== undefined && source.path === undefined && source.chart === undefined)) continue;
    const world = {
      snapshot,
      refs,
      capabilities: () => cluster.capabilities(options.signal),
      chart: (wanted: WantedChart) => deps.fetchChart(wanted, project, options.signal),
      ...(lookup === undefined ? {} : { lookup }),
    };
    const result = await deps.renderer.render(source, environment, world, options);
    objects.push(...result.objects.map(({ object }) => object));
    problems.push(...result.problems.map(formatProblem));
    tools.push(result.tool);
    nonDeterministic.push(...result.nonDeterministic);
  }
  await Promise.all(
    kindsOf(objects).map(({ group, version, kind }) => cluster.kinds.find(group === '' ? version : `${group}/${version}`, kind, options.signal)),
  );
  const desired = prepareDesired(objects, application.metadata.name ?? '', namespace, (apiVersion, kind) => cluster.kinds.known(apiVersion, kind));
  return { revisions, desired, tools, problems, nonDeterministic: [...new Set(nonDeterministic)].toSorted() };
}

/** Compares what is rendered with what lives. */
export async function compareRendered(
  application: Application,
  rendered: Rendered,
  target: { readonly cluster: Cluster; readonly project: AppProject },
  deps: GatherDeps,
  signal: AbortSignal,
): Promise<Evidence> {
  const { cluster, project } = target;
  const name = application.metadata.name ?? '';
  const managed = (application.status?.resources ?? []).map(({ group = '', version, kind }) => ({ group, version, kind }));
  await cluster.follow([...kindsOf(rendered.desired.objects), ...managed], signal);
  const desired = rendered.desired.objects.filter((object) => roleOf(object).kind === 'resource');
  const refs = desired.map(refOf);
  cluster.setWanted(name, refs);
  const live = new Map(
    refs.flatMap((ref) => {
      const object = cluster.get(ref);
      return object === undefined ? [] : [[refKey(ref), object] as const];
    }),
  );
  const request = {
    desired,
    live,
    tracked: cluster.tracked(name),
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
  return { ...rendered, cluster, project, comparison, ruleWarnings: [...deps.rules.problems(), ...warnings] };
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
  const [source] = sourcesOf(application.spec);
  if (source === undefined) throw new DeliveryError({ code: 'notFound' }, `application ${application.metadata.name ?? ''}: has no source`);
  return (await deps.openRepository(source.repoURL, signal)).metadata(revision, signal);
}

/** The sentence of a failure to gather. */
export function gatherFailure(error: unknown): string {
  const hint = error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? ` (${error.hint})` : '';
  return `${messageOf(error)}${hint}`;
}
