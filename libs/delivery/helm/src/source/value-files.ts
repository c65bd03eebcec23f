import { HelmError } from '../chart/helm-error.ts';
import { compileGlob } from '../chart/match-glob.ts';
import type { Substitute } from './build-environment.ts';

/** The reads a values file may need: of this source, or of another one by its `ref`. */
export interface ValueReads {
  read(path: string, ref?: string): Promise<Uint8Array | undefined>;
  list(path: string, ref?: string): Promise<readonly { readonly name: string; readonly kind: 'file' | 'directory' | 'symlink' | 'submodule' }[] | undefined>;
}

/** A values file: where it stands and what it holds. */
export interface ValueFile {
  readonly path: string;
  readonly text: string;
}

interface Place {
  readonly path: string;
  readonly ref: string | undefined;
}

const GLOB = /[*?[{]/;
const MAX_MATCHES = 1000;

function fail(message: string): never {
  throw new HelmError({ code: 'values' }, message);
}

/** Resolves and reads value files in order. A file that is also named outright keeps that place only. Throws HelmError of stage `values`. */
export async function readValueFiles(
  names: readonly string[],
  options: { readonly folder: string; readonly ignoreMissing: boolean; readonly reads: ValueReads; readonly substitute: Substitute },
): Promise<readonly ValueFile[]> {
  const places = await Promise.all(names.map(async (name) => resolvePlace(name, options.folder, options.substitute)));
  const explicit = new Set(places.filter(({ path }) => !GLOB.test(path)).map(keyOf));
  const seen = new Set<string>();
  const files: ValueFile[] = [];
  for (const place of places) {
    const isGlob = GLOB.test(place.path);
    const found = isGlob ? (await expand(place, options.reads)).filter((match) => !explicit.has(keyOf(match))) : [place];
    if (isGlob && found.length === 0 && !options.ignoreMissing) fail(`${place.path}: no values file matches`);
    for (const match of found) {
      if (isGlob && seen.has(keyOf(match))) continue;
      seen.add(keyOf(match));
      const bytes = await options.reads.read(match.path, match.ref);
      if (bytes !== undefined) files.push({ path: match.path, text: new TextDecoder().decode(bytes) });
      else if (!options.ignoreMissing) fail(`open ${match.path}: no such file or directory`);
    }
  }
  return files;
}

/** Reads one file that a parameter names. Throws HelmError of stage `values`. */
export async function readParameterFile(name: string, folder: string, reads: ValueReads, substitute: Substitute): Promise<string> {
  const { path, ref } = await resolvePlace(name, folder, substitute);
  const bytes = await reads.read(path, ref);
  return bytes === undefined ? fail(`open ${path}: no such file or directory`) : new TextDecoder().decode(bytes);
}

function keyOf({ path, ref }: Place): string {
  return `${ref ?? ''}\u0000${path}`;
}

// `$ref/…` stands in another source, `/…` at the root of the repository, anything else beside the chart.
async function resolvePlace(name: string, folder: string, substitute: Substitute): Promise<Place> {
  const reference = /^\$([A-Za-z0-9_.-]+)(?:\/(.*))?$/s.exec(name);
  if (reference !== null && reference[1]?.startsWith('ARGOCD_') !== true) {
    return { path: normalize(await substitute(reference[2] ?? ''), name), ref: reference[1] };
  }
  const path = await substitute(name);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    fail(`${path}: values files are not fetched from the network; put the file into the repository or a source with a ref`);
  const joined = path.startsWith('/') ? path.slice(1) : `${folder}/${path}`;
  return { path: normalize(joined, name), ref: undefined };
}

function normalize(path: string, name: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) fail(`${name}: values file leads out of the repository`);
  }
  return parts.join('/');
}

async function expand({ path, ref }: Place, reads: ValueReads): Promise<readonly Place[]> {
  // `**` stands for any number of folders, none included.
  const matches = compileGlob(path.replaceAll('/**/', '/{**/,}').replace(/^\*\*\//, '{**/,}')) ?? ((): boolean => fail(`${path}: malformed pattern`));
  const fixed = path.split('/').slice(0, -1);
  const firstWild = fixed.findIndex((part) => GLOB.test(part));
  const base = (firstWild < 0 ? fixed : fixed.slice(0, firstWild)).join('/');
  const found: string[] = [];
  await walk(base, firstWild >= 0 || path.includes('**'), { reads, ref }, (file) => {
    if (matches(file)) found.push(file);
    if (found.length > MAX_MATCHES) fail(`${path}: more than ${MAX_MATCHES} values files match`);
  });
  return found.sort().map((file) => ({ path: file, ref }));
}

async function walk(
  folder: string,
  isDeep: boolean,
  from: { readonly reads: ValueReads; readonly ref: string | undefined },
  visit: (file: string) => void,
): Promise<void> {
  for (const { name, kind } of (await from.reads.list(folder, from.ref)) ?? []) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (kind === 'directory') {
      if (isDeep && name !== '.git') await walk(path, isDeep, from, visit);
    } else if (kind !== 'submodule') visit(path);
  }
}
