import { RE2JS } from 're2js';
import { quote } from '../go/strconv.ts';
import { GoSlice, goStrings } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionContext, TemplateFunction } from '../template/function-table.ts';
import { asInt, asString, define, ofString, ofStrings, type Body, type FunctionGroup } from './define.ts';

/** One match: where it starts and ends, and its groups (undefined where a group took no part). */
interface Match {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

type Compile = (pattern: string) => RE2JS;
const CACHE_LIMIT = 2000;
const MAX_PATTERN = 100_000;
const cache = new Map<string, RE2JS | Error>();

/** Sprig's regular expressions: RE2, in time linear in the text. The plain forms panic on a bad pattern, the `must` forms return the error. */
export const regex: FunctionGroup = {
  regexMatch: ofStrings((pattern, text) => {
    const found = lookUp(pattern);
    return !(found instanceof Error) && found.matcher(text).find();
  }),
  mustRegexMatch: ofStrings((pattern, text) => compileOrFail(pattern).matcher(text).find()),
  regexQuoteMeta: ofString((text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
  ...twins('FindAll', 'string, string, int', (compile) => ([pattern, text, count], context) => {
    const found = matches(compile(asString(pattern)), asString(text), asInt(count), context).map((match) => asString(match.groups[0]));
    return new GoSlice(found, '[]string', undefined, found.length === 0);
  }),
  ...twins(
    'Find',
    'string, string',
    (compile) =>
      ([pattern, text], context) =>
        asString(matches(compile(asString(pattern)), asString(text), 1, context)[0]?.groups[0]),
  ),
  ...twins('ReplaceAll', 'string, string, string', (compile) => ([pattern, text, replacement], context) => {
    const re = compile(asString(pattern));
    const names = re.namedGroups();
    return replaceAll(re, asString(text), (match) => expand(asString(replacement), match, names), context);
  }),
  ...twins(
    'ReplaceAllLiteral',
    'string, string, string',
    (compile) =>
      ([pattern, text, replacement], context) =>
        replaceAll(compile(asString(pattern)), asString(text), () => asString(replacement), context),
  ),
  ...twins(
    'Split',
    'string, string, int',
    (compile) =>
      ([pattern, text, count], context) =>
        goStrings(split(compile(asString(pattern)), asString(text), asInt(count), context)),
  ),
};

function twins(name: string, signature: string, body: (compile: Compile) => Body): Record<string, TemplateFunction> {
  return { [`regex${name}`]: define(signature, body(compileOrPanic)), [`mustRegex${name}`]: define(signature, body(compileOrFail)) };
}

function lookUp(pattern: string): RE2JS | Error {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (cache.size >= CACHE_LIMIT) cache.clear();
  const compiled = compile(pattern);
  cache.set(pattern, compiled);
  return compiled;
}

function compile(pattern: string): RE2JS | Error {
  if (pattern.length > MAX_PATTERN) return new GoError('error parsing regexp: expression too large');
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return new GoError(error instanceof Error ? error.message : String(error));
  }
}

function compileOrFail(pattern: string): RE2JS {
  const found = lookUp(pattern);
  if (found instanceof Error) throw found;
  return found;
}

function compileOrPanic(pattern: string): RE2JS {
  const found = lookUp(pattern);
  // Go quotes the pattern with backquotes where it can.
  if (found instanceof Error)
    throw new GoError(`regexp: Compile(${/[`\x00-\x08\x0a-\x1f\x7f]/.test(pattern) ? quote(pattern) : `\`${pattern}\``}): ${found.message}`); // eslint-disable-line no-control-regex
  return found;
}

function matches(re: RE2JS, text: string, count: number, context: FunctionContext): Match[] {
  const limit = count < 0 ? Number.POSITIVE_INFINITY : count;
  const found: Match[] = [];
  const matcher = re.matcher(text);
  context.spend(text.length);
  let previousEnd = -1;
  while (found.length < limit && matcher.find()) {
    const start = matcher.start();
    const end = matcher.end();
    // Go does not take an empty match right after another match.
    if (start === end && start === previousEnd) continue;
    previousEnd = end;
    found.push({ start, end, groups: Array.from({ length: re.groupCount() + 1 }, (_, group) => matcher.group(group) ?? undefined) });
  }
  return found;
}

function replaceAll(re: RE2JS, text: string, replacement: (match: Match) => string, context: FunctionContext): string {
  let out = '';
  let at = 0;
  for (const match of matches(re, text, -1, context)) {
    out += text.slice(at, match.start) + replacement(match);
    at = match.end;
  }
  context.spend(out.length);
  return out + text.slice(at);
}

// Go's Regexp.Expand: the longest name after the dollar sign counts, so `$1x` is the group named "1x".
function expand(template: string, match: Match, names: Readonly<Record<string, number>>): string {
  return template.replace(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (_, dollar: string | undefined, bare: string | undefined, braced: string | undefined) => {
    if (dollar !== undefined) return '$';
    const name = bare ?? braced ?? '';
    const index = /^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : names[name];
    return index === undefined ? '' : (match.groups[index] ?? '');
  });
}

function split(re: RE2JS, text: string, count: number, context: FunctionContext): string[] {
  if (count === 0) return [];
  if (re.pattern() !== '' && text === '') return [''];
  const parts: string[] = [];
  let begin = 0;
  let end = 0;
  for (const match of matches(re, text, count, context)) {
    if (count > 0 && parts.length === count - 1) break;
    end = match.start;
    if (match.end !== 0) parts.push(text.slice(begin, end));
    begin = match.end;
  }
  if (end !== text.length) parts.push(text.slice(begin));
  return parts;
}
