import picomatch from 'picomatch';
import { LIMITS } from '@tiphys/kernel';
import { parseManifests, type LocatedObject, type ManifestProblem } from '@tiphys/kube-yaml';
import { renderJsonnetFile } from './jsonnet-file.ts';
import { RenderError } from './render-error.ts';
import type { RenderOutput, RenderRequest, RenderTool, SourceReads } from './tool.ts';

const EXTENSION = /\.(ya?ml|json|jsonnet)$/;
// git-lfs docs/spec.md: the first line of the file that stands in Git for the real one.
const LFS_POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\r?\n/;
const SKIP_MARKER = '+argocd:skip-file-rendering';

/** Plain manifests and Jsonnet programs in a folder (argo-cd reposerver findManifests). */
export const directoryTool: RenderTool = {
  name: 'Directory',
  detect: () => Promise.resolve(true),
  render: renderDirectory,
};

async function renderDirectory(request: RenderRequest, reads: SourceReads): Promise<RenderOutput> {
  const { directory = {} } = request.source;
  const isWanted = fileFilter(directory.include ?? '', directory.exclude ?? '');
  const objects: LocatedObject[] = [];
  const problems: ManifestProblem[] = [];
  let bytesRead = 0;
  for await (const file of walk(request.path, directory.recurse === true, reads)) {
    const relative = request.path === '' ? file : file.slice(request.path.length + 1);
    if (!EXTENSION.test(file) || !isWanted(relative)) continue;
    const bytes = await reads.read(file);
    if (bytes === undefined) continue;
    bytesRead += bytes.byteLength;
    if (bytesRead > LIMITS.renderOutputBytes) {
      throw new RenderError(
        { code: 'tooLarge', path: request.path },
        `${request.path === '' ? '.' : request.path}: manifests exceed the limit of ${LIMITS.renderOutputBytes} bytes at ${file}`,
      );
    }
    const parsed = file.endsWith('.jsonnet') ? await renderJsonnetFile(file, request, reads) : readFile(file, bytes);
    objects.push(...parsed.objects);
    problems.push(...parsed.problems);
    if (objects.length > LIMITS.renderObjects)
      throw new RenderError({ code: 'tooLarge', path: request.path }, `${request.path}: more than ${LIMITS.renderObjects} objects`);
  }
  return { objects, problems };
}

function readFile(file: string, bytes: Uint8Array): RenderOutput {
  const text = new TextDecoder().decode(bytes);
  if (text.includes(SKIP_MARKER)) return { objects: [], problems: [] };
  // Passed over, its objects would seem to have left Git, and be pruned.
  if (LFS_POINTER.test(text))
    return {
      objects: [],
      problems: [{ file, line: 1, message: 'is a pointer of Git LFS, not the file itself: set enableLfs in the secret of its repository' }],
    };
  const parsed = parseManifests(text, { source: file });
  // A file that holds no object and does not even look like a manifest (values, configuration) is not ours to judge.
  const looksLikeManifest = /["']?apiVersion["']?\s*:/.test(text) && /["']?kind["']?\s*:/.test(text);
  return parsed.objects.length === 0 && parsed.problems.length > 0 && !looksLikeManifest && bytes.byteLength <= LIMITS.manifestFileBytes
    ? { objects: [], problems: [] }
    : parsed;
}

async function* walk(folder: string, recurse: boolean, reads: SourceReads): AsyncGenerator<string> {
  const entries = (await reads.list(folder)) ?? [];
  for (const { name, kind } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (kind === 'directory') {
      if (recurse && name !== '.git') yield* walk(path, recurse, reads);
    } else if (kind !== 'submodule') yield path;
  }
}

// Patterns are those of gobwas/glob without separators: `*` crosses folders, `{a,b}` is a choice. Exclusion is asked first.
function fileFilter(include: string, exclude: string): (relative: string) => boolean {
  const included = include === '' ? undefined : matcher(include);
  const excluded = exclude === '' ? undefined : matcher(exclude);
  return (relative) => !(excluded?.(relative) ?? false) && (included?.(relative) ?? true);
}

function matcher(pattern: string): (path: string) => boolean {
  const isMatch = picomatch(pattern.replaceAll('/', '\u0001'), { dot: true, nonegate: true, noextglob: true });
  return (path) => isMatch(path.replaceAll('/', '\u0001'));
}
