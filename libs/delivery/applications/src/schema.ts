import { z } from 'zod';
import type { KubeObject } from '@tiphys/kube-model';
import type { Application } from './application.ts';
import type { AppProject } from './project.ts';
import type { SyncRun } from './sync-run.ts';

// Only fields that are read are described; everything else passes through untouched.
const strings = z.array(z.string());
const stringMap = z.record(z.string(), z.string());
const duration = z.string().regex(/^\d+$|^([0-9.]+(ns|us|µs|ms|s|m|h))+$/, 'is not a duration such as 5s or 3m');
const jsonnetVariables = z.array(z.looseObject({ name: z.string().min(1), value: z.string(), code: z.boolean().optional() })).optional();
const directory = z.looseObject({
  recurse: z.boolean().optional(),
  include: z.string().optional(),
  exclude: z.string().optional(),
  jsonnet: z.looseObject({ extVars: jsonnetVariables, tlas: jsonnetVariables, libs: strings.optional() }).optional(),
});
const source = z.looseObject({
  repoURL: z.string().min(1, 'is required'),
  path: z.string().optional(),
  targetRevision: z.string().optional(),
  chart: z.string().optional(),
  ref: z.string().optional(),
  name: z.string().optional(),
  tagPrefix: z.string().optional(),
  directory: directory.optional(),
  helm: z.looseObject({}).optional(),
  kustomize: z.looseObject({}).optional(),
  plugin: z.looseObject({}).optional(),
});
const retry = z.looseObject({
  limit: z.int().optional(),
  backoff: z.looseObject({ duration: duration.optional(), factor: z.number().min(1).optional(), maxDuration: duration.optional() }).optional(),
  refresh: z.boolean().optional(),
});
const automated = z.looseObject({
  enabled: z.boolean().optional(),
  prune: z.boolean().optional(),
  selfHeal: z.boolean().optional(),
  allowEmpty: z.boolean().optional(),
});
const ignoreDifference = z.looseObject({
  group: z.string().optional(),
  kind: z.string().min(1),
  name: z.string().optional(),
  namespace: z.string().optional(),
  jsonPointers: z.array(z.string().regex(/^(\/|$)/, 'must begin with /')).optional(),
  jqPathExpressions: strings.optional(),
  managedFieldsManagers: strings.optional(),
});
const spec = z
  .looseObject({
    project: z.string().default('default'),
    source: source.optional(),
    sources: z.array(source).optional(),
    destination: z.looseObject({ server: z.string().optional(), name: z.string().optional(), namespace: z.string().optional() }),
    syncPolicy: z
      .looseObject({
        automated: automated.nullish(),
        syncOptions: strings.nullish(),
        retry: retry.nullish(),
        managedNamespaceMetadata: z.looseObject({ labels: stringMap.nullish(), annotations: stringMap.nullish() }).nullish(),
      })
      .nullish(),
    info: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
    ignoreDifferences: z.array(ignoreDifference).nullish(),
    revisionHistoryLimit: z.int().min(0).optional(),
  })
  .refine((value) => value.source !== undefined || (value.sources?.length ?? 0) > 0, { message: 'is required: name a repository', path: ['source'] })
  .refine((value) => (value.destination.server ?? '') === '' || (value.destination.name ?? '') === '', {
    message: 'can have server or name, not both',
    path: ['destination'],
  });
const syncResource = z.looseObject({ group: z.string().optional(), kind: z.string(), name: z.string(), namespace: z.string().optional() });
const strategy = z.looseObject({ force: z.boolean().optional() });
const operation = z.looseObject({
  sync: z
    .looseObject({
      revision: z.string().optional(),
      prune: z.boolean().optional(),
      dryRun: z.boolean().optional(),
      revisions: strings.nullish(),
      resources: z.array(syncResource).nullish(),
      source: source.nullish(),
      sources: z.array(source).nullish(),
      manifests: strings.nullish(),
      syncOptions: strings.nullish(),
      syncStrategy: z.looseObject({ apply: strategy.nullish(), hook: strategy.nullish() }).nullish(),
    })
    .optional(),
  initiatedBy: z.looseObject({ username: z.string().optional(), automated: z.boolean().optional() }).optional(),
  retry: retry.nullish(),
});
const application = z.looseObject({ spec, operation: operation.nullish(), status: z.looseObject({}).nullish() });

