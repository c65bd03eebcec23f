import { RE2JS } from 're2js';
import { messageOf } from '@tiphys/kernel';
import { CelError } from './problem.ts';

// Compiled patterns, the oldest forgotten first.
const MAX_PATTERNS = 1_000;
const patterns = new Map<string, RE2JS>();

/** Compiles a pattern of RE2, which matches in time linear in the text. Throws what RE2 finds wrong with it. */
function compileRegex(pattern: string): RE2JS {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const compiled = RE2JS.compile(pattern);
  const [oldest] = patterns.keys();
  if (patterns.size >= MAX_PATTERNS && oldest !== undefined) patterns.delete(oldest);
  patterns.set(pattern, compiled);
  return compiled;
}

/** What is wrong with a pattern; undefined for a good one. */
export function regexProblem(pattern: string): string | undefined {
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether a pattern matches somewhere in a text. Throws `CelError` for a bad pattern. */
export function matchesRegex(pattern: string, text: string): boolean {
  return compiled(pattern).test(text);
}

/** All matches of a pattern in a text, at most `limit`. Throws `CelError` for a bad pattern. */
export function findAllRegex(pattern: string, text: string, limit: number = Infinity): readonly string[] {
  const matcher = compiled(pattern).matcher(text);
  const found: string[] = [];
  while (found.length < limit && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

function compiled(pattern: string): RE2JS {
  try {
    return compileRegex(pattern);
  } catch (error) {
    throw new CelError(messageOf(error));
  }
}
