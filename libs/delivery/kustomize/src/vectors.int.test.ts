import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { readYaml, toJson } from '@tiphys/delivery-helm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildKustomization, type BuildOptions } from './build.ts';
import { KustomizeError } from './kustomize-error.ts';
import type { KustomizeReads } from './load/loader.ts';
import { memoryReads } from './memory-reads.test-suite.ts';

const VECTORS = fileURLToPath(new URL('../../../../../shared/vectors/kustomize/', import.meta.url));
const isThere = existsSync(VECTORS);
if (!isThere) process.stderr.write(`skipped: ${VECTORS} is not there\n`);

function lines<T>(file: string): readonly T[] {
  const text = execFileSync('xz', ['-dc', join(VECTORS, file)], { maxBuffer: 2 ** 30 }).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T); // the vectors' own format
}

interface Overlay {
  readonly id: string;
  readonly path: string;
  readonly expect: { readonly out?: string; readonly parts?: readonly string[]; readonly err?: string; readonly class?: string };
}

interface Krusty {
  readonly test: string;
  readonly files: Readonly<Record<string, string>>;
  readonly path: string;
  readonly loadRestrictions: 1 | 2;
  readonly reorder: 'none' | 'legacy' | 'unspecified';
  readonly plugins: 1 | 2;
  readonly addManagedby: boolean;
  readonly helm: boolean;
  readonly out?: string;
  readonly err?: string;
}

async function outcome(path: string, reads: KustomizeReads, options?: BuildOptions): Promise<string | KustomizeError> {
  try {
    return (await buildKustomization(path, reads, options)).text();
  } catch (error) {
    if (error instanceof KustomizeError) return error;
    throw error;
  }
}

function objectsOf(text: string): readonly unknown[] {
  return text.split(/^---\n/m).map((document) => toJson(readYaml(document)));
}

let root = '';
beforeAll(() => {
  if (!isThere) return;
  root = mkdtempSync(join(tmpdir(), 'tiphys-overlays-'));
  execFileSync('tar', ['-xJf', join(VECTORS, 'overlays.tar.xz'), '-C', root]);
}, 60_000);
afterAll(() => {
  if (root !== '') rmSync(root, { recursive: true, force: true });
});

const diskReads: KustomizeReads = {
  read(path) {
    const file = join(root, path);
    return Promise.resolve(existsSync(file) && statSync(file).isFile() ? readFileSync(file) : undefined);
  },
  list(path) {
    const folder = join(root, path);
    if (!existsSync(folder) || !statSync(folder).isDirectory()) return Promise.resolve(undefined);
    return Promise.resolve(
      readdirSync(folder, { withFileTypes: true }).map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? 'directory' : 'file' })),
    );
  },
};

// What the command line adds to an error, and where the overlays stood when they were recorded.
function recordedMessage(text: string): string {
  const message = text
    .split('\n')
    .filter((line) => !line.startsWith('# Warning'))
    .join('\n');
  return message.replace(/^Error: /, '').replaceAll('<root>', '');
}

describe.skipIf(!isThere)('public overlays', () => {
  test('build as Kustomize 5.8.1 builds them', async () => {
    const large = new Map(lines<{ readonly sha256: string; readonly text: string }>('large-docs.jsonl.xz').map(({ sha256, text }) => [sha256, text]));
    const counts = { outputs: 0, sameBytes: 0, sameObjects: 0, errors: 0, sameClass: 0, sameText: 0 };
    const differences: string[] = [];
    for (const { id, path, expect: wanted } of lines<Overlay>('cases.jsonl.xz')) {
      const text = wanted.out ?? wanted.parts?.map((hash) => large.get(hash) ?? '').join('');
      const found = await outcome(path, diskReads);
      if (text === undefined) {
        counts.errors += 1;
        if (!(found instanceof KustomizeError)) differences.push(`${id} builds but must fail`);
        else if (found.code !== wanted.class) differences.push(`${id} fails as ${found.code} instead of ${wanted.class ?? ''}: ${found.message}`);
        else {
          counts.sameClass += 1;
          counts.sameText += found.message === recordedMessage(wanted.err ?? '') ? 1 : 0;
        }
        continue;
      }
      counts.outputs += 1;
      if (found instanceof KustomizeError) differences.push(`${id} fails: ${found.message}`);
      else if (found === text) {
        counts.sameBytes += 1;
        counts.sameObjects += 1;
      } else if (isDeepStrictEqual(objectsOf(found), objectsOf(text))) counts.sameObjects += 1;
      else differences.push(`${id} has other objects`);
    }
    process.stderr.write(`${JSON.stringify(counts)}\n`);
    expect(differences).toEqual([]);
  }, 300_000);
});

