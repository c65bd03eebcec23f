import { settingsOf, sourcesOf, type Application, type ApplicationSource, type ParsedSettings, type ResourceSettings } from '@tiphys/delivery-applications';
import type { CompareRequest, DryRun } from '@tiphys/delivery-diff';
import type { ScriptEngine } from '@tiphys/delivery-scripts';
import type { InformerFactory } from '@tiphys/kube-client';
import { builtin, refOf, statusError, type corev1, type KubeObject } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';
import { createHealthBook, type HealthBook } from './scripted-health.ts';

/** The ConfigMap of the controller's namespace that holds the settings, as in Argo CD. */
const SETTINGS_CONFIG_MAP = 'argocd-cm';
const COMPARE_OPTIONS = 'argocd.argoproj.io/compare-options';

/** How resources are handled in this installation, as the settings are now. */
export interface ResourceRules {
  settings(): ResourceSettings;
  /** Sentences about settings that cannot be read. */
  problems(): readonly string[];
  readonly scripts: Pick<ScriptEngine, 'run'>;
  readonly health: HealthBook;
  /** Resolves when the settings are known. */
  waitForSync(signal: AbortSignal): Promise<void>;
}

/** What rules are made of. */
interface ResourceRulesOptions {
  readonly scripts: Pick<ScriptEngine, 'run'>;
  readonly informers: InformerFactory;
  readonly namespace: string;
  /** The settings are other than before. */
  readonly onChange: () => void;
}

/** Makes the rules from a ConfigMap that is followed; each version of it is read once. */
export function createResourceRules({ scripts, informers, namespace, onChange }: ResourceRulesOptions): ResourceRules {
  const configMaps = informers.informer<corev1.ConfigMap>({ type: builtin('v1', 'ConfigMap'), namespace });
  configMaps.onEvent((event) => {
    if (event.object.metadata.name === SETTINGS_CONFIG_MAP) onChange();
  });
  let read: { readonly from: KubeObject | undefined; readonly parsed: ParsedSettings } = { from: undefined, parsed: settingsOf(undefined) };
  const parsed = (): ParsedSettings => {
    const from = configMaps.get(SETTINGS_CONFIG_MAP, namespace);
    if (from !== read.from) read = { from, parsed: settingsOf(from) };
    return read.parsed;
  };
  const settings = (): ResourceSettings => parsed().settings;
  const problems = (): readonly string[] => parsed().problems.map((problem) => `${SETTINGS_CONFIG_MAP}: ${problem}`);
  return { settings, problems, scripts, health: createHealthBook({ scripts, settings }), waitForSync: (signal) => configMaps.waitForSync(signal) };
}

/** Whether the last sync had the same sources at the same commits as this comparison; absent when there was none. */
export function lastSyncedInput(
  { spec, status }: Application,
  revisions: readonly string[],
  keyOf: (sources: readonly ApplicationSource[], revisions: readonly string[]) => string,
): Pick<CompareRequest, 'lastSynced'> {
  const last = status?.history?.at(-1);
  if (last === undefined) return {};
  const sources = last.sources ?? (last.source === undefined ? [] : [last.source]);
  const synced = last.revisions ?? (last.revision === undefined ? [] : [last.revision]);
  return { lastSynced: { isSameInput: keyOf(sources, synced) === keyOf(sourcesOf(spec), revisions) } };
}

/** Asks a cluster what applying an object would lead to, where the application wants that (compare-options `ServerSideDiff=true`). */
export function serverSideDiff(
  { metadata }: Application,
  cluster: Pick<Cluster, 'client' | 'kinds'>,
  manager: string,
): ((desired: KubeObject, signal: AbortSignal) => Promise<DryRun>) | undefined {
  const options = new Set((metadata.annotations?.[COMPARE_OPTIONS] ?? '').split(',').map((option) => option.trim()));
  if (!options.has('ServerSideDiff=true')) return undefined;
  const includeMutationWebhook = options.has('IncludeMutationWebhook=true');
  return async (desired, signal) => {
    const type = await cluster.kinds.find(desired.apiVersion, desired.kind, signal);
    if (type === undefined) throw statusError('NotFound', `kind ${desired.kind} is not served`);
    const object = await cluster.client.patch(type, refOf(desired), desired, { type: 'apply', fieldManager: manager, force: true, dryRun: true, signal });
    return { object, includeMutationWebhook };
  };
}
