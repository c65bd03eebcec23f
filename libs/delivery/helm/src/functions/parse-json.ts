import { fromJson, type GoValue } from '../go/value.ts';
import { quoteRune } from '../go/strconv.ts';
import { GoError } from '../template/errors.ts';

/** Reads JSON as Go's encoding/json does into interface{}. Throws GoError with Go's words for the common mistakes. */
export function parseJson(text: string): GoValue {
  try {
    return fromJson(JSON.parse(text));
  } catch (error) {
    throw new GoError(complaint(text, error), { cause: error });
  }
}

function complaint(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (text.trim() === '' || /Unexpected end|Unterminated/.test(message)) return 'unexpected end of JSON input';
  const at = Number(/position (\d+)/.exec(message)?.[1] ?? firstOddity(text));
  const char = text.charAt(at);
  if (/after JSON/.test(message)) return `invalid character ${quoteRune(char.codePointAt(0) ?? 0)} after top-level value`;
  return `invalid character ${quoteRune(char.codePointAt(0) ?? 0)} looking for beginning of value`;
}

function firstOddity(text: string): number {
  return text.length - text.trimStart().length;
}
