import picomatch from 'picomatch';

const OPTIONS = { dot: true, nonegate: true, noextglob: true } as const;
const HIDDEN_SLASH = '\u0001';

/** Whether a glob covers a value; a slash is an ordinary character, as in gobwas/glob without separators. */
export function globMatches(pattern: string, value: string): boolean {
  if (pattern === '*' || pattern === value) return true;
  if (!/[*?{[]/.test(pattern)) return false;
  return picomatch.isMatch(value.replaceAll('/', HIDDEN_SLASH), pattern.replaceAll('/', HIDDEN_SLASH), OPTIONS);
}

/** Whether a glob covers a URL; `*` stays within one part of its path, `**` does not. */
export function urlGlobMatches(pattern: string, url: string): boolean {
  if (pattern === '*' || pattern === url) return true;
  if (!/[*?{[]/.test(pattern)) return false;
  return picomatch.isMatch(url, pattern, OPTIONS);
}

/** Whether a value is covered by a glob or, between slashes, by a regular expression (argo-cd util/glob MatchStringInList). */
export function globOrRegexMatches(pattern: string, value: string): boolean {
  if (pattern.length < 2 || !pattern.startsWith('/') || !pattern.endsWith('/')) return globMatches(pattern, value);
  try {
    return new RegExp(pattern.slice(1, -1)).test(value);
  } catch {
    return false; // Whoever validates settings says so; here an unreadable pattern covers nothing.
  }
}

/** What a rule with a pattern that may begin with `!` says about a value. */
export interface RuleMatch {
  /** The rule admits the value. A negated pattern admits nothing: a denial never widens what is allowed. */
  readonly admits: boolean;
  /** A negated pattern covers the value: it is forbidden whatever other rules say. */
  readonly forbids: boolean;
}

/** Reads a pattern that may be negated (argo-cd docs/user-guide/projects.md). */
export function matchRule(pattern: string, value: string, matches: (pattern: string, value: string) => boolean = globMatches): RuleMatch {
  if (!pattern.startsWith('!')) return { admits: matches(pattern, value), forbids: false };
  return { admits: false, forbids: matches(pattern.slice(1), value) };
}
