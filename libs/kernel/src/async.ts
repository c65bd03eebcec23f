import { TimeoutError } from './errors.ts';

// Node clamps longer timers to 1 ms, which would turn a long wait into a busy loop.
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. Keeps the process alive. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(Math.max(ms, 0), MAX_TIMER_MS),
    );
    function onAbort(): void {
      clearTimeout(timer);
      reject(abortReason(signal));
    }
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The reason of an aborted signal as an Error. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError');
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** How `retry` waits and when it gives up. */
export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Attempts in total, the first included. Default 5. */
  readonly attempts?: number;
  /** Delay before the second attempt. Default 100 ms; doubles up to `maxDelayMs`. */
  readonly delayMs?: number;
  readonly maxDelayMs?: number;
  /** Errors for which another attempt makes no sense. Default: every error is worth another attempt. */
  readonly shouldRetry?: (error: unknown) => boolean;
  readonly onRetry?: (error: unknown, attempt: number) => void;
}

/** Calls `fn` until it succeeds; throws the last error when attempts run out or `shouldRetry` declines. */
export async function retry<T>(fn: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, attempts = 5, delayMs = 100, maxDelayMs = 5_000 } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fn(attempt);
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= attempts || options.shouldRetry?.(error) === false) throw error;
      options.onRetry?.(error, attempt);
    }
    await sleep(Math.min(delayMs * 2 ** (attempt - 1), maxDelayMs), signal);
  }
}

/**
 * Maps with at most `limit` calls under way; results keep the order of `items`. The first failure stops new
 * calls and is thrown once the calls under way have ended.
 */
export async function mapLimit<T, R>(items: readonly T[], limit: number, fn: (item: T, index: number) => Promise<R>, signal?: AbortSignal): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  async function worker(): Promise<void> {
    while (failure === undefined && next < items.length) {
      const index = next;
      next += 1;
      try {
        signal?.throwIfAborted();
        // Invariant: index < items.length, so the element exists even where T includes undefined.
        results[index] = await fn(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
  return results;
}

/** Runs `fn` with a signal that also aborts after `timeoutMs`; then throws TimeoutError naming `what`. */
export async function withTimeout<T>(what: string, timeoutMs: number, signal: AbortSignal, fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const timeout = new TimeoutError(what, timeoutMs);
  const timer = setTimeout(() => controller.abort(timeout), Math.min(timeoutMs, MAX_TIMER_MS));
  const onAbort = (): void => controller.abort(abortReason(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await fn(controller.signal);
  } catch (error) {
    if (controller.signal.reason === timeout) throw timeout;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
