import { readFile } from 'node:fs/promises';
import type { Application, AutomatedSync, ApplicationSource, ApplicationSpec } from '@tiphys/delivery-applications';
import { isJsonObject } from '@tiphys/kube-model';
import { CliError } from './cli-error.ts';

/** Flags that say what an application is made from, where it goes and how it is synced; one left out changes nothing. */
export interface SpecOptions {
  readonly repo?: string;
  readonly path?: string;
  readonly revision?: string;
  readonly helmChart?: string;
  readonly ref?: string;
  readonly sourcePosition?: number;
  readonly destServer?: string;
  readonly destName?: string;
  readonly destNamespace?: string;
  readonly project?: string;
  readonly syncPolicy?: string;
  readonly autoPrune?: boolean;
  readonly selfHeal?: boolean;
  readonly allowEmpty?: boolean;
  readonly syncOption?: readonly string[];
  readonly syncRetryLimit?: number;
  readonly syncRetryBackoffDuration?: string;
  readonly syncRetryBackoffFactor?: number;
  readonly syncRetryBackoffMaxDuration?: string;
  readonly syncRetryRefresh?: boolean;
  readonly revisionHistoryLimit?: number;
  readonly directoryRecurse?: boolean;
  readonly directoryInclude?: string;
  readonly directoryExclude?: string;
  readonly releaseName?: string;
  readonly values?: readonly string[];
  readonly valuesLiteralFile?: string;
  readonly parameter?: readonly string[];
  readonly helmSetString?: readonly string[];
  readonly helmSkipCrds?: boolean;
  readonly nameprefix?: string;
  readonly namesuffix?: string;
  readonly kustomizeImage?: readonly string[];
  readonly kustomizeNamespace?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The spec with what the flags say. */
export async function withSpecOptions(spec: ApplicationSpec, options: SpecOptions): Promise<ApplicationSpec> {
  const { destServer, destName, destNamespace, project, revisionHistoryLimit } = options;
  const { server, name, ...destination } = spec.destination;
  // Naming the cluster one way takes back the other.
  const place = destName !== undefined ? { name: destName } : destServer !== undefined ? { server: destServer } : defined({ server, name });
  return {
    ...withSource(spec, await sourceWith(sourceAt(spec, options.sourcePosition), options), options.sourcePosition),
    destination: { ...destination, ...place, ...defined({ namespace: destNamespace }) },
    ...defined({ project, revisionHistoryLimit }),
    ...syncPolicyWith(spec, options),
  };
}

/** What `app unset` takes away. */
export interface UnsetOptions {
  readonly parameter?: readonly string[];
  readonly values?: readonly string[];
  readonly valuesLiteral?: boolean;
  readonly nameprefix?: boolean;
  readonly namesuffix?: boolean;
  readonly kustomizeImage?: readonly string[];
  readonly ref?: boolean;
  readonly sourcePosition?: number;
}

/** The spec without what the flags take away. */
export function withoutSpecOptions(spec: ApplicationSpec, options: UnsetOptions): ApplicationSpec {
  const source = sourceAt(spec, options.sourcePosition);
  const helm = asFields(source.helm);
  const kustomize = asFields(source.kustomize);
  const left = {
    ...without(source, options.ref === true ? ['ref'] : []),
    ...block('helm', {
      ...without(helm, options.valuesLiteral === true ? ['values', 'valuesObject'] : []),
      parameters: list(helm['parameters']).filter((entry) => !(options.parameter ?? []).includes(String(asFields(entry)['name']))),
      valueFiles: list(helm['valueFiles']).filter((file) => !(options.values ?? []).includes(String(file))),
    }),
    ...block('kustomize', {
      ...without(kustomize, [...(options.nameprefix === true ? ['namePrefix'] : []), ...(options.namesuffix === true ? ['nameSuffix'] : [])]),
      images: list(kustomize['images']).filter((image) => !(options.kustomizeImage ?? []).some((name) => imageName(String(image)) === imageName(name))),
    }),
  };
  return withSource(spec, left, options.sourcePosition);
}

function sourceAt(spec: ApplicationSpec, position: number | undefined): ApplicationSource {
  const { sources = [], source } = spec;
  if (sources.length === 0) return source ?? { repoURL: '' };
  const found = position === undefined ? undefined : sources[position - 1];
  if (found === undefined)
    throw new CliError({ code: 'usage' }, `the application has ${sources.length} sources`, { hint: 'choose one with --source-position 1…' });
  return found;
}

function withSource(spec: ApplicationSpec, source: ApplicationSource, position: number | undefined): ApplicationSpec {
  if ((spec.sources ?? []).length === 0) return { ...spec, source };
  return { ...spec, sources: (spec.sources ?? []).map((other, index) => (index + 1 === position ? source : other)) };
}

async function sourceWith(source: ApplicationSource, options: SpecOptions): Promise<ApplicationSource> {
  const { repo, path, revision, helmChart, ref } = options;
  return {
    ...source,
    ...defined({ repoURL: repo, path, targetRevision: revision, chart: helmChart, ref }),
    ...changed('directory', source.directory, { recurse: options.directoryRecurse, include: options.directoryInclude, exclude: options.directoryExclude }),
    ...changed('helm', source.helm, await helmChanges(asFields(source.helm), options)),
    ...changed('kustomize', source.kustomize, {
      namePrefix: options.nameprefix,
      nameSuffix: options.namesuffix,
      namespace: options.kustomizeNamespace,
      images:
        options.kustomizeImage === undefined
          ? undefined
          : mergeBy(list(asFields(source.kustomize)['images']), options.kustomizeImage, (image) => imageName(String(image))),
    }),
  };
}

async function helmChanges(helm: Fields, options: SpecOptions): Promise<Fields> {
  const { parameter = [], helmSetString = [], values, valuesLiteralFile } = options;
  const given = [...parameter.map((text) => parseParameter(text, false)), ...helmSetString.map((text) => parseParameter(text, true))];
  const text =
    valuesLiteralFile === undefined
      ? undefined
      : await readFile(valuesLiteralFile, 'utf8').catch((cause: unknown) => {
          throw new CliError({ code: 'usage' }, `${valuesLiteralFile}: cannot be read`, { cause });
        });
  return {
    releaseName: options.releaseName,
    skipCrds: options.helmSkipCrds,
    valueFiles: values,
    values: text,
    parameters: given.length === 0 ? undefined : mergeBy(list(helm['parameters']), given, (entry) => String(asFields(entry)['name'])),
  };
}

function parseParameter(text: string, forceString: boolean): Fields {
  const equals = text.indexOf('=');
  if (equals < 1) throw new CliError({ code: 'usage' }, `parameter "${text}": must be name=value`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1), ...(forceString ? { forceString } : {}) };
}

