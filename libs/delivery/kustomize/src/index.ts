export { buildKustomization, KUSTOMIZE_VERSION, type BuildOptions, type BuiltObject, type KustomizeBuild } from './build.ts';
export { KustomizeError, type KustomizeErrorCode, type KustomizeErrorDetail } from './kustomize-error.ts';
export { defaultKustomizeLimits, type KustomizeLimits } from './limits.ts';
export type { KustomizeReads, RemoteBase } from './load/loader.ts';
export type { Capabilities } from './target/context.ts';
export {
  detectKustomizeSource,
  renderKustomizeSource,
  type KustomizeSourceOptions,
  type KustomizeSourceOutput,
  type KustomizeSourceReads,
  type KustomizeSourceRequest,
} from './source/render-source.ts';
