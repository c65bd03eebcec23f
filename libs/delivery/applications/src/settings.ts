import { z } from 'zod';
import { isJsonObject } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import type { IgnoreDifference } from './application.ts';
import { globMatches } from './glob.ts';

/** A user's rule of health for a kind; group and kind may be globs. */
export type CustomHealth =
  | { readonly group: string; readonly kind: string; readonly language: 'lua'; readonly script: string; readonly useOpenLibs: boolean }
  | { readonly group: string; readonly kind: string; readonly language: 'cel'; readonly clauses: readonly CelClause[] };

/** One line of a CEL rule: where `when` is true of `self`, this is the health. */
export interface CelClause {
  readonly status: string;
  readonly when: string;
  readonly message?: string;
  /** A CEL expression that gives the message. */
  readonly messageExpression?: string;
}

/** A user's actions for a kind, as scripts in Lua. */
export interface CustomActions {
  readonly group: string;
  readonly kind: string;
  readonly discovery: string;
  readonly definitions: readonly { readonly name: string; readonly script: string }[];
  /** Whether the built-in actions of the kind are offered beside these. */
  readonly mergeBuiltin: boolean;
  readonly useOpenLibs: boolean;
}

/** Fields of a custom resource that hold a type of Kubernetes, such as `core/v1/PodSpec` or `core/Quantity`. */
export interface KnownTypeField {
  readonly group: string;
  readonly kind: string;
  readonly field: string;
  readonly type: string;
}

/** What of a resource is not compared, for all applications. */
export interface CompareOptions {
  /** Rules of an aggregated ClusterRole are the aggregation controller's. */
  readonly ignoreAggregatedRoles: boolean;
  readonly ignoreResourceStatusField: 'all' | 'crd' | 'none';
  /** Whether ignored differences are ignored updates as well. */
  readonly ignoreDifferencesOnResourceUpdates: boolean;
}

/** How resources are handled in an installation: the `resource.*` keys of Argo CD's ConfigMap `argocd-cm`. */
export interface ResourceSettings {
  readonly health: readonly CustomHealth[];
  readonly actions: readonly CustomActions[];
  readonly ignoreDifferences: readonly IgnoreDifference[];
  readonly ignoreResourceUpdates: readonly IgnoreDifference[];
  readonly knownTypeFields: readonly KnownTypeField[];
  readonly compareOptions: CompareOptions;
  /** Annotations whose values are not shown. */
  readonly sensitiveAnnotations: readonly string[];
}

/** What holds where nothing is set (argo-cd util/settings/settings.go). */
export const defaultResourceSettings: ResourceSettings = {
  health: [],
  actions: [],
  ignoreDifferences: [],
  ignoreResourceUpdates: [],
  knownTypeFields: [],
  compareOptions: { ignoreAggregatedRoles: false, ignoreResourceStatusField: 'all', ignoreDifferencesOnResourceUpdates: true },
  sensitiveAnnotations: [],
};

/** Settings as far as they could be read, and a sentence for each key that could not. */
export interface ParsedSettings {
  readonly settings: ResourceSettings;
  readonly problems: readonly string[];
}

const MAX_TEXT_BYTES = 1024 * 1024;
const PREFIX = 'resource.customizations.';

const strings = z.array(z.string());
const differences = z.looseObject({
  jsonPointers: strings.nullish(),
  jqPathExpressions: strings.nullish(),
  managedFieldsManagers: strings.nullish(),
});
const knownTypes = z.array(z.looseObject({ field: z.string(), type: z.string() }));
const actions = z.looseObject({
  'discovery.lua': z.string().default(''),
  definitions: z.array(z.looseObject({ name: z.string(), 'action.lua': z.string() })).default([]),
  mergeBuiltinActions: z.boolean().default(false),
});
const celClauses = z
  .array(
    z.looseObject({
      status: z.enum(['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown']),
      when: z.string(),
      message: z.string().optional(),
      messageExpression: z.string().optional(),
    }),
  )
  .max(100);
