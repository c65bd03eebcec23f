import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

// A short run of what `node test/fuzz/api-server.fuzz.mjs 1000000` does at length; the seed is fixed so that a failure comes back.
const REQUESTS = 4_000;

interface FuzzReport {
  readonly requests: number;
  readonly findings: number;
  readonly crashed: boolean;
  readonly stillAnswers: boolean;
}

function fuzz(requests: number, seed: number): Promise<string> {
  return new Promise((resolve) => {
    // It ends with 1 when it found something, and says what.
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'api-server.fuzz.mjs'), String(requests), String(seed)],
      { maxBuffer: 16 * 1024 * 1024 },
      (_error, out, err) => resolve(out + err),
    );
  });
}

describe('malformed requests', () => {
  it('neither crash the API server nor are answered with 5xx', { timeout: 120_000 }, async () => {
    const said = await fuzz(REQUESTS, 20_330);
    const report = JSON.parse(said.trimEnd().split('\n').at(-1) ?? '{}') as FuzzReport; // Its last line, as its usage says.
    expect(report, said.slice(0, 4_000)).toMatchObject({ requests: REQUESTS, findings: 0, crashed: false, stillAnswers: true });
  });
});
