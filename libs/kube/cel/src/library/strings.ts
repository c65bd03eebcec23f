import { add, multiply, scale, TRAVERSAL, type CallEstimate, type EstimatedNode, type Range } from '../estimate.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { CelList, codePoints, type CelValue } from '../value.ts';
import { sizeAt, traversal, traversalOf, valueSize } from './cost-rules.ts';
import { formatText } from './format-text.ts';

// What Go's unicode.IsSpace calls space; \s has U+FEFF too and lacks U+0085.
const SPACE_AROUND =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/gu;

/** cel-go's string extensions, version 2: what Kubernetes has since 1.29 (ext/strings.go). Positions are code points. */
export const STRINGS: readonly Overload[] = [
  ...overloads('charAt', ['string.(int): string'], ([text, at]) => charAt([...String(text)], Number(at))),
  ...overloads('indexOf', ['string.(string): int', 'string.(string, int): int'], { ...traversal(), cost: ([text = null]) => traversalOf(text), run: indexOf }),
  ...overloads('lastIndexOf', ['string.(string): int', 'string.(string, int): int'], {
    ...traversal(),
    cost: ([text = null]) => traversalOf(text),
    run: lastIndexOf,
  }),
  ...overloads('lowerAscii', ['string.(): string'], {
    ...traversal(0, 1, true),
    run: ([text]) => String(text).replace(/[A-Z]/g, (char) => char.toLowerCase()),
  }),
  ...overloads('upperAscii', ['string.(): string'], {
    ...traversal(0, 1, true),
    run: ([text]) => String(text).replace(/[a-z]/g, (char) => char.toUpperCase()),
  }),
  ...overloads('trim', ['string.(): string'], {
    ...traversal(0, 1, true),
    run: ([text]) => String(text).replace(SPACE_AROUND, ''),
  }),
  ...overloads('reverse', ['string.(): string'], ([text]) => [...String(text)].toReversed().join('')),
  ...overloads('substring', ['string.(int): string', 'string.(int, int): string'], { ...traversal(0, 1, true), run: substring }),
  ...overloads('replace', ['string.(string, string): string', 'string.(string, string, int): string'], replaceBody()),
  ...overloads('split', ['string.(string): list(string)', 'string.(string, int): list(string)'], {
    ...traversal(0, 2),
    estimate: (args) => ({ cost: scale(sizeAt(args, 0), 2 * TRAVERSAL), resultSize: { min: 0, max: splitLimit(args) ?? sizeAt(args, 0).max } }),
    run: split,
  }),
  ...overloads('join', ['list(string).(): string', 'list(string).(string): string'], joinBody()),
  ...overloads('format', ['string.(list(dyn)): string'], {
    ...traversal(),
    run: ([text, list]) => (list instanceof CelList ? formatText(String(text), list) : rejected()),
  }),
  ...overloads('strings.quote', ['(string): string'], {
    ...traversal(),
    estimate: (args) => {
      const size = sizeAt(args, 0);
      return { cost: scale(size, TRAVERSAL), resultSize: { min: size.min + 2, max: size.max * 2 + 2 } };
    },
    run: ([text]) => quote(String(text)),
  }),
];

function rejected(): never {
  throw noSuchOverload();
}

function charAt(chars: readonly string[], at: number): string {
  if (at < 0 || at > chars.length) throw new CelError(`index out of range: ${at}`);
  return chars[at] ?? '';
}

function indexOf([text, part, start]: readonly CelValue[]): CelValue {
  const [chars, wanted] = [[...String(text)], [...String(part)]];
  const from = start === undefined ? 0 : Number(start);
  if (from < 0 || from > chars.length) throw new CelError(`index out of range: ${from}`);
  for (let at = from; at <= chars.length - wanted.length; at += 1) if (matchesAt(chars, wanted, at)) return BigInt(at);
  return -1n;
}

