import type { ApplicationListAnswer, ManagedResource, ManagedResourcesAnswer } from '@tiphys/delivery-api';
import { globMatches, type Application, type SyncResource, type SyncRun } from '@tiphys/delivery-applications';
import { fieldAt, isSelectorProblem, matchesSelector, parseLabelSelector, type Labels } from '@tiphys/kube-model';
import { renderLocal } from '../render/render-local.ts';
import { applicationCall, parseApplicationName } from './application-name.ts';
import { CliError } from './cli-error.ts';
import { finishRun } from './follow-run.ts';
import type { ClientSession } from './session.ts';

/** Options of `app sync`. */
export interface SyncOptions {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly replace?: boolean;
  readonly serverSide?: boolean;
  readonly applyOutOfSyncOnly?: boolean;
  readonly strategy?: string;
  readonly resource?: readonly string[];
  readonly label?: readonly string[];
  readonly selector?: string;
  readonly project?: readonly string[];
  readonly syncOption?: readonly string[];
  readonly local?: string;
  readonly info?: readonly string[];
  readonly retryLimit?: number;
  readonly retryBackoffDuration?: string;
  readonly retryBackoffFactor?: number;
  readonly retryBackoffMaxDuration?: string;
  readonly retryRefresh?: boolean;
  readonly plan?: string;
  readonly async?: boolean;
  readonly timeout?: number;
}

/** `app sync`: asks for the syncs and follows them to their ends. */
export async function syncApplications(session: ClientSession, names: readonly string[], options: SyncOptions): Promise<void> {
  const chosen = names.length > 0 ? names : await selectedNames(session, options);
  const runs: (readonly [string, SyncRun])[] = [];
  for (const name of chosen) {
    const body = await bodyOf(session, name, options);
    if (body === undefined) session.host.stderr(`application/${name}: no resource matches\n`);
    else runs.push([name, await session.api.call<SyncRun>({ method: 'POST', ...applicationCall(name, '/sync'), body })]);
  }
  for (const [name, run] of runs) await finishRun(session, name, run, options);
}

async function selectedNames({ api }: ClientSession, { selector, project }: SyncOptions): Promise<readonly string[]> {
  if (selector === undefined && project === undefined)
    throw new CliError({ code: 'usage' }, 'app sync: name applications, or choose them with --selector or --project');
  const { items } = await api.call<ApplicationListAnswer>({
    path: '/api/v1/applications',
    query: { selector, project: project?.join(','), sort: 'name', limit: 1_000 },
  });
  return items.map((application) => qualifiedName(application));
}

function qualifiedName({ metadata, status }: Application): string {
  const { name = '', namespace } = metadata;
  return namespace === undefined || namespace === status?.controllerNamespace ? name : `${namespace}/${name}`;
}

// Undefined when a choice of resources chooses none: an empty choice would mean all of them.
async function bodyOf(session: ClientSession, name: string, options: SyncOptions): Promise<object | undefined> {
  const resources = await resourcesOf(session, name, options);
  if (resources?.length === 0) return undefined;
  const { revision, revisions, prune, dryRun, force, plan, strategy, info } = options;
  if (strategy !== undefined && strategy !== 'apply' && strategy !== 'hook')
    throw new CliError({ code: 'usage' }, `strategy "${strategy}" is neither apply nor hook`);
  const syncOptions = [
    ...(options.syncOption ?? []),
    ...(options.replace === true ? ['Replace=true'] : []),
    ...(options.serverSide === true ? ['ServerSideApply=true'] : []),
    ...(options.applyOutOfSyncOnly === true ? ['ApplyOutOfSyncOnly=true'] : []),
  ];
  return {
    revision,
    revisions,
    prune,
    dryRun,
    force,
    plan,
    resources,
    syncOptions: syncOptions.length === 0 ? undefined : syncOptions,
    strategy: strategy === undefined ? undefined : { [strategy]: { force: force ?? false } },
    manifests: options.local === undefined ? undefined : await localManifests(options.local, name, session),
    infos: info?.map(parseInfo),
    retryStrategy: retryOf(options),
  };
}

