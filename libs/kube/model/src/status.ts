import { DomainError } from '@tiphys/kernel';
import type { metav1 } from './generated/types/index.ts';

/** The closed set of reasons of a failed API call (apimachinery meta/v1/types.go). */
export type StatusReason =
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable'
  | '';

/** The HTTP code that goes with a reason. */
const CODE_OF: Readonly<Record<StatusReason, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Invalid: 422,
  ServerTimeout: 500,
  StoreReadError: 500,
  Timeout: 504,
  TooManyRequests: 429,
  BadRequest: 400,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  InternalError: 500,
  Expired: 410,
  ServiceUnavailable: 503,
  '': 500,
};

/** One cause inside a Status: the field and what is wrong with it. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** An API call that failed, with the `metav1.Status` that says how: the one error of the Kubernetes API on both sides of the wire. */
export class StatusError extends DomainError<{ readonly code: StatusReason }> {
  override readonly name = 'StatusError';
  readonly status: metav1.Status;

  constructor(status: metav1.Status, options: { readonly cause?: unknown } = {}) {
    // An unknown reason of a newer server is kept in status; callers switch on the ones above.
    super({ code: (status.reason ?? '') as StatusReason }, status.message ?? status.reason ?? 'unknown failure', options);
    this.status = status;
  }

  /** The HTTP status code. */
  get httpCode(): number {
    return this.status.code ?? 500;
  }
}

/** Makes a failed Status. */
export function statusError(reason: StatusReason, message: string, details: metav1.StatusDetails & { readonly httpCode?: number } = {}): StatusError {
  const { httpCode, ...rest } = details;
  return new StatusError({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(Object.keys(rest).length > 0 ? { details: rest } : {}),
    code: httpCode ?? CODE_OF[reason],
  });
}

/** Whether an error is an API Status with one of the given reasons. */
export function isStatus(error: unknown, ...reasons: readonly StatusReason[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.code);
}
