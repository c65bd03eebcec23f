// Times the Kustomize engine over the development overlays, files read from disk, one process; then kubectl kustomize on the same overlays.
// With --compare every overlay goes through every kubectl and kustomize found, and what differs is listed by cause.
// Usage: node test/bench/kustomize.mjs [vectors folder] [--compare]      needs a build
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKustomization } from '../../libs/delivery/kustomize/dist/index.js';
import { compareOverlays, findKustomizers } from '../conformance/kustomizers.mjs';

const vectors = process.argv.slice(2).find((arg) => !arg.startsWith('--')) ?? fileURLToPath(new URL('../../../shared/vectors/kustomize', import.meta.url));
if (!existsSync(vectors)) {
  process.stdout.write(`skipped: ${vectors} is not there\n`);
  process.exit(0);
}
const folder = mkdtempSync(path.join(tmpdir(), 'tiphys-bench-kustomize-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
execFileSync('tar', ['-xJf', path.join(vectors, 'overlays.tar.xz'), '-C', folder]);
const cases = execFileSync('xz', ['-dc', path.join(vectors, 'cases.jsonl.xz')], { encoding: 'utf8', maxBuffer: 512e6 })
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line));
const outputs = cases.filter(({ expect }) => expect.err === undefined).map((one) => one.path);

const reads = {
  read: (relative) => readFile(path.join(folder, relative)).catch(() => undefined),
  list: async (relative) => {
    const entries = await readdir(path.join(folder, relative), { withFileTypes: true }).catch(() => undefined);
    return entries?.map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? 'directory' : 'file' }));
  },
};

async function pass(paths) {
  const times = [];
  for (const one of paths) {
    const startedAt = performance.now();
    (await buildKustomization(one, reads)).text();
    times.push(performance.now() - startedAt);
  }
  return times;
}

function row(name, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(2);
  const total = times.reduce((sum, ms) => sum + ms, 0);
  process.stdout.write(`| ${name} | ${times.length} | ${at(0.5)} | ${at(0.9)} | ${at(0.99)} | ${at(1)} | ${((times.length / total) * 1000).toFixed(1)} |\n`);
  return times.length / total;
}

const found = findKustomizers();
if (process.argv.includes('--compare')) {
  const differences = await compareOverlays({ folder, reads, build: buildKustomization, paths: cases.map((one) => one.path), kustomizers: found });
  for (const [cause, ids] of differences) process.stdout.write(`${ids.length} ${cause}: ${ids.slice(0, 3).join(' ')}\n`);
  process.exit(0);
}
process.stdout.write('| overlays | n | median ms | p90 | p99 | worst | overlays/s |\n|---|---|---|---|---|---|---|\n');
row('first pass', await pass(outputs));
const warm = row('warm', await pass(outputs));
const newest = found.at(-1);
if (newest === undefined) process.stdout.write('no kubectl on the PATH: no comparison with forking\n');
else {
  const forked = row(
    `forking ${newest.name}`,
    outputs.map((one) => {
      const startedAt = performance.now();
      spawnSync(newest.program, [...newest.args, path.join(folder, one)], { stdio: 'ignore' });
      return performance.now() - startedAt;
    }),
  );
  process.stdout.write(`${(warm / forked).toFixed(1)} times the throughput of forking\n`);
}
