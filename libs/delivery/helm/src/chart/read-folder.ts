import { HelmError } from './helm-error.ts';
import type { ChartFile } from './chart.ts';
import { readIgnoreRules, type IgnoreRules } from './ignore-rules.ts';
import { CHART_LIMITS, withoutBom } from './read-archive.ts';

/** The reads a chart is made of. Structurally the reads of a render tool; what leads out of the repository is not there. */
export interface ChartReads {
  /** The bytes of a file, symbolic links followed; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder; undefined when there is none. */
  list(path: string): Promise<readonly { readonly name: string; readonly kind: 'file' | 'directory' | 'symlink' | 'submodule' }[] | undefined>;
}

const MAX_DEPTH = 64;

/** Reads the files of a chart folder, in Helm's order and without what .helmignore leaves out. Throws HelmError of stage `load`. */
export async function readChartFolder(reads: ChartReads, folder: string): Promise<readonly ChartFile[]> {
  const walk = new FolderWalk(reads, folder, await readRules(reads, folder));
  await walk.folder('', 0);
  return walk.files;
}

async function readRules(reads: ChartReads, folder: string): Promise<IgnoreRules> {
  const bytes = await reads.read(join(folder, '.helmignore'));
  try {
    return readIgnoreRules(bytes === undefined ? undefined : new TextDecoder().decode(bytes));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new HelmError({ code: 'load' }, error.message, { cause: error });
  }
}

function join(folder: string, name: string): string {
  if (folder === '' || name === '') return folder + name;
  return `${folder}/${name}`;
}

function fail(message: string): never {
  throw new HelmError({ code: 'load' }, message);
}

class FolderWalk {
  readonly files: ChartFile[] = [];
  readonly #reads: ChartReads;
  readonly #root: string;
  readonly #ignores: IgnoreRules;
  #bytes = 0;

  constructor(reads: ChartReads, root: string, ignores: IgnoreRules) {
    this.#reads = reads;
    this.#root = root;
    this.#ignores = ignores;
  }

  async folder(path: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) fail(`${this.#root}: chart folders are nested deeper than ${MAX_DEPTH}; look for a symbolic link to a parent`);
    const entries = (await this.#reads.list(join(this.#root, path))) ?? [];
    for (const { name, kind } of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = join(path, name);
      if (kind === 'submodule') continue;
      const isFolder = kind === 'directory' || (kind === 'symlink' && (await this.#reads.list(join(this.#root, inner))) !== undefined);
      if (this.#ignores(inner, isFolder)) continue;
      if (isFolder) await this.folder(inner, depth + 1);
      else await this.#file(inner);
    }
  }

  async #file(path: string): Promise<void> {
    const data = await this.#reads.read(join(this.#root, path));
    if (data === undefined) fail(`${join(this.#root, path)}: cannot be read; a symbolic link may lead out of the repository`);
    if (data.length > CHART_LIMITS.fileBytes) fail(`chart file "${path}" is larger than the maximum file size ${CHART_LIMITS.fileBytes}`);
    this.#bytes += data.length;
    if (this.#bytes > CHART_LIMITS.chartBytes || this.files.length >= CHART_LIMITS.files)
      fail(`${this.#root}: chart is larger than the maximum size ${CHART_LIMITS.chartBytes}`);
    this.files.push({ name: path, data: withoutBom(data) });
  }
}
