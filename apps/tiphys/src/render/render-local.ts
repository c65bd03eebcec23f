import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  completeSubcharts,
  formatRelease,
  HelmError,
  loadChart,
  mergeUserValues,
  readChartFolder,
  renderChart,
  type GoMap,
  type HelmCompat,
} from '@tiphys/delivery-helm';
import { buildKustomization } from '@tiphys/delivery-kustomize';
import { renderSource, type SourceReads } from '@tiphys/delivery-render';
import { formatProblem, formatYaml } from '@tiphys/kube-yaml';
import { CliError } from '../cli/cli-error.ts';
import { localReads, openLocalSource } from './local-reads.ts';

/** What to render and how: the flags of `tiphys render`, or one line of its batch. */
export interface RenderJob {
  readonly path: string;
  readonly tool?: 'helm' | 'kustomize' | 'jsonnet' | 'directory' | undefined;
  readonly release?: string | undefined;
  readonly namespace?: string | undefined;
  readonly valuesFiles?: readonly string[] | undefined;
  readonly set?: readonly string[] | undefined;
  readonly kubeVersion?: string | undefined;
  readonly apiVersions?: readonly string[] | undefined;
  readonly includeCRDs?: boolean | undefined;
  /** Subcharts that are missing are taken from the folders their `file://` repositories name. */
  readonly dependencyUpdate?: boolean | undefined;
  readonly compat?: HelmCompat | undefined;
}

/** Renders a folder of this machine to the text that would be applied. Throws HelmError, KustomizeError, RenderError, CliError. */
export async function renderLocal(job: RenderJob): Promise<string> {
  // Folders beside a chart belong to it where they are asked for.
  const source = await openLocalSource(job.path, job.dependencyUpdate === true ? 'filesystem' : 'folder');
  const reads = localReads(source, { kubeVersion: job.kubeVersion ?? 'v1.33.0', apiVersions: [...(job.apiVersions ?? [])] });
  const isChart = async (): Promise<boolean> => (await reads.read(path.posix.join(source.folder, 'Chart.yaml'))) !== undefined;
  if (job.tool === 'helm' || (job.tool === undefined && (await isChart()))) return renderHelm(job, reads, source.folder);
  if (job.tool === 'kustomize' || (job.tool === undefined && (await isKustomization(reads, source.folder)))) return renderKustomize(job);
  const output = await renderSource(
    {
      source: { repoURL: '', ...(job.tool === 'directory' || job.tool === 'jsonnet' ? { directory: {} } : {}) },
      path: source.folder,
      environment: { application: job.release ?? '', namespace: job.namespace ?? '', project: '' },
    },
    reads,
  );
  if (output.problems.length > 0) throw new CliError({ code: 'refused' }, output.problems.map(formatProblem).join('\n'));
  return output.objects.map(({ object, file }) => `---\n# Source: ${file}\n${formatYaml(object)}`).join('');
}

async function isKustomization(reads: SourceReads, folder: string): Promise<boolean> {
  const names = await Promise.all(['kustomization.yaml', 'kustomization.yml', 'Kustomization'].map((name) => reads.read(path.posix.join(folder, name))));
  return names.some((bytes) => bytes !== undefined);
}

// Bases may stand beside the folder: without a repository around it, anywhere on this machine.
async function renderKustomize(job: RenderJob): Promise<string> {
  const source = await openLocalSource(job.path, 'filesystem');
  const reads = localReads(source, { kubeVersion: '', apiVersions: [] });
  const build = await buildKustomization(source.folder, reads, { root: source.root === path.parse(source.root).root ? 'filesystem' : 'repository' });
  return build.text();
}

async function renderHelm(job: RenderJob, reads: SourceReads, folder: string): Promise<string> {
  const files = await readChartFolder(reads, folder);
  const bare = atLoad(() => loadChart(files, job.compat));
  const added = job.dependencyUpdate === true ? await completeSubcharts(bare, files, { folder, reads }) : [];
  const chart = added.length === 0 ? bare : atLoad(() => loadChart([...files, ...added], job.compat));
  const release = renderChart(chart, await valuesOf(job), {
    release: job.release ?? 'release-name',
    namespace: job.namespace ?? 'default',
    ...(job.kubeVersion === undefined ? {} : { kubeVersion: job.kubeVersion }),
    ...(job.apiVersions === undefined ? {} : { apiVersions: job.apiVersions }),
    ...(job.compat === undefined ? {} : { compat: job.compat }),
  });
  return formatRelease(release, { includeCrds: job.includeCRDs === true });
}

function atLoad<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof HelmError || !(error instanceof Error)) throw error;
    throw new HelmError({ code: 'load' }, error.message, { cause: error });
  }
}

async function valuesOf(job: RenderJob): Promise<GoMap> {
  const files: { readonly path: string; readonly text: string }[] = [];
  for (const file of job.valuesFiles ?? []) {
    const text = await readFile(placeOf(file, job.path), 'utf8').catch((cause: unknown) => {
      throw new HelmError({ code: 'values' }, `open ${file}: no such file or directory`, { cause });
    });
    files.push({ path: file, text });
  }
  return mergeUserValues({ files, set: job.set ?? [], ...(job.compat === undefined ? {} : { compat: job.compat }) });
}

// As typed, or beside the chart where it is not there.
function placeOf(file: string, chart: string): string {
  return path.isAbsolute(file) || existsSync(file) ? file : path.join(chart, file);
}
