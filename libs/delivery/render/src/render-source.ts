import { directoryTool } from './directory-tool.ts';
import { helmTool } from './helm-tool.ts';
import { kustomizeTool } from './kustomize-tool.ts';
import { RenderError } from './render-error.ts';
import { withOverrides } from './source-overrides.ts';
import type { RenderOutput, RenderRequest, RenderTool, SourceReads } from './tool.ts';

const TOOLS: readonly RenderTool[] = [helmTool, kustomizeTool, directoryTool];

/** Finds the tool of a source and renders it. Throws RenderError. */
export async function renderSource(request: RenderRequest, reads: SourceReads): Promise<RenderOutput & { readonly tool: RenderTool['name'] }> {
  if (request.source.chart === undefined && (await reads.list(request.path)) === undefined) {
    throw new RenderError({ code: 'pathNotFound', path: request.path }, `${request.path}: app path does not exist`, {
      hint: 'check spec.source.path and spec.source.targetRevision',
    });
  }
  const completed = await withOverrides(request, reads);
  refuseTwoTools(completed);
  if (completed.source.plugin !== undefined) {
    throw new RenderError({ code: 'toolUnavailable', path: request.path }, `${request.path === '' ? '.' : request.path}: no plugin renders this source`, {
      hint: 'plugins are off unless an operator lists their ConfigManagementPlugin files with --plugins',
    });
  }
  for (const tool of TOOLS) {
    if (await tool.detect(completed, reads)) return { ...(await tool.render(completed, reads)), tool: tool.name };
  }
  throw new RenderError({ code: 'toolUnavailable', path: request.path }, `${request.path}: no tool renders this source`);
}

// types.go ApplicationSource.ExplicitType.
function refuseTwoTools({ source, path }: RenderRequest): void {
  const named = [
    ['Helm', source.helm],
    ['Kustomize', source.kustomize],
    ['Directory', source.directory],
    ['Plugin', source.plugin],
  ].flatMap(([name, block]) => (block === undefined ? [] : [String(name)]));
  if (named.length > 1)
    throw new RenderError({ code: 'toolFailed', path }, `${path === '' ? '.' : path}: multiple application sources defined: ${named.join(',')}`, {
      hint: 'keep the block of one tool in spec.source',
    });
}
