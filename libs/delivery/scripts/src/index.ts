export { SCRIPT_LIMITS, type ScriptCall, type ScriptFailure, type ScriptResult } from './script-call.ts';
export { createScriptEngine, ScriptEngineError, type ScriptEngine, type ScriptEngineOptions } from './script-engine.ts';
