import { parentPort } from 'node:worker_threads';
import { runCel } from './cel.ts';
import { prepareJq, runJqPaths } from './jq.ts';
import { prepareLua, runLua } from './lua.ts';
import type { ScriptCall, ScriptJob, ScriptResult, WorkerMessage } from './script-call.ts';

const MAX_WASM_BYTES = 256 * 1024 * 1024;
const memory = limitWasmMemory();

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow: (this: WasmMemory, pages: number) => number;
}

// A worker's heap limit does not cover the memory of WebAssembly. Emscripten grows it through this one method, takes an
// exception for "no", and the language inside gives up; its module cannot be used after that.
function limitWasmMemory(): { isRefused: boolean } {
  const state = { isRefused: false };
  // Node has WebAssembly; its types come with the DOM's, which we do not have.
  const { prototype } = (globalThis as unknown as { readonly WebAssembly: { readonly Memory: { readonly prototype: WasmMemory } } }).WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function limitedGrow(this: WasmMemory, pages: number): number {
    if (this.buffer.byteLength + pages * 65_536 > MAX_WASM_BYTES) {
      state.isRefused = true;
      throw new RangeError('memory limit');
    }
    return grow.call(this, pages);
  };
  return state;
}

async function perform(job: ScriptJob): Promise<readonly ScriptResult[]> {
  const [first] = job;
  if (first === undefined) return [];
  if (first.kind === 'jqPaths') return runJqPaths(job.filter((call) => call.kind === 'jqPaths'));
  const results: ScriptResult[] = [];
  for (const call of job) results.push(await performOne(call));
  return results;
}

async function performOne(call: ScriptCall): Promise<ScriptResult> {
  switch (call.kind) {
    case 'lua':
      return runLua(call);
    case 'cel':
      return runCel(call);
    case 'jqPaths':
      return { kind: 'failed', reason: 'error', message: 'jq: is asked in groups' };
  }
}

function say(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

async function serve(jobs: readonly ScriptJob[]): Promise<void> {
  for (const job of jobs) {
    const results = await perform(job);
    if (!memory.isRefused) {
      say({ kind: 'done', results, isSpent: false });
      continue;
    }
    say({ kind: 'done', results: results.map(overMemory), isSpent: true });
    return;
  }
}

function overMemory(result: ScriptResult): ScriptResult {
  return result.kind === 'value' ? result : { kind: 'failed', reason: 'memory', message: `the script needed more than ${MAX_WASM_BYTES / 1024 / 1024} MiB` };
}

parentPort?.on('message', (jobs: readonly ScriptJob[]) => {
  // What fails here is the worker itself; its error event tells the other side.
  void serve(jobs);
});
await Promise.all([prepareLua(), prepareJq()]);
say({ kind: 'ready' });