const compareOptions = z.looseObject({
  ignoreAggregatedRoles: z.boolean().optional(),
  ignoreDifferencesOnResourceUpdates: z.boolean().optional(),
  // Older installations wrote a boolean, or `off`.
  ignoreResourceStatusField: z.union([z.string(), z.boolean()]).optional(),
});

interface Customization {
  readonly group: string;
  readonly kind: string;
  readonly aspect: string;
  readonly key: string;
  readonly text: string;
}

/** Reads the data of a ConfigMap. Nothing is thrown: one bad key does not hide the others. */
export function parseResourceSettings(data: Readonly<Record<string, string>>): ParsedSettings {
  const problems: string[] = [];
  const read = <T>(key: string, text: string, schema: z.ZodType<T>): T | undefined => readYaml({ key, text, schema }, (problem) => problems.push(problem));
  const customizations = customizationsOf(data, read);
  const byAspect = (aspect: string): readonly Customization[] => customizations.filter((entry) => entry.aspect === aspect);
  const opened = new Set(byAspect('useOpenLibs').flatMap(({ group, kind, text }) => (text.trim() === 'true' ? [`${group}/${kind}`] : [])));
  const useOpenLibs = ({ group, kind }: Customization): boolean => opened.has(`${group}/${kind}`);
  const settings: ResourceSettings = {
    health: [
      ...byAspect('healthCEL').flatMap((entry) => readCel(entry, read)),
      ...byAspect('health').flatMap((entry) =>
        entry.text.trim() === '' ? [] : [{ ...target(entry), language: 'lua' as const, script: entry.text, useOpenLibs: useOpenLibs(entry) }],
      ),
    ],
    actions: byAspect('actions').flatMap((entry) => readActions(entry, useOpenLibs(entry), read)),
    ignoreDifferences: byAspect('ignoreDifferences').flatMap((entry) => readDifferences(entry, read)),
    ignoreResourceUpdates: byAspect('ignoreResourceUpdates').flatMap((entry) => readDifferences(entry, read)),
    knownTypeFields: byAspect('knownTypeFields').flatMap((entry) =>
      (read(entry.key, entry.text, knownTypes) ?? []).map(({ field, type }) => ({ ...target(entry), field, type })),
    ),
    compareOptions: readCompareOptions(data['resource.compareoptions'], read),
    sensitiveAnnotations: listOf(data['resource.sensitive.mask.annotations']),
  };
  return { settings, problems };
}

type Read = <T>(key: string, text: string, schema: z.ZodType<T>) => T | undefined;

