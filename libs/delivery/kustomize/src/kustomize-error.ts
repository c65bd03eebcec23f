import { DomainError, messageOf } from '@tiphys/kernel';

/**
 * Why a build failed: `remote` a base or file on the network may not be had · `helm` charts are off, or a chart fails · `missing` a
 * file or folder is not there · `patch-target` a patch finds nothing, or too much · `plugin` it needs a program or container ·
 * `limit` a budget is used up · `other` everything else Kustomize refuses.
 */
export type KustomizeErrorCode = 'remote' | 'helm' | 'missing' | 'patch-target' | 'plugin' | 'limit' | 'other';

/** The detail of a KustomizeError. */
export interface KustomizeErrorDetail {
  readonly code: KustomizeErrorCode;
}

/** A kustomization that `kustomize build` would refuse. The message is Kustomize's own, without values of Secrets. */
export class KustomizeError extends DomainError<KustomizeErrorDetail> {
  override readonly name = 'KustomizeError';
}

/** Throws a KustomizeError. */
export function fail(message: string, code: KustomizeErrorCode = 'other'): never {
  throw new KustomizeError({ code }, message);
}

/** The error that says where `error` came up: its class is kept. Anything but a KustomizeError is a defect and comes back as it is. */
export function prefixed(prefix: string, error: unknown): unknown {
  if (!(error instanceof KustomizeError)) return error;
  return new KustomizeError(error.detail, `${prefix}: ${error.message}`, { cause: error });
}

/** Runs `body`; what it throws is prefixed. */
export function within<T>(prefix: string | (() => string), body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw prefixed(typeof prefix === 'string' ? prefix : prefix(), error);
  }
}

/** Runs `body`, which reads; an Error it throws becomes a KustomizeError. */
export function reading<T>(body: () => T, wrap: (message: string) => string = (message) => message): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RangeError || error instanceof TypeError) throw error;
    throw new KustomizeError({ code: error instanceof KustomizeError ? error.code : 'other' }, wrap(messageOf(error)), { cause: error });
  }
}

/** Runs `body`; what Kustomize would refuse comes back as the error, so that something else can be tried. A used up budget is thrown. */
export function attempt<T>(body: () => T): T | KustomizeError {
  try {
    return body();
  } catch (error) {
    if (error instanceof KustomizeError && error.code !== 'limit') return error;
    throw error;
  }
}
