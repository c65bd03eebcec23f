import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import { toPlain } from './plain.ts';
import type { ScriptCall, ScriptResult } from './script-call.ts';

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: { maxAstNodes: 10_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 },
});
const MAX_PARSED = 500;
const parsed = new Map<string, ParseResult>();

/** Evaluates a CEL expression. */
export function runCel({ expression, variables }: Extract<ScriptCall, { kind: 'cel' }>): ScriptResult {
  try {
    // The library's answer is any; toPlain takes it as unknown.
    const value: unknown = programOf(expression)(variables);
    return { kind: 'value', value: toPlain(value) };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { kind: 'failed', reason: 'error', message: `cel: ${message}` };
  }
}

function programOf(expression: string): ParseResult {
  const known = parsed.get(expression);
  if (known !== undefined) return known;
  const program = environment.parse(expression);
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(expression, program);
  return program;
}