const groupKind = z.looseObject({ group: z.string(), kind: z.string(), name: z.string().optional() });
const syncWindow = z.looseObject({
  kind: z.enum(['allow', 'deny'], 'must be allow or deny'),
  schedule: z.string(),
  duration,
  timeZone: z.string().optional(),
  applications: strings.nullish(),
  namespaces: strings.nullish(),
  clusters: strings.nullish(),
  andOperator: z.boolean().optional(),
  manualSync: z.boolean().optional(),
  syncOverrun: z.boolean().optional(),
});
const role = z.looseObject({ name: z.string().min(1), policies: strings.nullish(), groups: strings.nullish() });
const sourcePolicy = z.looseObject({
  repos: z.array(z.looseObject({ url: z.string() })).nullish(),
  gpg: z.looseObject({ mode: z.string().optional(), keys: strings.nullish() }).nullish(),
});
const orphanedKey = z.looseObject({ group: z.string().optional(), kind: z.string().optional(), name: z.string().optional() });
const project = z.looseObject({
  spec: z
    .looseObject({
      sourceRepos: strings.nullish(),
      destinations: z.array(z.looseObject({ server: z.string().optional(), name: z.string().optional(), namespace: z.string().optional() })).nullish(),
      clusterResourceWhitelist: z.array(groupKind).nullish(),
      clusterResourceBlacklist: z.array(groupKind).nullish(),
      namespaceResourceWhitelist: z.array(groupKind).nullish(),
      namespaceResourceBlacklist: z.array(groupKind).nullish(),
      sourceNamespaces: strings.nullish(),
      roles: z.array(role).nullish(),
      syncWindows: z.array(syncWindow).nullish(),
      orphanedResources: z.looseObject({ warn: z.boolean().optional(), ignore: z.array(orphanedKey).nullish() }).nullish(),
      signatureKeys: z.array(z.looseObject({ keyID: z.string() })).nullish(),
      sourceIntegrity: z.looseObject({ git: z.looseObject({ policies: z.array(sourcePolicy).nullish() }).nullish() }).nullish(),
      permitOnlyProjectScopedClusters: z.boolean().optional(),
      destinationServiceAccounts: z.array(z.looseObject({ server: z.string(), namespace: z.string().optional(), defaultServiceAccount: z.string() })).nullish(),
    })
    .default({}),
});
const syncRun = z.looseObject({
  spec: z.looseObject({
    application: z.string().min(1),
    cause: z.enum(['manual', 'automated', 'self-heal', 'rollback']),
    actor: z.string(),
    options: z.looseObject({}).optional(),
  }),
  status: z.looseObject({ phase: z.string() }).optional(),
});

/** What a parser found: the value with every field it came with, or what is wrong with it. */
export type Parsed<T> = { readonly kind: 'valid'; readonly value: T } | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Reads an Application; unknown fields survive. */
export function parseApplication(object: KubeObject): Parsed<Application> {
  return parse(application, object);
}

/** Reads an AppProject; unknown fields survive. */
export function parseProject(object: KubeObject): Parsed<AppProject> {
  return parse(project, object);
}

/** Reads a SyncRun; unknown fields survive. */
export function parseSyncRun(object: KubeObject): Parsed<SyncRun> {
  return parse(syncRun, object);
}

function parse<T>(schema: z.ZodType, object: KubeObject): Parsed<T> {
  const result = schema.safeParse(object);
  if (!result.success) return { kind: 'invalid', problems: result.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`) };
  // The schema has just vouched for every field the type names and we read; the object itself keeps the rest.
  return { kind: 'valid', value: dropNulls(object) as T };
}

// Helm charts and generators write `automated: null` for "off"; readers only know absent.
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([key, field]) => [key, dropNulls(field)]),
  );
}