function syncPolicyWith({ syncPolicy = {} }: ApplicationSpec, options: SpecOptions): Pick<ApplicationSpec, 'syncPolicy'> {
  const { automated: before, syncOptions: optionsBefore = [], retry: retryBefore, ...rest } = syncPolicy;
  const automated = automatedWith(before, options);
  const syncOptions = optionsWith(optionsBefore, options.syncOption ?? []);
  const backoff = defined({
    duration: options.syncRetryBackoffDuration,
    factor: options.syncRetryBackoffFactor,
    maxDuration: options.syncRetryBackoffMaxDuration,
  });
  const retry = {
    ...retryBefore,
    ...defined({ limit: options.syncRetryLimit, refresh: options.syncRetryRefresh }),
    ...(Object.keys(backoff).length === 0 ? {} : { backoff: { ...retryBefore?.backoff, ...backoff } }),
  };
  return {
    syncPolicy: {
      ...rest,
      ...(automated === undefined ? {} : { automated }),
      ...(syncOptions.length === 0 ? {} : { syncOptions }),
      ...(Object.keys(retry).length === 0 ? {} : { retry }),
    },
  };
}

function automatedWith(before: AutomatedSync | undefined, { syncPolicy, autoPrune, selfHeal, allowEmpty }: SpecOptions): AutomatedSync | undefined {
  if (syncPolicy === 'none' || syncPolicy === 'manual') return undefined;
  if (syncPolicy !== undefined && syncPolicy !== 'automated' && syncPolicy !== 'auto')
    throw new CliError({ code: 'usage' }, `sync policy "${syncPolicy}" is neither automated nor none`);
  const change = defined({ prune: autoPrune, selfHeal, allowEmpty });
  return before === undefined && syncPolicy === undefined && Object.keys(change).length === 0 ? undefined : { ...before, ...change };
}

