import { normalizeName } from '@tiphys/delivery-helm';
import type { Snapshot } from '@tiphys/delivery-git';
import { LIMITS } from '@tiphys/kernel';
import { isJsonObject, type JsonObject } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import picomatch from 'picomatch';
import type { GitGenerator, Parameters, PathPattern } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import { flatten } from '../render-text.ts';
import { isGo, MAX_PARAMETERS, type GeneratorContext } from './context.ts';
import { withValues } from './values.ts';

const MAX_ENTRIES = 200_000;

/** Parameters from folders or files of a repository (applicationset/generators/git.go). Throws SourceError, GenerateError. */
export async function gitParameters(generator: GitGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  const { repoURL, revision = '', directories = [], files = [], values } = generator;
  const snapshot = await context.world.snapshot(repoURL, revision, context.signal);
  const found =
    directories.length > 0 ? await directoryParameters(snapshot, directories, generator, context) : await fileParameters(snapshot, files, generator, context);
  if (found.length > MAX_PARAMETERS)
    throw new GenerateError({ code: 'tooMany' }, `git generator: ${repoURL} gives more than ${MAX_PARAMETERS} sets of parameters`);
  return found.map((parameters) => withValues(parameters, values, context));
}

async function directoryParameters(
  snapshot: Snapshot,
  patterns: readonly PathPattern[],
  { pathParamPrefix = '' }: GitGenerator,
  context: GeneratorContext,
): Promise<readonly Parameters[]> {
  // Go's path.Match: a star stays within its folder.
  const isWanted = wanted(patterns, (pattern) => picomatch(pattern, { dot: true, nobrace: true, noextglob: true, noglobstar: true }));
  const folders = await walk(snapshot, context.signal);
  return folders.directories.filter((path) => isWanted(path)).map((path) => pathParameters(path, { prefix: pathParamPrefix, isGo: isGo(context) }));
}

async function fileParameters(
  snapshot: Snapshot,
  patterns: readonly PathPattern[],
  { pathParamPrefix: prefix = '' }: GitGenerator,
  context: GeneratorContext,
): Promise<readonly Parameters[]> {
  const isWanted = wanted(patterns, pathspec);
  const paths = (await walk(snapshot, context.signal)).files.filter((path) => isWanted(path));
  const all: Parameters[] = [];
  for (const path of paths) {
    context.signal.throwIfAborted();
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
    const filename = path.slice(path.lastIndexOf('/') + 1);
    for (const item of readItems(path, new TextDecoder().decode(await snapshot.read(path, { maxBytes: LIMITS.manifestFileBytes })))) {
      const own = isGo(context) ? (item as Parameters) : flatten(item as Parameters);
      all.push({ ...own, ...pathParameters(folder, { prefix, isGo: isGo(context), filename }) });
    }
  }
  return all;
}

function wanted(patterns: readonly PathPattern[], matcher: (pattern: string) => (path: string) => boolean): (path: string) => boolean {
  const rules = patterns.map(({ path, exclude = false }) => ({ matches: matcher(path.replace(/^\.?\//, '').replace(/\/$/, '')), exclude }));
  return (path) => rules.some(({ matches, exclude }) => !exclude && matches(path)) && !rules.some(({ matches, exclude }) => exclude && matches(path));
}

// git's pathspecs: a star crosses folders, and a folder stands for what is in it.
function pathspec(pattern: string): (path: string) => boolean {
  const source = [...pattern].map((char) => (char === '*' ? '.*' : char === '?' ? '.' : char.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&'))).join('');
  const expression = new RegExp(`^${source.replaceAll(/(?:\.\*)+/g, '.*')}(?:/.*)?$`, 's');
  return (path) => expression.test(path);
}

async function walk(snapshot: Snapshot, signal: AbortSignal): Promise<{ readonly directories: readonly string[]; readonly files: readonly string[] }> {
  const directories: string[] = [];
  const files: string[] = [];
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    signal.throwIfAborted();
    for (const { name, kind } of await snapshot.list(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (kind === 'file') files.push(path);
      if (kind !== 'directory' || name.startsWith('.')) continue;
      directories.push(path);
      waiting.push(path);
    }
    if (directories.length + files.length > MAX_ENTRIES)
      throw new GenerateError({ code: 'tooMany' }, `git generator: ${snapshot.repoURL} has more than ${MAX_ENTRIES} files`);
  }
  return { directories: directories.toSorted(), files: files.toSorted() };
}

function pathParameters(
  path: string,
  { prefix, isGo: asGo, filename }: { readonly prefix: string; readonly isGo: boolean; readonly filename?: string },
): Parameters {
  const segments = path.split('/');
  const basename = segments.at(-1) ?? '';
  const names = {
    basename,
    basenameNormalized: normalizeName(basename),
    ...(filename === undefined ? {} : { filename, filenameNormalized: normalizeName(filename) }),
  };
  if (asGo) {
    const own = { path: { path, ...names, segments } };
    return prefix === '' ? own : { [prefix]: own };
  }
  const key = prefix === '' ? 'path' : `${prefix}.path`;
  return {
    [key]: path,
    ...Object.fromEntries(Object.entries(names).map(([name, value]) => [`${key}.${name}`, value])),
    ...Object.fromEntries(segments.map((segment, index) => [`${key}[${index}]`, segment])),
  };
}

// A file holds one set of parameters, or a list of them.
function readItems(path: string, text: string): readonly JsonObject[] {
  const { values, problems } = parseDocuments(text, { source: path });
  const [problem] = problems;
  if (problem !== undefined)
    throw new GenerateError({ code: 'invalid' }, `git generator: ${path}${problem.line === undefined ? '' : `:${problem.line}`}: ${problem.message}`);
  const value = values[0]?.value ?? {};
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!items.every((item): item is JsonObject => isJsonObject(item)))
    throw new GenerateError({ code: 'invalid' }, `git generator: ${path}: is not a map, nor a list of maps`);
  return items;
}
