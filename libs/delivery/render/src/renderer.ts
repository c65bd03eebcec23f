import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { messageOf, withTimeout, type Logger } from '@tiphys/kernel';
import { normalizePath, SourceError } from '@tiphys/delivery-git';
import type { LocatedObject, ManifestProblem } from '@tiphys/kube-yaml';
import { serveReads } from './port-reads.ts';
import { RenderCache } from './render-cache.ts';
import type { ChosenPlugin, PluginHost } from './plugin-host.ts';
import { RenderError } from './render-error.ts';
import type { RenderAnswer } from './render-worker.ts';
import type { BuildEnvironment, RenderRequest, RenderTool } from './tool.ts';
import { tracedReads, type TraceEntry } from './trace.ts';
import type { RenderWorld } from './world.ts';

/** How a renderer is made. */
export interface RendererOptions {
  readonly logger: Logger;
  readonly maxWorkers?: number;
  readonly timeoutMs?: number;
  readonly maxHeapMb?: number;
  /** The worker's file, where it is not beside this module (a bundled command). */
  readonly workerFile?: URL;
  /** Runs plugins an operator listed; without it there are none. */
  readonly plugins?: PluginHost;
  /** Kustomizations may inflate charts. */
  readonly kustomizeEnableHelm?: boolean;
}

/** Manifests of one source at one commit. Complete only without problems: an incomplete render never prunes. */
export interface RenderResult {
  readonly tool: RenderTool['name'];
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
  /** What was used that gives another result in every run. */
  readonly nonDeterministic: readonly string[];
}

/** How often manifests were made, and how often they were already there. */
export interface RenderCounters {
  readonly renders: number;
  readonly hits: number;
}

/** How one source is rendered. */
export interface RenderCallOptions {
  readonly signal: AbortSignal;
  readonly noCache?: boolean;
  /** The application has several sources. */
  readonly isOneOfMany?: boolean;
}

/** Renders sources in workers, and remembers by what was read. */
export interface Renderer {
  /** Throws RenderError, or the SourceError of a repository that failed meanwhile. */
  render(source: RenderRequest['source'], environment: BuildEnvironment, world: RenderWorld, options: RenderCallOptions): Promise<RenderResult>;
  readonly counters: RenderCounters;
  close(): Promise<void>;
}

const CACHED_OBJECTS_AND_READS = 200_000;
const IDLE_MS = 120_000;

/** Makes a renderer; workers are started when first needed and end when idle. */
export function createRenderer(options: RendererOptions): Renderer {
  const cache = new RenderCache<RenderResult>(CACHED_OBJECTS_AND_READS);
  const counters = { renders: 0, hits: 0 };
  let pool: Piscina | undefined;
  const timeoutMs = options.timeoutMs ?? 60_000;

  async function run(
    request: RenderRequest,
    world: RenderWorld,
    { signal, plugin }: { readonly signal: AbortSignal; readonly plugin: ChosenPlugin | undefined },
  ): Promise<{ readonly answer: RenderAnswer; readonly trace: readonly TraceEntry[] }> {
    pool ??= startPool(options);
    const trace = new Map<string, TraceEntry>();
    const { port1, port2 } = new MessageChannel();
    let readFailure: Error | undefined;
    const reads = tracedReads(world, trace);
    serveReads(port1, reads, (error) => (readFailure ??= error instanceof Error ? error : new Error(String(error))));
    try {
      const worker = pool;
      const printed = await plugin?.render(reads, signal);
      // Structured cloning gives back what the worker's one function returned.
      const answer = (await withTimeout('render', timeoutMs, signal, (inner) =>
        worker.run({ request, port: port2, ...(printed === undefined ? {} : { printed }) }, { name: 'render', transferList: [port2], signal: inner }),
      )) as RenderAnswer;
      if (readFailure !== undefined) throw readFailure;
      return { answer, trace: [...trace.values()] };
    } finally {
      port1.close();
    }
  }

  async function render(
    request: RenderRequest,
    world: RenderWorld,
    { signal, plugin }: { readonly signal: AbortSignal; readonly plugin: ChosenPlugin | undefined },
  ): Promise<RenderResult> {
    const { answer, trace } = await run(request, world, { signal, plugin }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw toRenderError(error, request.path, timeoutMs);
    });
    counters.renders += 1;
    if (answer.kind === 'failed') throw new RenderError(answer.detail, answer.message, answer.hint === undefined ? {} : { hint: answer.hint });
    const result: RenderResult = { tool: answer.tool, objects: answer.objects, problems: answer.problems, nonDeterministic: answer.nonDeterministic ?? [] };
    cache.add(request, trace, result, answer.objects.length);
    return result;
  }

  return {
    counters,
    async render(source, environment, world, { signal, noCache = false, isOneOfMany = false }) {
      const path = normalizePath(source.path ?? '');
      if (path === undefined)
        throw new RenderError({ code: 'pathNotFound', path: source.path ?? '' }, `${source.path ?? ''}: path leads out of the repository`);
      const request: RenderRequest = {
        source,
        path,
        environment,
        ...(isOneOfMany ? { isOneOfMany } : {}),
        ...(options.kustomizeEnableHelm === true ? { kustomizeEnableHelm: true } : {}),
      };
      if (noCache) cache.forget(request);
      const plugin = await options.plugins?.find(request, world, signal);
      const known = await cache.find(request, world);
      if (known === undefined) return render(request, world, { signal, plugin });
      counters.hits += 1;
      return known;
    },
    async close() {
      await pool?.destroy();
    },
  };
}

function startPool(options: RendererOptions): Piscina {
  return new Piscina({
    filename: (options.workerFile ?? workerFile()).href,
    minThreads: 0,
    maxThreads: options.maxWorkers ?? 2,
    idleTimeout: IDLE_MS,
    maxQueue: 10_000,
    // The worker sees neither our environment nor our flags.
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb ?? 512, maxYoungGenerationSizeMb: 64, stackSizeMb: 8 },
  });
}

// Under the test runner this module is TypeScript, which a worker of Node 20 cannot load: the built file is the same code.
function workerFile(): URL {
  return import.meta.url.endsWith('.ts') ? new URL('../dist/render-worker.js', import.meta.url) : new URL('./render-worker.js', import.meta.url);
}

function toRenderError(error: unknown, path: string, timeoutMs: number): unknown {
  if (error instanceof SourceError || error instanceof RenderError) return error;
  const name = path === '' ? '.' : path;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new RenderError({ code: 'timeout', path }, `${name}: rendering took longer than ${timeoutMs} ms`, { cause: error });
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new RenderError({ code: 'outOfMemory', path }, `${name}: rendering needed more memory than it may have`, { cause: error });
  return new RenderError({ code: 'toolFailed', path }, `${name}: rendering failed: ${messageOf(error)}`, { cause: error });
}
