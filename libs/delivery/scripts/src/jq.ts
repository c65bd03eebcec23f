import { raw } from 'jq-wasm';
import type { ScriptCall, ScriptResult } from './script-call.ts';

type JqCall = Extract<ScriptCall, { kind: 'jqPaths' }>;

/** Loads jq. */
export async function prepareJq(): Promise<void> {
  await raw('null', '.', ['-c']);
}

/** Asks where one expression points in each of some inputs: jq compiles it once. */
export async function runJqPaths(calls: readonly JqCall[]): Promise<readonly ScriptResult[]> {
  const [first] = calls;
  if (first === undefined) return [];
  // The line break ends a comment that the expression may end with.
  const program = `try [path(${first.expression}\n)] catch {error: (if type == "string" then . else tojson end)}`;
  try {
    const text = await raw(calls.map(({ input }) => JSON.stringify(input)).join('\n'), program, ['-c']);
    const lines = text.split('\n').filter((line) => line !== '');
    if (lines.length !== calls.length) return calls.map(() => failed('the expression has more than one program in it'));
    return lines.map((line) => toResult(JSON.parse(line)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return calls.map(() => failed(firstLine(message)));
  }
}

function toResult(answer: unknown): ScriptResult {
  if (Array.isArray(answer)) return { kind: 'value', value: answer };
  const isFailure = typeof answer === 'object' && answer !== null && 'error' in answer && typeof answer.error === 'string';
  return failed(isFailure ? String(answer.error) : 'the expression gave no paths');
}

function failed(message: string): ScriptResult {
  return { kind: 'failed', reason: 'error', message: `jq: ${message}` };
}

// jq repeats the program, which is ours in part; the first line says what is wrong.
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/^(?:Failed to execute raw query: )?(?:jq: )?(?:error: )?/, '').replace(/ at <top-level>.*$/, '');
}
