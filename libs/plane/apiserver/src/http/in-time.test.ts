import { expect, it } from 'vitest';
import type { Exchange } from './exchange.ts';
import { inTime } from './in-time.ts';
import type { RequestInfo } from './request-info.ts';

const info: RequestInfo = { target: undefined, verb: 'get', name: '', namespace: '', isLongRunning: false };
const nothing = (): void => undefined;
const exchange = (query: string, signal: AbortSignal): Exchange => ({
  method: 'GET',
  path: '/',
  query: new URLSearchParams(query),
  headers: {},
  rawHeaders: [],
  body: (async function* () {})(),
  socket: undefined,
  signal,
  warn: nothing,
  setHeader: nothing,
  trail: { auditId: '', level: 'None', begin: nothing, annotate: nothing, started: nothing, complete: nothing },
});

it('answers 504 when the time is up, and stops the work', async () => {
  let signal: AbortSignal | undefined;
  const answer = inTime(exchange('timeout=5ms', new AbortController().signal), info, (timed) => {
    ({ signal } = timed);
    return new Promise(() => undefined);
  });
  await expect(answer).rejects.toMatchObject({ httpCode: 504, code: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout' });
  expect(signal?.aborted).toBe(true);
});

it('passes on that the client went away while the answer streams', async () => {
  const gone = new AbortController();
  let signal: AbortSignal | undefined;
  await inTime(exchange('', gone.signal), info, async (timed) => {
    ({ signal } = timed);
    return { kind: 'json', code: 200, value: 1 };
  });
  expect(signal?.aborted).toBe(false);
  gone.abort();
  expect(signal?.aborted).toBe(true);
});

it('stops when the client goes away, and lets watches go on', async () => {
  const gone = new AbortController();
  let signal: AbortSignal | undefined;
  void inTime(exchange('', gone.signal), info, (timed) => {
    ({ signal } = timed);
    return new Promise(() => undefined);
  });
  gone.abort();
  expect(signal?.aborted).toBe(true);
  const watch = exchange('timeout=1ms', gone.signal);
  expect(await inTime(watch, { ...info, isLongRunning: true }, async (same) => ({ kind: 'json', code: 200, value: same === watch }))).toMatchObject({
    value: true,
  });
});
