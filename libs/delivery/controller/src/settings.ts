import { globMatches } from '@tiphys/delivery-applications';
import type { PruneBudget } from '@tiphys/delivery-sync';
import { matchesSelector, selectorOf, type corev1, type metav1 } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import { z } from 'zod';

/** Kinds that are left alone, or looked at exclusively; each part may be a glob, an absent one covers all (settings FilteredResource). */
interface ResourceFilter {
  readonly apiGroups?: readonly string[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly clusters?: readonly string[] | undefined;
}

/** A project whose rules are added to those of the projects it selects. */
interface GlobalProject {
  readonly projectName: string;
  readonly labelSelector: metav1.LabelSelector;
}

/** What operators set for all applications, in the ConfigMap `argocd-cm`; read again whenever it changes. */
export interface DeliverySettings {
  readonly exclusions: readonly ResourceFilter[];
  readonly inclusions: readonly ResourceFilter[];
  readonly globalProjects: readonly GlobalProject[];
  /** Writes to targets are made as the service accounts that projects name. */
  readonly impersonates: boolean;
  /** When prunes by automation ask for approval; undefined: never because of their number. */
  readonly pruneBudget: PruneBudget | undefined;
  /** Finished runs kept for each application. */
  readonly runHistoryLimit: number;
  /** Sentences about settings that could not be read and have their defaults. */
  readonly problems: readonly string[];
}

// argo-cd util/settings: kinds that change all the time and are never deployed.
const CORE_EXCLUSIONS: readonly ResourceFilter[] = [
  { apiGroups: ['events.k8s.io', 'metrics.k8s.io'] },
  { apiGroups: [''], kinds: ['Event'] },
  { apiGroups: ['coordination.k8s.io'], kinds: ['Lease'] },
];

/** What holds when nothing is set. */
export const defaultSettings: DeliverySettings = {
  exclusions: CORE_EXCLUSIONS,
  inclusions: [],
  globalProjects: [],
  impersonates: false,
  pruneBudget: { percent: 50, minimum: 10 },
  runHistoryLimit: 100,
  problems: [],
};

/** The ConfigMap settings come from. */
export const SETTINGS_CONFIG_MAP = 'argocd-cm';

const strings = z.array(z.string()).nullish();
const filter = z.looseObject({ apiGroups: strings, kinds: strings, clusters: strings });
const requirement = z.looseObject({ key: z.string(), operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: z.array(z.string()).optional() });
const globalProject = z.looseObject({
  projectName: z.string().min(1),
  labelSelector: z.looseObject({ matchLabels: z.record(z.string(), z.string()).optional(), matchExpressions: z.array(requirement).optional() }),
});

/** Reads the settings; what is wrong is named and has its default. Pure. */
export function parseSettings(configMap: Pick<corev1.ConfigMap, 'data'> | undefined): DeliverySettings {
  const data = configMap?.data ?? {};
  const problems: string[] = [];
  const list = <T>(key: string, schema: z.ZodType<T>): readonly T[] => {
    const text = data[key];
    if (text === undefined || text.trim() === '') return [];
    const { values, problems: wrong } = parseDocuments(text, { source: key });
    const parsed = z.array(schema).safeParse(values[0]?.value);
    if (wrong.length === 0 && parsed.success) return parsed.data;
    problems.push(`${SETTINGS_CONFIG_MAP}: ${key} cannot be read: ${wrong[0]?.message ?? parsed.error?.issues[0]?.message ?? 'it is not a list'}`);
    return [];
  };
  const count = (key: string, otherwise: number, min: number, max: number): number => {
    const text = data[key]?.trim();
    if (text === undefined || text === '') return otherwise;
    if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
    problems.push(`${SETTINGS_CONFIG_MAP}: ${key} is not a whole number from ${min} to ${max}`);
    return otherwise;
  };
  const percent = count('sync.pruneConfirm.percent', 50, 0, 100);
  return {
    exclusions: [...CORE_EXCLUSIONS, ...list('resource.exclusions', filter).map(toFilter)],
    inclusions: list('resource.inclusions', filter).map(toFilter),
    // The schema has just vouched for every field of a selector.
    globalProjects: list('globalProjects', globalProject).map((entry) => entry as GlobalProject),
    impersonates: data['application.sync.impersonation.enabled']?.trim() === 'true',
    pruneBudget: percent >= 100 ? undefined : { percent, minimum: count('sync.pruneConfirm.minimum', 10, 0, 1_000_000) },
    runHistoryLimit: count('sync.runHistoryLimit', 100, 1, 10_000),
    problems,
  };
}

function toFilter({ apiGroups, kinds, clusters }: z.infer<typeof filter>): ResourceFilter {
  return { apiGroups: apiGroups ?? undefined, kinds: kinds ?? undefined, clusters: clusters ?? undefined };
}

/** Whether a kind is left alone on a cluster. */
export function isExcluded({ exclusions, inclusions }: DeliverySettings, group: string, kind: string, server: string): boolean {
  const covers = (patterns: readonly string[] | undefined, value: string): boolean =>
    patterns === undefined || patterns.length === 0 || patterns.some((pattern) => globMatches(pattern, value));
  const matches = (rule: ResourceFilter): boolean => covers(rule.apiGroups, group) && covers(rule.kinds, kind) && covers(rule.clusters, server);
  return exclusions.some(matches) || (inclusions.length > 0 && !inclusions.some(matches));
}

/** Names of the global projects whose rules a project gets. */
export function globalProjectsOf({ globalProjects }: DeliverySettings, project: { readonly metadata: metav1.ObjectMeta }): readonly string[] {
  return globalProjects
    .filter(({ labelSelector, projectName }) => projectName !== project.metadata.name && matchesSelector(selectorOf(labelSelector), project.metadata.labels))
    .map(({ projectName }) => projectName);
}
