import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKustomization, type KustomizeReads } from '@tiphys/delivery-kustomize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareOverlays, findKustomizers } from './kustomizers.mjs';

const VECTORS = fileURLToPath(new URL('../../../shared/vectors/kustomize/', import.meta.url));
const kustomizers = findKustomizers();
const isThere = existsSync(VECTORS);
if (!isThere) process.stderr.write(`skipped: ${VECTORS} is not there\n`);
if (kustomizers.length === 0) process.stderr.write('skipped: no kubectl or kustomize on the PATH\n');

// The sample: what fits into the time, spread over all repositories. test/bench/kustomize.mjs --compare takes all of them.
const SAMPLE = 40;
const BUDGET_MS = 30_000;

/** What older versions do otherwise, and where it is written down. */
const KNOWN: readonly RegExp[] = [
  // Kustomize before 5.8 links a JSON patch library that lets `replace` add.
  /replace of a field that is not there adds it/,
  // Kustomize before 5.1 takes one object for each of `patches`.
  /\(Kustomize v5\.0\.[^)]*\): theirs fails: .*trouble configuring builtin PatchTransformer/,
];

let folder = '';
beforeAll(() => {
  if (!isThere) return;
  folder = mkdtempSync(path.join(tmpdir(), 'tiphys-oracle-'));
  execFileSync('tar', ['-xJf', path.join(VECTORS, 'overlays.tar.xz'), '-C', folder]);
}, 60_000);
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

const reads: KustomizeReads = {
  read: (relative) => readFile(path.join(folder, relative)).catch(() => undefined),
  async list(relative) {
    const entries = await readdir(path.join(folder, relative), { withFileTypes: true }).catch(() => undefined);
    return entries?.map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? 'directory' : 'file' }));
  },
};

describe.skipIf(!isThere || kustomizers.length === 0)('real Kustomize', () => {
  it('builds a sample of overlays as we do, known differences of older versions aside', async () => {
    const text = execFileSync('xz', ['-dc', path.join(VECTORS, 'cases.jsonl.xz')], { maxBuffer: 2 ** 30 }).toString();
    const paths = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly path: string }).path); // the vectors' own format
    const sample = paths.filter((_, index) => index % Math.ceil(paths.length / SAMPLE) === 0);
    const differences = await compareOverlays({ folder, reads, build: buildKustomization, paths: sample, kustomizers, until: Date.now() + BUDGET_MS });
    for (const [cause, overlays] of differences) process.stderr.write(`${overlays.length} ${cause}: ${overlays[0] ?? ''}\n`);
    expect([...differences.keys()].filter((cause) => !KNOWN.some((known) => known.test(cause)))).toEqual([]);
  }, 120_000);
});
