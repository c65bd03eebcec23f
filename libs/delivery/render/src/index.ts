export { RenderError, type RenderErrorDetail } from './render-error.ts';
export { renderSource } from './render-source.ts';
export { createRenderer, type RenderCounters, type Renderer, type RendererOptions, type RenderResult } from './renderer.ts';
export type {
  BuildEnvironment,
  ClusterCapabilities,
  LookupQuery,
  RenderOutput,
  RenderRequest,
  RenderTool,
  SourceEntry,
  SourceReads,
  WantedChart,
} from './tool.ts';
export type { RenderWorld } from './world.ts';
