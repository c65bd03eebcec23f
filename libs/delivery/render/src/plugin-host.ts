import type { RenderRequest, SourceReads } from './tool.ts';
import type { RenderWorld } from './world.ts';

/** Programs of an operator's that render sources (Argo CD's config management plugins). */
export interface PluginHost {
  /** The plugin of a source: the one it names, or the first that discovers its folder. Throws RenderError where the one it names is not listed. */
  find(request: RenderRequest, world: RenderWorld, signal: AbortSignal): Promise<ChosenPlugin | undefined>;
}

/** A plugin that renders one source. */
export interface ChosenPlugin {
  readonly name: string;
  /** Runs it: what it printed. It sees the whole repository and the revision, so it is run again for every commit. Throws RenderError. */
  render(reads: Pick<SourceReads, 'capabilities' | 'revision'>, signal: AbortSignal): Promise<string>;
}
