import { DomainError, redactUrl } from '@tiphys/kernel';
import { StatusError } from '@tiphys/kube-model';
import type { ErrorAnswer } from './wire.ts';

/** A request the API refuses, with the HTTP status that says why. */
export class ApiError extends DomainError<
  | { readonly code: 'notFound' }
  | { readonly code: 'invalid' }
  | { readonly code: 'unauthenticated' }
  | { readonly code: 'forbidden' }
  | { readonly code: 'conflict' }
  | { readonly code: 'unsupportedMediaType' }
  | { readonly code: 'tooManyRequests' }
> {
  override readonly name = 'ApiError';
}

const HTTP_STATUS: Readonly<Record<ApiError['code'], number>> = {
  notFound: 404,
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  conflict: 409,
  unsupportedMediaType: 415,
  tooManyRequests: 429,
};

/** The answer for anything that was thrown; `internal` asks the caller to log the whole error. */
export function toErrorAnswer(error: unknown): { readonly status: number; readonly body: ErrorAnswer; readonly internal: boolean } {
  if (error instanceof ApiError) return answer(HTTP_STATUS[error.code], error.code, error.message, error.hint);
  if (error instanceof StatusError) return answer(error.httpCode, error.code === '' ? 'InternalError' : error.code, error.message);
  if (error instanceof DomainError) return answer(422, error.code, error.message, error.hint);
  // express and its body parsers mark the client's mistakes with a status and `expose`.
  if (error instanceof Error && 'expose' in error && error.expose === true && 'status' in error && typeof error.status === 'number')
    return answer(error.status, 'invalid', error.message);
  return { ...answer(500, 'internal', 'internal error'), internal: true };
}

function answer(
  status: number,
  reason: string,
  message: string,
  hint?: string,
): { readonly status: number; readonly body: ErrorAnswer; readonly internal: boolean } {
  const text = redactUrl(message);
  return { status, internal: false, body: { error: text, message: text, code: status, reason, ...(hint === undefined ? {} : { hint }) } };
}
