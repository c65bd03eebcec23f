import { parseDuration } from '@tiphys/kernel';
import { statusError } from '@tiphys/kube-model';
import { badRequest } from '../failures.ts';
import type { Answer } from './answer.ts';
import type { Exchange } from './exchange.ts';
import type { RequestInfo } from './request-info.ts';

// kube-apiserver's --request-timeout.
const REQUEST_TIMEOUT_MS = 60_000;

/** Answers a request in the time it has: 60 seconds, or less where `timeout` says so. Throws 400, and 504 when time is up. Watches and connections have no end. */
export async function inTime(exchange: Exchange, info: RequestInfo, answer: (exchange: Exchange) => Promise<Answer>): Promise<Answer> {
  if (info.isLongRunning) return await answer(exchange);
  const timeoutMs = Math.min(REQUEST_TIMEOUT_MS, askedMs(exchange.query) ?? REQUEST_TIMEOUT_MS);
  // Not AbortSignal.any: its signals outlive their request in Node 20.
  const ends = new AbortController();
  const stop = (): void => ends.abort();
  // It stays: what streams the answer has to end with the client, too. The request's own signal always aborts at its end.
  exchange.signal.addEventListener('abort', stop, { once: true });
  if (exchange.signal.aborted) stop();
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(statusError('Timeout', 'Timeout: request did not complete within the allotted timeout', {}));
      stop();
    }, timeoutMs);
  });
  try {
    return await Promise.race([answer({ ...exchange, signal: ends.signal }), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

function askedMs(query: URLSearchParams): number | undefined {
  const text = query.get('timeout') ?? '';
  if (text === '') return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms < 0) throw badRequest('invalid timeout specified in the request URL');
  return ms === 0 ? undefined : ms;
}