// A file that is no text has no place in the vectors: it is what the expected output holds of it.
function withBinaryFiles({ files, out = '' }: Krusty): Readonly<Record<string, string | Uint8Array>> {
  const [, name, data] = /^binaryData:\n {2}([^:\n]+): \|\n((?: {4}.*\n)+)/m.exec(out) ?? [];
  const owner = name === undefined ? undefined : Object.keys(files).find((path) => files[path]?.includes(`- ${name}`) === true);
  if (name === undefined || data === undefined || owner === undefined) return files;
  return { ...files, [owner.replace(/[^/]*$/, name)]: Buffer.from(data.replaceAll(/\s/g, ''), 'base64') };
}

// The words for a file that is missing differ between a disk and a file system in memory, the latter being what was recorded.
// The address of a generator, and which of several objects is looked at first, differ from run to run.
function comparable(message: string): string {
  return message
    .replaceAll(/evalsymlink failure on ('[^']*') : lstat [^:]*: no such file or directory/g, "$1 doesn't exist")
    .replaceAll(/ &\{0x[0-9a-f]+ <nil>\}/g, '')
    .replace(/^updating name reference in 'subjects' field of '(?:Cluster)?RoleBinding[^]*$/, 'ambiguous subjects');
}

describe.skipIf(!isThere)("Kustomize's own tests", () => {
  test('have the recorded results', async () => {
    const counts = { outputs: 0, sameBytes: 0, errors: 0, failing: 0, sameText: 0, programs: 0 };
    const differences: string[] = [];
    for (const wanted of lines<Krusty>('krusty.jsonl.xz')) {
      if (wanted.plugins === 2) {
        // These run programs and containers; all there is to see is that they are refused.
        counts.programs += 1;
        const found = await outcome(wanted.path, memoryReads(wanted.files), { root: 'filesystem' });
        if (!(found instanceof KustomizeError) || found.code !== 'plugin') differences.push(`${wanted.test} is not refused`);
        continue;
      }
      const found = await outcome(wanted.path, memoryReads(withBinaryFiles(wanted)), {
        root: 'filesystem',
        loadRestrictions: wanted.loadRestrictions === 2 ? 'none' : 'rootOnly',
        reorder: wanted.reorder === 'none' ? 'none' : 'legacy',
        addManagedByLabel: wanted.addManagedby,
        enableHelm: wanted.helm,
      });
      if (wanted.out === undefined) {
        counts.errors += 1;
        if (!(found instanceof KustomizeError)) {
          differences.push(`${wanted.test} builds but must fail`);
          continue;
        }
        counts.failing += 1;
        if (wanted.err === undefined || comparable(found.message) === comparable(wanted.err)) counts.sameText += 1;
        else differences.push(`${wanted.test} fails: ${found.message}`);
        continue;
      }
      counts.outputs += 1;
      // The recording was made with a build that has no version.
      if (found === wanted.out.replace('kustomize-(devel)', 'kustomize-v5.8.1')) counts.sameBytes += 1;
      else differences.push(`${wanted.test} ${found instanceof KustomizeError ? `fails: ${found.message}` : 'differs'}`);
    }
    process.stderr.write(`${JSON.stringify(counts)}\n`);
    expect(differences).toEqual([]);
  }, 120_000);
});
