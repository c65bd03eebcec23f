import { RE2JS, RE2JSException } from 're2js';
import { KustomizeError } from './kustomize-error.ts';

const MAX_CACHED = 500;
const MAX_PATTERN_CHARS = 10_000;
const cache = new Map<string, RE2JS>();

/** Whether a regular expression of Go (RE2, linear time) matches anywhere in a text. Throws KustomizeError for a bad expression. */
export function matchesRegex(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find();
}

/** Whether a text as a whole matches; an empty pattern matches everything (kustomize v5.8.1 api/types/selector.go). */
export function matchesWhole(pattern: string, text: string): boolean {
  return pattern === '' || matchesRegex(`^(?:${pattern})$`, text);
}

function compile(pattern: string): RE2JS {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > MAX_PATTERN_CHARS) throw new KustomizeError({ code: 'limit' }, `regular expression exceeds ${MAX_PATTERN_CHARS} characters`);
  try {
    const made = RE2JS.compile(pattern);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(pattern, made);
    return made;
  } catch (error) {
    if (error instanceof RE2JSException) throw new KustomizeError({ code: 'other' }, error.message, { cause: error });
    throw error;
  }
}
