import { directoryTool } from './directory-tool.ts';
import { helmTool } from './helm-tool.ts';
import { kustomizeTool } from './kustomize-tool.ts';
import { RenderError } from './render-error.ts';
import type { RenderOutput, RenderRequest, RenderTool, SourceReads } from './tool.ts';

const TOOLS: readonly RenderTool[] = [helmTool, kustomizeTool, directoryTool];

/** Finds the tool of a source and renders it. Throws RenderError. */
export async function renderSource(request: RenderRequest, reads: SourceReads): Promise<RenderOutput & { readonly tool: RenderTool['name'] }> {
  if (request.source.plugin !== undefined)
    throw new RenderError({ code: 'toolUnavailable', path: request.path }, `${request.path}: plugins are not available yet`);
  if (request.source.chart === undefined && (await reads.list(request.path)) === undefined) {
    throw new RenderError({ code: 'pathNotFound', path: request.path }, `${request.path}: app path does not exist`, {
      hint: 'check spec.source.path and spec.source.targetRevision',
    });
  }
  for (const tool of TOOLS) {
    if (await tool.detect(request, reads)) return { ...(await tool.render(request, reads)), tool: tool.name };
  }
  throw new RenderError({ code: 'toolUnavailable', path: request.path }, `${request.path}: no tool renders this source`);
}
