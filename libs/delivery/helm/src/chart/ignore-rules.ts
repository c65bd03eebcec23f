import { compileFileMatch } from './match-glob.ts';

interface Rule {
  readonly isNegated: boolean;
  readonly isFolderOnly: boolean;
  readonly matches: (path: string) => boolean;
}

/** Whether a path of a chart folder is left out. */
export type IgnoreRules = (path: string, isFolder: boolean) => boolean;

/** Reads .helmignore (undefined where there is none) and adds Helm's own rule. Throws an Error with Helm's words. */
export function readIgnoreRules(text: string | undefined): IgnoreRules {
  const lines = [...(text ?? '').replace(/^\ufeff/, '').split('\n'), 'templates/.?*'];
  const rules = lines.map(readRule).filter((rule) => rule !== undefined);
  return (path, isFolder) => isIgnored(rules, path, isFolder);
}

function readRule(line: string): Rule | undefined {
  const raw = line.trim();
  if (raw === '' || raw.startsWith('#')) return undefined;
  if (raw.includes('**')) throw new Error('double-star (**) syntax is not supported');
  if (compileFileMatch(raw) === undefined) throw new Error('syntax error in pattern');
  const isNegated = raw.startsWith('!');
  const positive = isNegated ? raw.slice(1) : raw;
  const isFolderOnly = positive.endsWith('/');
  const rule = isFolderOnly ? positive.slice(0, -1) : positive;
  const isRooted = rule.startsWith('/');
  const match = compileFileMatch(isRooted ? rule.slice(1) : rule) ?? ((): boolean => false);
  // Without a slash a rule looks at the name alone.
  const matches = isRooted || rule.includes('/') ? match : (path: string): boolean => match(path.slice(path.lastIndexOf('/') + 1));
  return { isNegated, isFolderOnly, matches };
}

// The first rule that decides wins. A negated rule ignores everything it does not match: Helm's way, not git's.
function isIgnored(rules: readonly Rule[], path: string, isFolder: boolean): boolean {
  for (const { isNegated, isFolderOnly, matches } of rules) {
    if (isNegated) {
      if ((isFolderOnly && !isFolder) || !matches(path)) return true;
    } else if ((!isFolderOnly || isFolder) && matches(path)) return true;
  }
  return false;
}
