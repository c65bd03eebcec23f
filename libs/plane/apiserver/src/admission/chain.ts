import type { Core, Scope, WriteFlags } from '../core.ts';
import type { Draft, JsonMap } from '../draft.ts';
import { MUTATING, VALIDATING } from './plugins.ts';
import { reserveQuota } from './resource-quota.ts';
import { needsReinvocation } from './reinvocation.ts';

/** What a request does to its object, in the words of AdmissionReview. */
export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** A request as admission sees it (apiserver pkg/admission Attributes). */
export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly scope: Scope;
  /** Ours; mutating plugins change it in place. A Binding, Eviction, Scale or TokenRequest for those subresources; absent for DELETE. */
  readonly object: Draft | undefined;
  /** The live object before an UPDATE or DELETE. Shared: never changed. */
  readonly oldObject: Draft | undefined;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions as AdmissionReview shows them. */
  readonly options: JsonMap;
  /** Adds a Warning header to the answer. */
  readonly warn: (text: string) => void;
  /** Adds an annotation to the request's audit event. */
  readonly annotate: (key: string, value: string) => void;
}

/**
 * One rule of the cluster about requests. `mutate` may change the object; it runs before validation and may run twice
 * when webhooks changed the object. `validate` sees what will be stored. Both refuse by throwing a StatusError.
 */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(core: Core, request: AdmissionRequest): void | Promise<void>;
  validate?(core: Core, request: AdmissionRequest): void | Promise<void>;
}

/** The parts of write options that admission looks at. */
export type AdmissionFlags = Pick<WriteFlags, 'dryRun' | 'warn' | 'annotate'> & Partial<Pick<WriteFlags, 'fieldManager' | 'fieldValidation'>>;

const OPTIONS_KIND: Readonly<Record<AdmissionOperation, string>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: '',
};

/** A request of a verb, for admission. */
export function admissionRequest(
  operation: AdmissionOperation,
  scope: Scope,
  flags: AdmissionFlags,
  objects: { readonly object?: Draft | undefined; readonly oldObject?: Draft | undefined; readonly options?: JsonMap },
): AdmissionRequest {
  const { dryRun, warn, annotate = () => undefined, fieldManager, fieldValidation } = flags;
  return {
    operation,
    scope,
    object: objects.object,
    oldObject: objects.oldObject,
    dryRun,
    options: {
      kind: OPTIONS_KIND[operation],
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun ? { dryRun: ['All'] } : {}),
      ...(fieldManager === undefined ? {} : { fieldManager }),
      ...(fieldValidation === undefined ? {} : { fieldValidation }),
      ...objects.options,
    },
    warn,
    annotate,
  };
}

/** Lets every mutating plugin see and change the object, in upstream's order. Throws what a plugin refuses with. */
export async function admitMutating(core: Core, request: AdmissionRequest): Promise<void> {
  do {
    for (const plugin of MUTATING) {
      const waiting = plugin.mutate?.(core, request);
      if (waiting !== undefined) await waiting;
    }
  } while (needsReinvocation(request));
}

/** Asks every validating plugin, in upstream's order. Throws what a plugin refuses with. */
async function admitValidating(core: Core, request: AdmissionRequest): Promise<void> {
  for (const plugin of VALIDATING) {
    const waiting = plugin.validate?.(core, request);
    if (waiting !== undefined) await waiting;
  }
}

/** Writes once every validating plugin agrees and the quotas have room for it. */
export async function admitWrite<T>(core: Core, request: AdmissionRequest, write: () => Promise<T>): Promise<T> {
  await admitValidating(core, request);
  const reservation = reserveQuota(core, request);
  try {
    return await write();
  } finally {
    reservation?.release();
  }
}