function lastIndexOf([text, part, start]: readonly CelValue[]): CelValue {
  const [chars, wanted] = [[...String(text)], [...String(part)]];
  const from = start === undefined ? chars.length : Number(start);
  if (from < 0 || (start !== undefined && from >= chars.length && chars.length > 0) || from > chars.length) throw new CelError(`index out of range: ${from}`);
  if (wanted.length === 0) return BigInt(from);
  for (let at = Math.min(from, chars.length - wanted.length); at >= 0; at -= 1) if (matchesAt(chars, wanted, at)) return BigInt(at);
  return -1n;
}

function matchesAt(chars: readonly string[], wanted: readonly string[], at: number): boolean {
  return wanted.every((char, offset) => chars[at + offset] === char);
}

function substring([text, first, last]: readonly CelValue[]): CelValue {
  const chars = [...String(text)];
  const start = Number(first);
  const end = last === undefined ? chars.length : Number(last);
  if (last !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0 || start > chars.length) throw new CelError(`index out of range: ${start}`);
  if (end < 0 || end > chars.length) throw new CelError(`index out of range: ${end}`);
  return chars.slice(start, end).join('');
}

function replaceBody(): OverloadBody {
  return {
    ...traversal(0, 2),
    estimate: (args) => ({ cost: scale(sizeAt(args, 0), 2 * TRAVERSAL), resultSize: replacedSize(sizeAt(args, 0), sizeAt(args, 1), sizeAt(args, 2)) }),
    run: ([text, old, next, limit]) => {
      const [source, from] = [String(text), String(old)];
      const parts = from === '' ? ['', ...source, ''] : source.split(from);
      const count = limit === undefined || Number(limit) < 0 ? Infinity : Number(limit);
      return parts.reduce((joined, part, index) => joined + (index <= count ? String(next) : from) + part);
    },
  };
}

// The longest and shortest text a replacement may leave.
function replacedSize(text: Range, old: Range, next: Range): Range {
  const most = old.min === 0 ? text.max + 1 : next.max <= old.min ? 0 : Math.ceil(text.max / old.min);
  const keptMost = old.min === 0 || next.max <= old.min ? text.max : 0;
  const least = old.max === 0 ? text.min + 1 : old.max <= next.min ? 0 : Math.ceil(text.min / old.max);
  const keptLeast = old.max === 0 || old.max <= next.min ? text.min : 0;
  return add(multiply({ min: least, max: most }, next), { min: keptLeast, max: keptMost });
}

function splitLimit(args: readonly EstimatedNode[]): number | undefined {
  const limit = args[2]?.expr;
  return limit?.kind === 'literal' && typeof limit.value === 'bigint' && limit.value >= 0n ? Number(limit.value) : undefined;
}

function split([text, separator, limit]: readonly CelValue[]): CelValue {
  const [source, by] = [String(text), String(separator)];
  const count = limit === undefined ? -1 : Number(limit);
  if (count === 0) return new CelList([]);
  if (count === 1) return new CelList([source]);
  const parts = by === '' ? [...source] : source.split(by);
  if (count < 0 || parts.length <= count) return new CelList(parts);
  return new CelList([...parts.slice(0, count - 1), parts.slice(count - 1).join(by)]);
}

function joinBody(): OverloadBody {
  return {
    cost: ([list, separator = '']) => {
      if (!(list instanceof CelList)) return 0;
      let size = Math.max(0, list.size - 1) * codePoints(String(separator));
      for (const item of list) size += valueSize([item], 0);
      return Math.ceil(size * 2 * TRAVERSAL);
    },
    estimate: (args): CallEstimate => {
      const list = sizeAt(args, 0);
      const items = args[0]?.elementSize === undefined ? { min: 0, max: 0 } : multiply(list, args[0].elementSize);
      const gaps = { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) };
      const resultSize = args[1] === undefined ? items : add(items, multiply(args[1].size, gaps));
      return { cost: scale(resultSize, TRAVERSAL), resultSize };
    },
    run: ([list, separator = '']) => (list instanceof CelList ? [...list].map((item) => textOf(item)).join(String(separator)) : rejected()),
  };
}

function textOf(item: CelValue): string {
  if (typeof item !== 'string') throw noSuchOverload();
  return item;
}

const QUOTED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function quote(text: string): string {
  return `"${[...text].map((char) => QUOTED[char] ?? char).join('')}"`;
}
