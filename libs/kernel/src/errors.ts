/** The payload every error carries: a closed union whose `code` a caller can switch on. */
export interface ErrorDetail {
  readonly code: string;
}

/** What accompanies an error besides its payload: the error that caused it and the next step for a human. */
export interface DomainErrorOptions {
  readonly cause?: unknown;
  readonly hint?: string;
}

/**
 * The one base of errors thrown by Tiphys. `detail` says what went wrong in data, `message` says it in one
 * sentence (object first, lower case, no trailing stop, never a secret) and `hint` names the next step.
 */
export class DomainError<Detail extends ErrorDetail = ErrorDetail> extends Error {
  override readonly name: string = 'DomainError';
  readonly detail: Detail;
  readonly hint: string | undefined;

  constructor(detail: Detail, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.detail = detail;
    this.hint = options.hint;
  }

  /** The detail's code, for short switches. */
  get code(): Detail['code'] {
    return this.detail.code;
  }
}

/** Thrown by a service that cannot go on: the supervisor ends the process instead of restarting it. */
export class UnrecoverableError extends DomainError<{ readonly code: 'unrecoverable' }> {
  override readonly name = 'UnrecoverableError';

  constructor(message: string, options: DomainErrorOptions = {}) {
    super({ code: 'unrecoverable' }, message, options);
  }
}

/** Thrown when a wait ran into its own deadline (not when its caller gave up). */
export class TimeoutError extends DomainError<{ readonly code: 'timeout'; readonly timeoutMs: number }> {
  override readonly name = 'TimeoutError';

  constructor(what: string, timeoutMs: number) {
    super({ code: 'timeout', timeoutMs }, `${what}: timed out after ${timeoutMs} ms`);
  }
}

/** Returns `value`, or throws because the caller's invariant `why` does not hold. */
export function must<T>(value: T | undefined | null, why: string): T {
  if (value === undefined || value === null) throw new Error(`invariant broken: ${why}`);
  return value;
}

/** Throws when a programmer's assumption does not hold. Stays on in production. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${why}`);
}

/** Ends every switch over a union: compiles only while all variants are handled. */
export function unreachable(value: never): never {
  throw new Error(`unreachable variant: ${JSON.stringify(value)}`);
}

/** The sentence of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the error says that a signal aborted, rather than that something failed. */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'));
}
