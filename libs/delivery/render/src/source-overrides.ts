import type { ApplicationSource } from '@tiphys/delivery-applications';
import { LIMITS } from '@tiphys/kernel';
import { applyMergePatch } from '@tiphys/kube-patch';
import { isJsonObject, type JsonObject } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import { RenderError } from './render-error.ts';
import type { RenderRequest, SourceReads } from './tool.ts';

/**
 * The request with what `.argocd-source.yaml` and `.argocd-source-<application>.yaml` of its folder say about the tool
 * (argo-cd docs/user-guide/parameters.md, "Store Overrides In Git"). Where manifests come from cannot be overridden. Throws RenderError.
 */
export async function withOverrides(request: RenderRequest, reads: SourceReads): Promise<RenderRequest> {
  if (request.source.chart !== undefined || request.isOneOfMany === true) return request;
  const entries = (await reads.list(request.path)) ?? [];
  const names = new Set(entries.filter(({ kind }) => kind !== 'directory').map(({ name }) => name));
  const files = ['.argocd-source.yaml', `.argocd-source-${request.environment.application}.yaml`].filter((name) => names.has(name));
  let { source } = request;
  for (const name of files) source = await patched(source, request.path === '' ? name : `${request.path}/${name}`, reads);
  return files.length === 0 ? request : { ...request, source };
}

async function patched(source: ApplicationSource, file: string, reads: SourceReads): Promise<ApplicationSource> {
  const patch = parsePatch(new TextDecoder().decode(await reads.read(file)), file);
  const { helm, kustomize, directory, plugin } = source;
  const tool = Object.fromEntries(Object.entries({ helm, kustomize, directory, plugin }).filter(([, block]) => block !== undefined));
  const { repoURL: _url, path: _path, targetRevision: _revision, chart: _chart, ref: _ref, name: _name, ...allowed } = patch;
  // Both sides are JSON maps; what the tools read of the result they check themselves.
  return { ...source, ...(applyMergePatch(tool, allowed) as Partial<ApplicationSource>) };
}

function parsePatch(text: string, file: string): JsonObject {
  if (text.length > LIMITS.requestBodyBytes) throw failure(file, `exceeds ${LIMITS.requestBodyBytes} characters`);
  const { values, problems } = parseDocuments(text, { source: file });
  const [problem] = problems;
  if (problem !== undefined) throw failure(file, problem.message);
  const value = values[0]?.value ?? {};
  if (!isJsonObject(value)) throw failure(file, 'is not a map');
  return value;
}

function failure(file: string, message: string): RenderError {
  return new RenderError({ code: 'toolFailed', path: file }, `${file}: ${message}`, { hint: 'the file holds fields of spec.source, such as kustomize.images' });
}
