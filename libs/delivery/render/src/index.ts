export { RenderError, type RenderErrorDetail } from './render-error.ts';
export { createRenderer, type RenderCounters, type Renderer, type RendererOptions, type RenderResult } from './renderer.ts';
export type { BuildEnvironment, RenderOutput, RenderRequest, RenderTool, SourceEntry, SourceReads } from './tool.ts';
