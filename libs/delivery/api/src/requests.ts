import { z } from 'zod';
import type { RetryStrategy } from '@tiphys/delivery-applications';
import { ApiError } from './api-error.ts';

const name = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'is not a valid name');
const resource = z.looseObject({ group: z.string().optional(), kind: z.string().min(1), name: z.string().min(1), namespace: z.string().optional() });

/** The body of a sync, as Argo CD's ApplicationSyncRequest, and the hash of the plan that was shown. */
export interface SyncBody {
  readonly revision?: string | undefined;
  readonly prune?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly resources?:
    | readonly { readonly group?: string | undefined; readonly kind: string; readonly name: string; readonly namespace?: string | undefined }[]
    | undefined;
  readonly syncOptions?: { readonly items: readonly string[] } | readonly string[] | undefined;
  readonly strategy?:
    | { readonly apply?: { readonly force?: boolean | undefined } | undefined; readonly hook?: { readonly force?: boolean | undefined } | undefined }
    | undefined;
  readonly plan?: string | undefined;
  /** A revision for each source. */
  readonly revisions?: readonly string[] | undefined;
  /** Manifests to apply in the place of what the sources say. */
  readonly manifests?: readonly string[] | undefined;
  readonly retryStrategy?: RetryStrategy | undefined;
  readonly infos?: readonly { readonly name: string; readonly value: string }[] | undefined;
}

const strings = z.array(z.string());
const retryStrategy = z.looseObject({
  limit: z.int().optional(),
  refresh: z.boolean().optional(),
  backoff: z.looseObject({ duration: z.string().optional(), factor: z.number().min(1).optional(), maxDuration: z.string().optional() }).optional(),
});

/** Reads the body of a sync. */
export const syncBody: z.ZodType<SyncBody> = z.looseObject({
  revision: z.string().max(1_000).optional(),
  prune: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  force: z.boolean().optional(),
  resources: z.array(resource).max(20_000).optional(),
  syncOptions: z.union([z.array(z.string()), z.looseObject({ items: z.array(z.string()) })]).optional(),
  strategy: z
    .looseObject({ apply: z.looseObject({ force: z.boolean().optional() }).optional(), hook: z.looseObject({ force: z.boolean().optional() }).optional() })
    .optional(),
  plan: z.string().max(128).optional(),
  revisions: strings.max(100).optional(),
  manifests: strings.max(5_000).optional(),
  // The schema says exactly what the type says, but for fields set to undefined, which JSON cannot hold.
  retryStrategy: retryStrategy.optional() as unknown as z.ZodType<RetryStrategy | undefined>,
  infos: z
    .array(z.looseObject({ name: z.string().max(1_000), value: z.string().max(10_000) }))
    .max(100)
    .optional(),
});

/** The body that asks for a plan. */
export interface PlanBody {
  readonly revision?: string | undefined;
  readonly prune?: boolean | undefined;
  readonly manifests?: readonly string[] | undefined;
  readonly syncOptions?: readonly string[] | undefined;
}

/** Reads the body that asks for a plan. */
export const planBody: z.ZodType<PlanBody> = z.looseObject({
  revision: z.string().max(1_000).optional(),
  prune: z.boolean().optional(),
  manifests: strings.max(5_000).optional(),
  syncOptions: strings.max(1_000).optional(),
});

/** The body of a patch, as Argo CD's ApplicationPatchRequest: the patch is a text. */
export interface PatchBody {
  readonly patch: string;
  readonly patchType?: 'json' | 'merge' | '' | undefined;
}

/** Reads the body of a patch. */
export const patchBody: z.ZodType<PatchBody> = z.looseObject({ patch: z.string().max(1_000_000), patchType: z.enum(['json', 'merge', '']).optional() });

/** The body of a rollback: an `id` of the history or the name of a `run`. */
export interface RollbackBody {
  readonly id?: number | string | undefined;
  readonly run?: string | undefined;
  readonly prune?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly reason?: string | undefined;
}

/** Reads the body of a rollback. */
export const rollbackBody: z.ZodType<RollbackBody> = z
  .looseObject({
    id: z.union([z.int(), z.string().regex(/^\d+$/)]).optional(),
    run: name.optional(),
    prune: z.boolean().optional(),
    dryRun: z.boolean().optional(),
    reason: z.string().max(1_000).optional(),
  })
  .refine((body) => (body.id === undefined) !== (body.run === undefined), { message: 'name either the id of a history entry or a run' });

/** The body that adds a repository. */
export interface RepositoryBody {
  readonly repo: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly bearerToken?: string | undefined;
  readonly project?: string | undefined;
}

/** Reads the body that adds a repository. */
export const repositoryBody: z.ZodType<RepositoryBody> = z.looseObject({
  repo: z
    .string()
    .min(1)
    .max(2_000)
    .regex(/^[!-\uffff]+$/, 'must not contain white space or control characters'),
  username: z.string().max(1_000).optional(),
  password: z.string().max(10_000).optional(),
  bearerToken: z.string().max(10_000).optional(),
  project: z.string().optional(),
});

/** The body that adds a cluster. */
export interface ClusterBody {
  readonly name: string;
  readonly server: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly project?: string | undefined;
  /** Namespaced mode: only these. */
  readonly namespaces?: readonly string[] | undefined;
  readonly clusterResources?: boolean | undefined;
}

/** Reads the body that adds a cluster. */
export const clusterBody: z.ZodType<ClusterBody> = z.looseObject({
  name: z.string().min(1).max(253),
  server: z
    .string()
    .max(2_000)
    .regex(/^https?:\/\//, 'must be an http(s) URL'),
  config: z.record(z.string(), z.unknown()),
  project: z.string().max(253).optional(),
  namespaces: strings.max(1_000).optional(),
  clusterResources: z.boolean().optional(),
});

/** The body that opens a session. */
export const sessionBody: z.ZodType<{ readonly token: string }> = z.looseObject({ token: z.string().min(1).max(10_000) });

/** Checks a body. Throws ApiError `invalid` naming every field at fault. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  throw new ApiError(
    { code: 'invalid' },
    `request body: ${result.error.issues.map((issue) => [issue.path.map(String).join('.'), issue.message].filter(Boolean).join(' ')).join('; ')}`,
  );
}

/** Reads an ApplicationSet; its own schema judges the rest. */
export const applicationSetBody: z.ZodType<object> = z.looseObject({ metadata: z.looseObject({ name }), spec: z.looseObject({}) });

/** Reads the body of a preview. */
export const generateBody: z.ZodType<{ readonly applicationSet: object }> = z.looseObject({ applicationSet: applicationSetBody });