function readYaml<T>(
  { key, text, schema }: { readonly key: string; readonly text: string; readonly schema: z.ZodType<T> },
  report: (problem: string) => void,
): T | undefined {
  if (text.trim() === '') return undefined;
  const { values, problems } = parseDocuments(text, { source: key, limits: { maxBytes: MAX_TEXT_BYTES } });
  const [problem] = problems;
  if (problem !== undefined) {
    report(`${key}: ${problem.message}`);
    return undefined;
  }
  const parsed = schema.safeParse(values[0]?.value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  report(`${key}: ${issue?.path.join('.') ?? ''}${issue?.path.length === 0 ? '' : ': '}${issue?.message ?? 'cannot be read'}`);
  return undefined;
}

/** One entry for each aspect of each kind: from keys of their own, and from the one key of older installations. */
function customizationsOf(data: Readonly<Record<string, string>>, read: Read): readonly Customization[] {
  const split = Object.entries(data).flatMap(([key, text]) => {
    if (!key.startsWith(PREFIX)) return [];
    const [aspect = '', ...rest] = key.slice(PREFIX.length).split('.');
    return [{ ...parseTarget(rest.join('.')), aspect, key, text }];
  });
  const whole = read('resource.customizations', data['resource.customizations'] ?? '', z.record(z.string(), z.record(z.string(), z.unknown()))) ?? {};
  const older = Object.entries(whole).flatMap(([name, aspects]) => {
    const slash = name.lastIndexOf('/');
    const at = { group: slash === -1 ? '' : name.slice(0, slash), kind: name.slice(slash + 1) };
    return Object.entries(aspects).flatMap(([field, value]) => {
      const aspect = OLD_ASPECTS[field];
      const text = typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : '';
      return aspect === undefined ? [] : [{ ...at, aspect, key: `resource.customizations: ${name}: ${field}`, text }];
    });
  });
  return [...split, ...older];
}

const OLD_ASPECTS: Readonly<Record<string, string>> = {
  'health.lua': 'health',
  'health.lua.useOpenLibs': 'useOpenLibs',
  'health.cel': 'healthCEL',
  actions: 'actions',
  ignoreDifferences: 'ignoreDifferences',
  ignoreResourceUpdates: 'ignoreResourceUpdates',
  knownTypeFields: 'knownTypeFields',
};

// `<group>_<kind>`, a kind of the core group alone, or `all`.
function parseTarget(text: string): { readonly group: string; readonly kind: string } {
  if (text === 'all') return { group: '*', kind: '*' };
  const underscore = text.lastIndexOf('_');
  return underscore === -1 ? { group: '', kind: text } : { group: text.slice(0, underscore), kind: text.slice(underscore + 1) };
}

function target({ group, kind }: Customization): { readonly group: string; readonly kind: string } {
  return { group, kind };
}

function readDifferences(entry: Customization, read: Read): readonly IgnoreDifference[] {
  const found = read(entry.key, entry.text, differences);
  if (found === undefined) return [];
  return [
    {
      ...target(entry),
      jsonPointers: found.jsonPointers ?? [],
      jqPathExpressions: found.jqPathExpressions ?? [],
      managedFieldsManagers: found.managedFieldsManagers ?? [],
    },
  ];
}

function readActions(entry: Customization, useOpenLibs: boolean, read: Read): readonly CustomActions[] {
  const found = read(entry.key, entry.text, actions);
  if (found === undefined) return [];
  return [
    {
      ...target(entry),
      discovery: found['discovery.lua'],
      definitions: found.definitions.map((definition) => ({ name: definition.name, script: definition['action.lua'] })),
      mergeBuiltin: found.mergeBuiltinActions,
      useOpenLibs,
    },
  ];
}

function readCel(entry: Customization, read: Read): readonly CustomHealth[] {
  const clauses = read(entry.key, entry.text, celClauses);
  if (clauses === undefined) return [];
  return [
    {
      ...target(entry),
      language: 'cel',
      clauses: clauses.map(({ status, when, message, messageExpression }) => ({
        status,
        when,
        ...(message === undefined ? {} : { message }),
        ...(messageExpression === undefined ? {} : { messageExpression }),
      })),
    },
  ];
}

function readCompareOptions(text: string | undefined, read: Read): CompareOptions {
  const defaults = defaultResourceSettings.compareOptions;
  const found = read('resource.compareoptions', text ?? '', compareOptions);
  if (found === undefined) return defaults;
  const status = String(found.ignoreResourceStatusField ?? 'all').toLowerCase();
  return {
    ignoreAggregatedRoles: found.ignoreAggregatedRoles ?? defaults.ignoreAggregatedRoles,
    ignoreDifferencesOnResourceUpdates: found.ignoreDifferencesOnResourceUpdates ?? defaults.ignoreDifferencesOnResourceUpdates,
    ignoreResourceStatusField: status === 'crd' ? 'crd' : status === 'none' || status === 'off' || status === 'false' ? 'none' : 'all',
  };
}

function listOf(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Of rules for kinds, those for one kind: the exact ones before those by globs. */
export function rulesForKind<T extends { readonly group: string; readonly kind: string }>(rules: readonly T[], group: string, kind: string): readonly T[] {
  const isExact = (rule: T): boolean => rule.group === group && rule.kind === kind;
  const others = rules.filter((rule) => !isExact(rule) && globMatches(rule.group, group) && globMatches(rule.kind, kind));
  return [...rules.filter(isExact), ...others];
}

/** The settings in a ConfigMap's object, which may be absent or of another shape. */
export function settingsOf(configMap: unknown): ParsedSettings {
  const data = isJsonObject(configMap) ? configMap['data'] : undefined;
  if (!isJsonObject(data)) return { settings: defaultResourceSettings, problems: [] };
  return parseResourceSettings(Object.fromEntries(Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string')));
}
