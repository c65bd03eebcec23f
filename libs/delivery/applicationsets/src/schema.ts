import type { KubeObject } from '@tiphys/kube-model';
import { z } from 'zod';
import type { ApplicationSet } from './application-set.ts';

// Only what is read is described; other fields pass.
const strings = z.array(z.string());
const texts = z.record(z.string(), z.string());
const selector = z.looseObject({
  matchLabels: texts.optional(),
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: strings.nullish() }))
    .optional(),
});
const template = z.looseObject({
  metadata: z
    .looseObject({
      name: z.string().optional(),
      namespace: z.string().optional(),
      labels: texts.nullish(),
      annotations: texts.nullish(),
      finalizers: strings.nullish(),
    })
    .optional(),
  spec: z.looseObject({}).optional(),
});
const common = { template: template.optional(), values: texts.nullish(), requeueAfterSeconds: z.int().min(0).optional() };
const pattern = z.looseObject({ path: z.string().min(1), exclude: z.boolean().optional() });
const forge = z.looseObject({ ...common, filters: z.array(z.looseObject({})).nullish(), cloneProtocol: z.string().optional() });
const simple = {
  list: z.looseObject({ template: template.optional(), elements: z.array(z.looseObject({})).nullish(), elementsYaml: z.string().optional() }),
  clusters: z.looseObject({ ...common, selector: selector.nullish(), flatList: z.boolean().optional() }),
  git: z
    .looseObject({
      ...common,
      repoURL: z.string().min(1),
      revision: z.string().optional(),
      directories: z.array(pattern).nullish(),
      files: z.array(pattern).nullish(),
      pathParamPrefix: z.string().optional(),
    })
    .refine(({ directories, files }) => (directories?.length ?? 0) > 0 || (files?.length ?? 0) > 0, { message: 'needs directories or files' }),
  scmProvider: forge,
  pullRequest: forge,
  clusterDecisionResource: z.looseObject({ ...common, configMapRef: z.string().min(1), name: z.string().optional(), labelSelector: selector.nullish() }),
  plugin: z.looseObject({
    ...common,
    configMapRef: z.looseObject({ name: z.string().min(1) }),
    input: z.looseObject({ parameters: z.looseObject({}).nullish() }).nullish(),
  }),
};
const SIMPLE = Object.keys(simple);
const KINDS = [...SIMPLE, 'matrix', 'merge'];

function withOneKind<T extends z.ZodType<object>>(shape: T, kinds: readonly string[] = KINDS): T {
  const given = (generator: object): readonly string[] => KINDS.filter((kind) => (generator as Readonly<Record<string, unknown>>)[kind] !== undefined);
  const message = `must have exactly one of ${kinds.join(', ')}`;
  return shape.refine((generator) => given(generator).length === 1 && given(generator).every((kind) => kinds.includes(kind)), { message });
}

const optional = Object.fromEntries(Object.entries(simple).map(([name, shape]) => [name, shape.optional()]));
const leaf = withOneKind(z.looseObject({ ...optional, selector: selector.nullish() }), SIMPLE);
// A matrix or merge may hold another one, which holds plain generators only.
const pairOf = (inner: z.ZodType, size: z.ZodType = z.array(inner)): z.ZodType =>
  z.looseObject({ generators: size, mergeKeys: strings.default([]), template: template.optional() });
const nested = withOneKind(
  z.looseObject({
    ...optional,
    selector: selector.nullish(),
    matrix: pairOf(leaf, z.array(leaf).length(2, 'must be two')).optional(),
    merge: pairOf(leaf, z.array(leaf).min(2, 'must be at least two')).optional(),
  }),
);
const generator = withOneKind(
  z.looseObject({
    ...optional,
    selector: selector.nullish(),
    matrix: pairOf(nested, z.array(nested).length(2, 'must be two')).optional(),
    merge: pairOf(nested, z.array(nested).min(2, 'must be at least two')).optional(),
  }),
);
const step = z.looseObject({
  matchExpressions: z.array(z.looseObject({ key: z.string().optional(), operator: z.enum(['In', 'NotIn']).optional(), values: strings.nullish() })).nullish(),
  maxUpdate: z.union([z.int().min(0), z.string().regex(/^\d+%$/, 'is neither a number nor a percentage')]).optional(),
});
const applicationSet = z.looseObject({
  spec: z.looseObject({
    goTemplate: z.boolean().optional(),
    goTemplateOptions: z.array(z.string().regex(/^missingkey=(default|invalid|zero|error)$/, 'is not an option of Go templates')).nullish(),
    generators: z.array(generator).min(1, 'needs a generator'),
    template,
    templatePatch: z.string().optional(),
    syncPolicy: z
      .looseObject({
        applicationsSync: z.enum(['sync', 'create-only', 'create-update', 'create-delete']).optional(),
        preserveResourcesOnDeletion: z.boolean().optional(),
      })
      .nullish(),
    strategy: z.looseObject({ type: z.string().optional(), rollingSync: z.looseObject({ steps: z.array(step).nullish() }).nullish() }).nullish(),
    preservedFields: z.looseObject({ annotations: strings.nullish(), labels: strings.nullish() }).nullish(),
    ignoreApplicationDifferences: z
      .array(z.looseObject({ name: z.string().optional(), jsonPointers: strings.nullish(), jqPathExpressions: strings.nullish() }))
      .nullish(),
  }),
});

/** What a parser found. */
export type ParsedSet = { readonly kind: 'valid'; readonly value: ApplicationSet } | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Reads an ApplicationSet; unknown fields survive. */
export function parseApplicationSet(object: KubeObject): ParsedSet {
  const result = applicationSet.safeParse(object);
  if (!result.success) return { kind: 'invalid', problems: result.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`) };
  // The schema has just vouched for every field the type names and we read; null stands for absent in it.
  return { kind: 'valid', value: withoutNulls(object) as ApplicationSet };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([name, item]) => [name, withoutNulls(item)]),
  );
}
