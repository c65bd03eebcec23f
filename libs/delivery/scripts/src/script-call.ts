/** One evaluation. Everything in it is plain JSON data. */
export type ScriptCall =
  | {
      readonly kind: 'lua';
      /** A chunk; what it returns first is the value. */
      readonly script: string;
      /** Names that the chunk sees. */
      readonly globals: Readonly<Record<string, unknown>>;
      /** Adds string, math, utf8 and coroutine (never io, debug, package, load; of os only time and date). */
      readonly useOpenLibs?: boolean;
    }
  | {
      /** Where a jq path expression points in an input: the value is a list of paths, each a list of keys and indexes. */
      readonly kind: 'jqPaths';
      readonly expression: string;
      readonly input: unknown;
    }
  | {
      readonly kind: 'cel';
      readonly expression: string;
      readonly variables: Readonly<Record<string, unknown>>;
    };

/** How an evaluation ended. A failure's message is the language's own and may quote the input. */
export type ScriptResult =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly reason: ScriptFailure; readonly message: string };

/** Why an evaluation has no value: `error` is the script's own fault, the others are our limits. */
export type ScriptFailure = 'error' | 'timeout' | 'memory' | 'busy';

/** Calls that a worker makes in one go: several only where they share a jq expression. */
export type ScriptJob = readonly ScriptCall[];

/** What a worker says: once that it is ready, then each job's results, in order. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly results: readonly ScriptResult[];
      /** The engine inside ran out of memory and is not to be used again. */
      readonly isSpent: boolean;
    };

/** Limits of one evaluation in Lua, as Argo CD has them (util/lua/lua.go), and of the values that come back. */
export const SCRIPT_LIMITS: { readonly timeoutMs: number; readonly luaMemoryBytes: number; readonly valueDepth: number; readonly valueNodes: number } = {
  timeoutMs: 1_000,
  luaMemoryBytes: 16 * 1024 * 1024,
  valueDepth: 64,
  valueNodes: 200_000,
};
