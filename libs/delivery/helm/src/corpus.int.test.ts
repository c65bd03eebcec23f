import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HelmError } from './chart/helm-error.ts';
import { loadChart } from './chart/load-chart.ts';
import { mergeUserValues } from './chart/merge-user-values.ts';
import { readChartFolder, type ChartReads } from './chart/read-folder.ts';
import { deepEqual } from './go/type-names.ts';
import { GoMap, GoSlice, type GoValue } from './go/value.ts';
import { splitManifests } from './render/manifests.ts';
import { formatRelease, renderChart } from './render/render-chart.ts';
import { readYaml } from './yaml/read-yaml.ts';

const VECTORS = fileURLToPath(new URL('../../../../../shared/vectors/helm/', import.meta.url));
const isThere = existsSync(VECTORS);
if (!isThere) process.stderr.write(`skipped: ${VECTORS} is not there\n`);

interface Case {
  readonly id: string;
  readonly chart: string;
  readonly valuesFiles: readonly string[];
  readonly release: string;
  readonly namespace: string;
  readonly kubeVersion: string;
  readonly includeCRDs: boolean;
  readonly deterministic: boolean;
  readonly expect: { readonly out?: string; readonly parts?: readonly string[]; readonly err?: string; readonly stage?: string };
}

function lines<T>(file: string): readonly T[] {
  const text = execFileSync('xz', ['-dc', join(VECTORS, file)], { maxBuffer: 2 ** 30 }).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T); // the vectors' own format
}

let root = '';
beforeAll(() => {
  if (!isThere) return;
  root = mkdtempSync(join(tmpdir(), 'tiphys-charts-'));
  for (const name of ['charts.tar.xz', 'charts-completed.tar.xz']) execFileSync('tar', ['-xJf', join(VECTORS, name), '-C', root]);
}, 120_000);
afterAll(() => {
  if (root !== '') rmSync(root, { recursive: true, force: true });
});

const reads: ChartReads = {
  read: (path) => Promise.resolve(existsSync(join(root, path)) ? readFileSync(join(root, path)) : undefined),
  list: (path) =>
    Promise.resolve(
      existsSync(join(root, path))
        ? readdirSync(join(root, path), { withFileTypes: true }).map((entry) => ({
            name: entry.name,
            kind: entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'file',
          }))
        : undefined,
    ),
};

async function render(wanted: Case): Promise<string> {
  const files = await readChartFolder(reads, wanted.chart);
  const values = mergeUserValues({ files: wanted.valuesFiles.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })) });
  const { release, namespace, kubeVersion, includeCRDs } = wanted;
  return formatRelease(renderChart(loadChart(files), values, { release, namespace, kubeVersion, helmVersion: 'v4.2' }), { includeCrds: includeCRDs });
}

function documents(text: string): readonly GoValue[] {
  return splitManifests(text, 'helm4').map(readYaml);
}

// The same documents with the same keys and kinds of values.
function sameShape(a: GoValue, b: GoValue): boolean {
  if (a instanceof GoMap && b instanceof GoMap) {
    return a.entries.size === b.entries.size && [...a.entries].every(([key, item]) => b.entries.has(key) && sameShape(item, b.entries.get(key) ?? null));
  }
  if (a instanceof GoSlice && b instanceof GoSlice)
    return a.items.length === b.items.length && a.items.every((item, index) => sameShape(item, b.items[index] ?? null));
  return typeof a === typeof b && (a === null) === (b === null);
}

interface Counts {
  deterministic: number;
  sameBytes: number;
  sameObjects: number;
  random: number;
  sameShape: number;
  errors: number;
  sameStage: number;
  sameText: number;
}

async function judge(wanted: Case, text: string | undefined, counts: Counts): Promise<string | undefined> {
  let out: string;
  try {
    out = await render(wanted);
  } catch (error) {
    if (!(error instanceof HelmError)) throw error;
    if (text !== undefined) return `fails: ${error.message}`;
    counts.errors += 1;
    if (error.code !== wanted.expect.stage) return `fails at ${error.code} instead of ${wanted.expect.stage ?? ''}`;
    counts.sameStage += 1;
    counts.sameText += error.message.replaceAll(root, '<root>') === wanted.expect.err ? 1 : 0;
    return undefined;
  }
  if (text === undefined) return 'renders but must fail';
  const ours = documents(out);
  const theirs = documents(text);
  const isAlike = (same: (a: GoValue, b: GoValue) => boolean): boolean =>
    ours.length === theirs.length && ours.every((item, index) => same(item, theirs[index] ?? null));
  if (!wanted.deterministic) {
    counts.random += 1;
    if (!isAlike(sameShape)) return 'has another shape';
    counts.sameShape += 1;
    return undefined;
  }
  counts.deterministic += 1;
  counts.sameBytes += out === text ? 1 : 0;
  if (!isAlike(deepEqual)) return 'has other objects';
  counts.sameObjects += 1;
  return undefined;
}

describe.skipIf(!isThere)('public charts', () => {
  test('render as Helm 4.2.4 renders them', async () => {
    const large = new Map(lines<{ readonly sha256: string; readonly text: string }>('large-docs.jsonl.xz').map(({ sha256, text }) => [sha256, text]));
    const cases = [...lines<Case>('cases.jsonl.xz'), ...lines<Case>('cases-completed.jsonl.xz')];
    const counts: Counts = { deterministic: 0, sameBytes: 0, sameObjects: 0, random: 0, sameShape: 0, errors: 0, sameStage: 0, sameText: 0 };
    const differences: string[] = [];
    for (const wanted of cases) {
      const { out, parts } = wanted.expect;
      const text = out ?? parts?.map((hash) => large.get(hash) ?? '').join('');
      const difference = await judge(wanted, text, counts);
      if (difference !== undefined) differences.push(`${wanted.id} ${difference}`);
    }
    process.stderr.write(`${JSON.stringify(counts)}\n`);
    expect(differences).toEqual([]);
  }, 600_000);
});