/** The manifests a folder of this machine renders to for an application. */
export async function localManifests(folder: string, name: string, { api }: ClientSession): Promise<readonly string[]> {
  const { spec } = await api.call<Application>(applicationCall(name));
  return [await renderLocal({ path: folder, release: parseApplicationName(name).name, namespace: spec.destination.namespace, includeCRDs: true })];
}

function retryOf(options: SyncOptions): object | undefined {
  const { retryLimit, retryRefresh, retryBackoffDuration, retryBackoffFactor, retryBackoffMaxDuration } = options;
  if (retryLimit === undefined) return undefined;
  return {
    limit: retryLimit,
    refresh: retryRefresh,
    backoff: { duration: retryBackoffDuration, factor: retryBackoffFactor, maxDuration: retryBackoffMaxDuration },
  };
}

function parseInfo(text: string): { readonly name: string; readonly value: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new CliError({ code: 'usage' }, `info "${text}": must be name=value`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

async function resourcesOf({ api }: ClientSession, name: string, { resource = [], label }: SyncOptions): Promise<readonly SyncResource[] | undefined> {
  if (resource.length === 0 && label === undefined) return undefined;
  const patterns = resource.map(parseResource);
  const isPlain =
    label === undefined && patterns.every(({ excludes, group, kind, name: target }) => !excludes && ![group, kind, target].some((part) => part.includes('*')));
  if (isPlain)
    return patterns.map(({ group, kind, name: target, namespace }) => ({ group, kind, name: target, ...(namespace === undefined ? {} : { namespace }) }));
  const { items } = await api.call<ManagedResourcesAnswer>(applicationCall(name, '/managed-resources'));
  return items
    .filter((item) => isChosen(item, patterns) && hasLabels(item, label))
    .map(({ group, kind, namespace, name: target }) => ({ group, kind, name: target, ...(namespace === undefined ? {} : { namespace }) }));
}

interface ResourcePattern {
  readonly excludes: boolean;
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

// `group:kind:name` or `group:kind:namespace/name`, with `*` for any and `!` in front to leave out, as the argocd command takes it.
function parseResource(text: string): ResourcePattern {
  const excludes = text.startsWith('!');
  const [group = '', kind = '', target = ''] = (excludes ? text.slice(1) : text).split(':');
  const slash = target.indexOf('/');
  if (kind === '' || target === '') throw new CliError({ code: 'usage' }, `resource "${text}": must be GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME`);
  return slash < 0 ? { excludes, group, kind, name: target } : { excludes, group, kind, namespace: target.slice(0, slash), name: target.slice(slash + 1) };
}

function isChosen(item: ManagedResource, patterns: readonly ResourcePattern[]): boolean {
  const covers = ({ group, kind, name, namespace }: ResourcePattern): boolean =>
    globMatches(group, item.group) &&
    globMatches(kind, item.kind) &&
    globMatches(name, item.name) &&
    (namespace === undefined || globMatches(namespace, item.namespace ?? ''));
  const wanted = patterns.filter(({ excludes }) => !excludes);
  return (wanted.length === 0 || wanted.some(covers)) && !patterns.some((pattern) => pattern.excludes && covers(pattern));
}

function hasLabels({ targetState, liveState }: ManagedResource, label: readonly string[] | undefined): boolean {
  if (label === undefined) return true;
  const selector = parseLabelSelector(label.join(','));
  if (isSelectorProblem(selector)) throw new CliError({ code: 'usage' }, `label: ${selector.message}`);
  const labels: unknown = fieldAt(targetState ?? liveState, 'metadata', 'labels');
  return matchesSelector(selector, (labels ?? {}) as Labels); // The API's own manifests have such labels or none.
}