// `!Name=value` takes an option away, another value of the same name takes its place.
function optionsWith(before: readonly string[], given: readonly string[]): readonly string[] {
  const nameOf = (option: string): string => option.split('=')[0] ?? '';
  const removed = given.filter((option) => option.startsWith('!')).map((option) => option.slice(1));
  const added = given.filter((option) => !option.startsWith('!'));
  const kept = before.filter((option) => !removed.includes(option) && !added.some((other) => nameOf(other) === nameOf(option)));
  return [...kept, ...added];
}

function imageName(image: string): string {
  return image.split(/[=:@]/)[0] ?? image;
}

function mergeBy(before: readonly unknown[], given: readonly unknown[], keyOf: (entry: unknown) => string): readonly unknown[] {
  const keys = new Set(given.map(keyOf));
  return [...before.filter((entry) => !keys.has(keyOf(entry))), ...given];
}

function changed(name: string, before: object | undefined, change: Fields): Fields {
  const said = defined(change);
  return Object.keys(said).length === 0 ? {} : { [name]: { ...before, ...said } };
}

// A tool's block that says nothing is left out: its presence alone would choose the tool.
function block(name: string, fields: Fields): Fields {
  const said = Object.fromEntries(Object.entries(fields).filter(([, value]) => !(Array.isArray(value) && value.length === 0)));
  return { [name]: Object.keys(said).length === 0 ? undefined : said };
}

function without<T extends object>(fields: T, names: readonly string[]): T {
  // Fewer fields of the same object; those left out are optional.
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name))) as T;
}

function defined<T extends Fields>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  // Exactly what the type says: the same fields without those that are undefined.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { readonly [K in keyof T]?: Exclude<T[K], undefined> };
}

function asFields(value: unknown): Fields {
  return isJsonObject(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What `app create` makes of its flags. */
export interface CreateFlags extends SpecOptions {
  readonly label?: readonly string[];
  readonly annotations?: readonly string[];
  readonly setFinalizer?: boolean;
}

/** An application made of flags. */
export async function applicationOf(name: string, appNamespace: string | undefined, options: CreateFlags): Promise<Pick<Application, 'metadata' | 'spec'>> {
  const { repo, path, revision, helmChart } = options;
  const base: ApplicationSpec = {
    project: 'default',
    source: {
      repoURL: repo ?? '',
      ...(path === undefined && helmChart !== undefined ? {} : { path: path ?? '.' }),
      targetRevision: revision ?? (helmChart === undefined ? 'HEAD' : '*'),
    },
    destination: options.destName === undefined ? { server: 'https://kubernetes.default.svc' } : {},
  };
  return {
    metadata: {
      name,
      ...(appNamespace === undefined ? {} : { namespace: appNamespace }),
      ...(options.label === undefined ? {} : { labels: pairs(options.label) }),
      ...(options.annotations === undefined ? {} : { annotations: pairs(options.annotations) }),
      ...(options.setFinalizer === true ? { finalizers: ['resources-finalizer.argocd.argoproj.io'] } : {}),
    },
    spec: await withSpecOptions(base, options),
  };
}

function pairs(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new CliError({ code: 'usage' }, `"${text}": must be name=value`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
