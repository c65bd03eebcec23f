import type { JsonnetVariable } from '@tiphys/delivery-applications';
import { normalizePath } from '@tiphys/delivery-git';
import { substituteWith, type Substitute } from '@tiphys/delivery-helm';
import { evaluate, JsonnetError, loadProgram, type ExternalValue } from '@tiphys/delivery-jsonnet';
import type { KubeObject } from '@tiphys/kube-model';
import { objectProblem, openLists, type LocatedObject, type ManifestProblem } from '@tiphys/kube-yaml';
import { RenderError } from './render-error.ts';
import type { RenderOutput, RenderRequest, SourceReads } from './tool.ts';

/** Works out one Jsonnet file of a directory to an object or a list of them (argo-cd reposerver findManifests, makeJsonnetVm). */
export async function renderJsonnetFile(file: string, request: RenderRequest, reads: SourceReads): Promise<RenderOutput> {
  const { tlas = [], extVars = [], libs = [] } = request.source.directory?.jsonnet ?? {};
  const substitute = substitution(request, reads);
  const libraries = await Promise.all(libs.map(async (lib) => libraryFolder(await substitute(lib), request.path)));
  const options = { tlas: await valuesOf(tlas, substitute), extVars: await valuesOf(extVars, substitute) };
  try {
    const program = await loadProgram(file, (path) => reads.read(path), [request.path, ...libraries]);
    return toObjects(evaluate(program, options), file);
  } catch (error) {
    if (!(error instanceof JsonnetError)) throw error;
    const line = error.detail.place?.file === file ? error.detail.place.line : undefined;
    return { objects: [], problems: [{ file, message: `failed to evaluate jsonnet: ${error.message}`, ...(line === undefined ? {} : { line }) }] };
  }
}

function libraryFolder(path: string, place: string): string {
  const folder = normalizePath(path);
  if (folder === undefined) throw new RenderError({ code: 'pathNotFound', path: place }, `directory.jsonnet.libs: ${path} leads out of the repository`);
  return folder;
}

async function valuesOf(variables: readonly JsonnetVariable[], substitute: Substitute): Promise<readonly ExternalValue[]> {
  return Promise.all(variables.map(async ({ name, value, code = false }) => ({ name, value: await substitute(value), isCode: code })));
}

function substitution({ source, path, environment }: RenderRequest, reads: SourceReads): Substitute {
  return substituteWith({
    ...environment,
    path,
    repoUrl: source.repoURL,
    targetRevision: source.targetRevision ?? '',
    revision: () => reads.revision(),
    kubeVersion: async () => (await reads.capabilities()).kubeVersion,
    apiVersions: async () => (await reads.capabilities()).apiVersions,
  });
}

function toObjects(value: unknown, file: string): RenderOutput {
  const objects: LocatedObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const [document, item] of (Array.isArray(value) ? value : [value]).entries()) {
    for (const object of openLists(item)) {
      const problem = objectProblem(object);
      if (problem !== undefined) problems.push({ file, message: problem });
      // objectProblem has just checked what makes a KubeObject.
      else objects.push({ object: object as KubeObject, file, document, line: 1 });
    }
  }
  return { objects, problems };
}
