import picomatch from 'picomatch';

/** Whether a value matches a glob: `*`, `?`, `[]` and `{}`; a slash is an ordinary character, as in gobwas/glob without separators. */
export function globMatches(pattern: string, value: string): boolean {
  if (pattern === '*' || pattern === value) return true;
  if (!/[*?{[]/.test(pattern)) return false;
  return picomatch.isMatch(value.replaceAll('/', '\u0001'), pattern.replaceAll('/', '\u0001'), { dot: true, nonegate: true, noextglob: true });
}
