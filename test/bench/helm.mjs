// Times the Helm engine over the development corpus: load from bytes, render, print; one process, warm.
// Usage: node test/bench/helm.mjs [vectors folder]      needs a build
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatRelease, loadChart, mergeUserValues, readChartFolder, renderChart } from '../../libs/delivery/helm/dist/index.js';

const vectors = process.argv[2] ?? fileURLToPath(new URL('../../../shared/vectors/helm', import.meta.url));
if (!existsSync(vectors)) {
  process.stdout.write(`skipped: ${vectors} is not there\n`);
  process.exit(0);
}
const folder = mkdtempSync(path.join(tmpdir(), 'tiphys-bench-helm-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
execFileSync('tar', ['-xJf', path.join(vectors, 'charts.tar.xz'), '-C', folder]);
const cases = execFileSync('xz', ['-dc', path.join(vectors, 'cases.jsonl.xz')], { encoding: 'utf8', maxBuffer: 512e6 })
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line))
  .filter(({ expect }) => expect.err === undefined);

const reads = {
  read: (relative) => readFile(path.join(folder, relative)).catch(() => undefined),
  list: async (relative) => {
    const place = path.join(folder, relative);
    const entries = await readdir(place, { withFileTypes: true }).catch(() => undefined);
    return entries === undefined
      ? undefined
      : Promise.all(
          entries.map(async (entry) => ({
            name: entry.name,
            kind: (await stat(await realpath(path.join(place, entry.name)))).isDirectory() ? 'directory' : 'file',
          })),
        );
  },
};
const jobs = [];
for (const one of cases)
  jobs.push({
    ...one,
    files: await readChartFolder(reads, one.chart),
    values: one.valuesFiles.map((file) => ({ path: file, text: readFileSync(path.join(folder, file), 'utf8') })),
  });

function render({ files, values, release, namespace, kubeVersion, includeCRDs }) {
  const output = renderChart(loadChart(files), mergeUserValues({ files: values }), { release, namespace, kubeVersion });
  return formatRelease(output, { includeCrds: includeCRDs });
}

function pass(list) {
  return list.map((job) => {
    const startedAt = performance.now();
    render(job);
    return performance.now() - startedAt;
  });
}

function row(name, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(2);
  const total = times.reduce((sum, ms) => sum + ms, 0);
  process.stdout.write(`| ${name} | ${times.length} | ${at(0.5)} | ${at(0.9)} | ${at(0.99)} | ${at(1)} | ${((times.length / total) * 1000).toFixed(1)} |\n`);
}

process.stdout.write('| charts | n | median ms | p90 | p99 | worst | charts/s |\n|---|---|---|---|---|---|---|\n');
row('all outputs, first pass', pass(jobs));
row('all outputs, warm', pass(jobs));
row('repeatable outputs, warm', pass(jobs.filter(({ deterministic }) => deterministic)));
row('with random functions (keys, certificates), warm', pass(jobs.filter(({ deterministic }) => !deterministic)));

const helm = (process.env.PATH ?? '')
  .split(path.delimiter)
  .map((place) => path.join(place, 'helm'))
  .find(existsSync);
if (helm === undefined) process.stdout.write('no helm binary on the PATH: no comparison with forking\n');
else {
  row(
    'forking helm template',
    jobs.map(({ chart, valuesFiles, release, namespace, kubeVersion }) => {
      const startedAt = performance.now();
      spawnSync(
        helm,
        [
          'template',
          release,
          path.join(folder, chart),
          '--namespace',
          namespace,
          '--kube-version',
          kubeVersion,
          '--include-crds',
          ...valuesFiles.flatMap((file) => ['-f', path.join(folder, file)]),
        ],
        { stdio: 'ignore' },
      );
      return performance.now() - startedAt;
    }),
  );
}
