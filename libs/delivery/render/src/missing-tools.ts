import { RenderError } from './render-error.ts';
import type { RenderRequest, RenderTool, SourceReads } from './tool.ts';

/** Stands where Kustomize will. */
export const kustomizePlaceholder: RenderTool = {
  name: 'Kustomize',
  detect: (request, reads) => claims(request.source.kustomize !== undefined, request, reads, ['kustomization.yaml', 'kustomization.yml', 'Kustomization']),
  render: (request) => unavailable('Kustomize', request),
};

async function claims(isExplicit: boolean, { source, path }: RenderRequest, reads: SourceReads, names: readonly string[]): Promise<boolean> {
  if (isExplicit) return true;
  // An explicit block of another tool wins over what lies in the folder.
  if (source.directory !== undefined || source.plugin !== undefined) return false;
  const entries = (await reads.list(path)) ?? [];
  return entries.some((entry) => entry.kind !== 'directory' && names.includes(entry.name));
}

function unavailable(tool: string, { path }: RenderRequest): Promise<never> {
  return Promise.reject(
    new RenderError({ code: 'toolUnavailable', path }, `${path === '' ? '.' : path}: ${tool} rendering is not available yet`, {
      hint: 'render the manifests into a plain directory and point spec.source.path there',
    }),
  );
}
