import { RE2JS } from 're2js';

const META = /[\\^$.*+?()[\]{}|]/g;

function escape(text: string): string {
  return text.replace(META, String.raw`\$&`);
}

// A class of a glob from its `[` on: its regular expression and where it ends; undefined when it is not closed.
function readClass(pattern: string, from: number): { readonly source: string; readonly end: number } | undefined {
  const parts = /^\[([!^]?)((?:\\.|[^\]\\])+)\]/su.exec(pattern.slice(from));
  if (parts === null) return undefined;
  const [whole, negation = '', body = ''] = parts;
  const members = body.replace(/\\(.)|([[\]^&])/gsu, (_, escaped: string | undefined, special: string | undefined) => `\\${escaped ?? special ?? ''}`);
  return { source: `[${negation === '' ? '' : '^'}${members}]`, end: from + whole.length };
}

/** Compiles a pattern of Go's filepath.Match: `*` and `?` stay within a folder. Undefined where Go calls it malformed. */
export function compileFileMatch(pattern: string): ((name: string) => boolean) | undefined {
  let source = '';
  for (let index = 0; index < pattern.length;) {
    const character = pattern.charAt(index);
    if (character === '[') {
      const found = readClass(pattern, index);
      if (found === undefined) return undefined;
      source += found.source;
      index = found.end;
      continue;
    }
    if (character === '\\') {
      if (index + 1 >= pattern.length) return undefined;
      source += escape(pattern.charAt(index + 1));
      index += 2;
      continue;
    }
    source += character === '*' ? '[^/]*' : character === '?' ? '[^/]' : escape(character);
    index += 1;
  }
  return compile(source);
}

/** Compiles a pattern of gobwas/glob with `/` as separator: `**` crosses folders, `{a,b}` is a choice. Undefined where it is malformed. */
export function compileGlob(pattern: string): ((name: string) => boolean) | undefined {
  let source = '';
  let depth = 0;
  for (let index = 0; index < pattern.length;) {
    const character = pattern.charAt(index);
    let step = 1;
    if (pattern.startsWith('**', index)) {
      source += '.*';
      step = 2;
      while (pattern.charAt(index + step) === '*') step += 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '{') {
      source += '(?:';
      depth += 1;
    } else if (character === '}' && depth > 0) {
      source += ')';
      depth -= 1;
    } else if (character === ',' && depth > 0) source += '|';
    else if (character === '\\') {
      if (index + 1 >= pattern.length) return undefined;
      source += escape(pattern.charAt(index + 1));
      step = 2;
    } else if (character === '[') {
      const found = readClass(pattern, index);
      if (found === undefined) return undefined;
      source += found.source;
      step = found.end - index;
    } else source += escape(character);
    index += step;
  }
  return depth === 0 ? compile(source) : undefined;
}

function compile(source: string): ((name: string) => boolean) | undefined {
  try {
    const compiled = RE2JS.compile(source, RE2JS.DOTALL);
    return (name) => compiled.matches(name);
  } catch (error) {
    // A range such as [z-a]: malformed, as the caller reports.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
