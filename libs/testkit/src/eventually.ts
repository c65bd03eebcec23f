import { sleep } from '@tiphys/kernel';

const INTERVAL_MS = 10;

/** Polls the world until it is as told and answers what it is then. After `timeoutMs` it throws an error that says what the world was last. */
export async function eventually<T>(what: string, read: () => Promise<T> | T, accept: (value: T) => boolean, timeoutMs: number = 10_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: T | undefined;
  let problem: unknown;
  while (performance.now() < deadline) {
    try {
      last = await read();
      problem = undefined;
      if (accept(last)) return last;
    } catch (error) {
      problem = error;
    }
    await sleep(INTERVAL_MS, AbortSignal.timeout(INTERVAL_MS * 100));
  }
  throw new Error(`${what}: did not happen within ${timeoutMs} ms; last: ${problem === undefined ? JSON.stringify(last)?.slice(0, 4_000) : String(problem)}`);
}
