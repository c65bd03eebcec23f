export type { ChosenPlugin, PluginHost } from './plugin-host.ts';
export { RenderError, type RenderErrorDetail } from './render-error.ts';
export { renderSource } from './render-source.ts';
export { createRenderer, type RenderCallOptions, type RenderCounters, type Renderer, type RendererOptions, type RenderResult } from './renderer.ts';
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
  WantedRepository,
} from './tool.ts';
export type { RenderWorld } from './world.ts';
