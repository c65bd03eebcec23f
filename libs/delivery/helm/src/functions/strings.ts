import { quote } from '../go/strconv.ts';
import { formatValue } from '../go/format.ts';
import { byteLength, byteSlice, compareStrings, fromBytes, toBytes } from '../go/text.ts';
import { GoMap, goStrings, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import { isSpace, isUpper, joinWords, pascalCase, toLower, toUpper } from './cases.ts';
import { stringOf, stringsOf } from './convert.ts';
import { asInt, asString, define, itemsOf, ofString, ofStrings, type FunctionGroup } from './define.ts';

/** Sprig's functions on text. */
export const strings: FunctionGroup = {
  trim: ofString(trimSpace),
  upper: ofString(toUpper),
  lower: ofString(toLower),
  title: ofString(title),
  untitle: ofString((text) => eachWord(text, toLower)),
  substr: define('int, int, string', ([start, end, text]) => substring(asInt(start), asInt(end), asString(text))),
  repeat: define('int, string', ([count, text], context) => {
    if (asInt(count) < 0) throw new GoError('strings: negative Repeat count');
    context.spend(asInt(count) * asString(text).length);
    return asString(text).repeat(asInt(count));
  }),
  trunc: define('int, string', ([count, text]) => truncate(asInt(count), asString(text))),
  abbrev: define('int, string', ([width, text]) => abbreviate(asString(text), 0, asInt(width))),
  abbrevboth: define('int, int, string', ([left, right, text]) => abbreviateBoth(asInt(left), asInt(right), asString(text))),
  trimAll: ofStrings(trimSet),
  trimall: ofStrings(trimSet),
  trimSuffix: ofStrings((suffix, text) => (suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text)),
  trimPrefix: ofStrings((prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  nospace: ofString((text) => [...text].filter((rune) => !isSpace(rune)).join('')),
  initials: ofString((text) =>
    text
      .split(/\s+/u)
      .map((word) => [...word][0] ?? '')
      .join(''),
  ),
  swapcase: ofString((text) => [...text].map((rune) => (isUpper(rune) ? toLower(rune) : toUpper(rune))).join('')),
  snakecase: ofString((text) => joinWords(text, '_')),
  kebabcase: ofString((text) => joinWords(text, '-')),
  camelcase: ofString(pascalCase),
  wrap: define('int, string', ([width, text]) => wrapText(asString(text), asInt(width), '', false)),
  wrapWith: define('int, string, string', ([width, line, text]) => wrapText(asString(text), asInt(width), asString(line), true)),
  contains: ofStrings((part, text) => text.includes(part)),
  hasPrefix: ofStrings((prefix, text) => text.startsWith(prefix)),
  hasSuffix: ofStrings((suffix, text) => text.endsWith(suffix)),
  quote: define('...any', (args) =>
    args
      .filter((arg) => arg !== null)
      .map((arg) => quote(stringOf(arg)))
      .join(' '),
  ),
  squote: define('...any', (args) =>
    args
      .filter((arg) => arg !== null)
      .map((arg) => `'${formatValue(arg)}'`)
      .join(' '),
  ),
  cat: define('...any', (args) =>
    args
      .filter((arg) => arg !== null)
      .map(formatValue)
      .join(' '),
  ),
  indent: define('int, string', ([width, text], context) => indent(asInt(width), asString(text), context.spend)),
  nindent: define('int, string', ([width, text], context) => `\n${indent(asInt(width), asString(text), context.spend)}`),
  replace: define('string, string, string', ([old, fresh, text], context) => {
    const replaced = replaceAll(asString(text), asString(old), asString(fresh));
    context.spend(replaced.length);
    return replaced;
  }),
  plural: define('string, string, int', ([one, many, count]) => (asInt(count) === 1 ? asString(one) : asString(many))),
  toString: define('any', ([value]) => stringOf(value)),
  toStrings: define('any', ([value]) => goStrings(stringsOf(value))),
  join: define('string, any', ([separator, value], context) => {
    const text = stringsOf(value).join(asString(separator));
    context.spend(text.length);
    return text;
  }),
  sortAlpha: define('any', ([value]) => goStrings(itemsOf(value) === undefined ? [stringOf(value)] : stringsOf(value).sort(compareStrings))),
  split: ofStrings((separator, text) => numbered(splitText(text, separator))),
  splitList: ofStrings((separator, text) => goStrings(splitText(text, separator))),
  splitn: define('string, int, string', ([separator, count, text]) => numbered(splitCount(asString(text), asString(separator), asInt(count)))),
};

/** Go's strings.TrimSpace. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charAt(start))) start += 1;
  while (end > start && isSpace(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function trimSet(cutset: string, text: string): string {
  const cut = new Set(cutset);
  const runes = [...text];
  let start = 0;
  let end = runes.length;
  while (start < end && cut.has(runes[start] ?? '')) start += 1;
  while (end > start && cut.has(runes[end - 1] ?? '')) end -= 1;
  return runes.slice(start, end).join('');
}

function title(text: string): string {
  let previous = ' ';
  return [...text]
    .map((rune) => {
      const starts = previous <= '\u007f' ? !/[A-Za-z0-9_]/.test(previous) : !/[\p{L}\p{Nd}]/u.test(previous) && isSpace(previous);
      previous = rune;
      return starts ? toUpper(rune) : rune;
    })
    .join('');
}

function eachWord(text: string, change: (rune: string) => string): string {
  let starts = true;
  return [...text]
    .map((rune) => {
      const changed = starts ? change(rune) : rune;
      starts = isSpace(rune);
      return changed;
    })
    .join('');
}

function substring(start: number, end: number, text: string): string {
  const length = byteLength(text);
  if (start < 0) return byteSlice(text, 0, bound(end, length));
  if (end < 0 || end > length) return byteSlice(text, bound(start, length), length);
  if (start > end) throw new GoError(`runtime error: slice bounds out of range [${start}:${end}]`);
  return byteSlice(text, start, end);
}

function bound(at: number, length: number): number {
  if (at < 0 || at > length) throw new GoError(`runtime error: slice bounds out of range [:${at}] with length ${length}`);
  return at;
}

function truncate(count: number, text: string): string {
  const length = byteLength(text);
  if (count < 0 && length + count > 0) return byteSlice(text, length + count, length);
  return count >= 0 && length > count ? byteSlice(text, 0, count) : text;
}

function abbreviate(text: string, from: number, width: number): string {
  const length = byteLength(text);
  if (width < 4 || length <= width) return text;
  let offset = Math.min(from, length);
  if (length - offset < width - 3) offset = length - (width - 3);
  if (offset <= 4) return `${byteSlice(text, 0, width - 3)}...`;
  if (width < 7) return '';
  if (offset + width - 3 < length) return `...${abbreviate(byteSlice(text, offset, length), 0, width - 3)}`;
  return `...${byteSlice(text, length - (width - 3), length)}`;
}

function abbreviateBoth(left: number, right: number, text: string): string {
  return right < 4 || (left > 0 && right < 7) ? text : abbreviate(text, left, right);
}

function indent(width: number, text: string, spend: (amount: number) => void): string {
  if (width < 0) throw new GoError('strings: negative Repeat count');
  const pad = ' '.repeat(Math.min(width, 1 << 20));
  const out = pad + text.replaceAll('\n', `\n${pad}`);
  spend(out.length);
  return out;
}

function replaceAll(text: string, old: string, fresh: string): string {
  if (old === '') return fresh + [...text].map((rune) => rune + fresh).join('');
  return text.split(old).join(fresh);
}

function splitText(text: string, separator: string): string[] {
  return separator === '' ? [...text] : text.split(separator);
}

function splitCount(text: string, separator: string, count: number): string[] {
  if (count === 0) return [];
  const parts = splitText(text, separator);
  if (count < 0 || parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function numbered(parts: readonly string[]): GoValue {
  const entries = new Map<string, GoValue>(parts.map((part, index) => [`_${index}`, part]));
  return new GoMap(entries, 'map[string]string', { elemType: 'string' });
}

function wrapText(text: string, width: number, newline: string, breakLongWords: boolean): string {
  // Widths count bytes, so one character stands for one byte here.
  const bytes = binary(text);
  const line = newline === '' ? '\n' : binary(newline);
  const limit = Math.max(width, 1);
  const parts: string[] = [];
  let offset = 0;
  while (bytes.length - offset > limit) {
    if (bytes.charAt(offset) === ' ') {
      offset += 1;
      continue;
    }
    const space = bytes.slice(offset, offset + limit + 1).lastIndexOf(' ');
    let end = space >= 0 ? offset + space : offset + limit;
    if (space < 0 && !breakLongWords) {
      const next = bytes.indexOf(' ', offset + limit);
      end = next < 0 ? bytes.length : next;
      if (next < 0) break;
    }
    parts.push(bytes.slice(offset, end), line);
    offset = space < 0 && breakLongWords ? end : end + 1;
  }
  parts.push(bytes.slice(offset));
  return fromBytes(Buffer.from(parts.join(''), 'latin1'));
}

function binary(text: string): string {
  return Buffer.from(toBytes(text)).toString('latin1');
}
