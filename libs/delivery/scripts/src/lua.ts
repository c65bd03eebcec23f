import wasmoon from 'wasmoon';
import { toPlain, withoutNulls } from './plain.ts';
import { SCRIPT_LIMITS, type ScriptCall, type ScriptResult } from './script-call.ts';

// The package is CommonJS: its names are on the default import.
const { LuaFactory, LuaLibraries } = wasmoon;
const factory = new LuaFactory();

// What Lua 5.1 had and scripts for Argo CD use; and what reads files, compiles text or prints, taken away.
const PRELUDE = `
unpack = table.unpack
table.getn = function(list) return #list end
os = { time = os.time, date = os.date }
load, loadfile, dofile, collectgarbage, print, warn, require, package, debug, io = nil
if string then string.dump = nil end
`;

/** Loads Lua. */
export async function prepareLua(): Promise<void> {
  await factory.getLuaModule();
}

/** Runs a chunk in a state of its own, with a limit of memory; its time is watched here and, for what no hook sees, from outside. */
export async function runLua(call: Extract<ScriptCall, { kind: 'lua' }>): Promise<ScriptResult> {
  const engine = await factory.createEngine({ openStandardLibs: false, injectObjects: false, enableProxy: false, traceAllocations: true });
  try {
    const { global: state } = engine;
    const libraries = [LuaLibraries.Base, LuaLibraries.Table, LuaLibraries.OS];
    const more = call.useOpenLibs === true ? [LuaLibraries.String, LuaLibraries.Math, LuaLibraries.UTF8, LuaLibraries.Coroutine] : [];
    for (const library of [...libraries, ...more]) state.loadLibrary(library);
    engine.doStringSync(PRELUDE);
    for (const [name, value] of Object.entries(call.globals)) state.set(name, withoutNulls(value));
    state.setMemoryMax(state.getMemoryUsed() + SCRIPT_LIMITS.luaMemoryBytes);
    state.setTimeout(Date.now() + SCRIPT_LIMITS.timeoutMs);
    state.loadString(call.script, '=script');
    return { kind: 'value', value: toPlain(state.runSync()[0]) };
  } catch (error) {
    return luaFailure(error);
  } finally {
    engine.global.close();
  }
}

function luaFailure(error: unknown): ScriptResult {
  const message = error instanceof Error ? error.message : String(error);
  if (message === 'thread timeout exceeded')
    return { kind: 'failed', reason: 'timeout', message: `lua: the script took longer than ${SCRIPT_LIMITS.timeoutMs} ms` };
  if (message === 'not enough memory')
    return { kind: 'failed', reason: 'memory', message: `lua: the script needed more than ${SCRIPT_LIMITS.luaMemoryBytes / 1024 / 1024} MiB` };
  return { kind: 'failed', reason: 'error', message: `lua: ${message}` };
}
