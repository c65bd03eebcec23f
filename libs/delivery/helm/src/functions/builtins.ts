import { quote } from '../go/strconv.ts';
import { sprint, sprintf, sprintln } from '../go/printf.ts';
import { byteLength, byteSlice, compareStrings, toBytes } from '../go/text.ts';
import { isTrue, typeOf } from '../go/type-names.ts';
import { goInt, GoBytes, GoInt, GoMap, GoObject, GoSlice, type GoValue } from '../go/value.ts';
import { zeroOf } from '../template/assign.ts';
import { GoError } from '../template/errors.ts';
import { asString, define, itemsOf, type FunctionGroup } from './define.ts';
import { stringOf } from './convert.ts';

/** The functions of text/template itself. `and` and `or` are special to the compiler, which only asks for their signature. */
export const builtins: FunctionGroup = {
  and: define('value, ...value', ([first]) => first ?? null),
  or: define('value, ...value', ([first]) => first ?? null),
  not: define('value', ([value]) => !isTrue(value)),
  call: define('value, ...value', ([callee]) => {
    throw new GoError(callee === null ? 'call of nil' : `non-function ${stringOf(callee)} of type ${typeOf(callee ?? null)}`);
  }),
  html: define('...any', (args) => escapeHtml(joined(args))),
  js: define('...any', (args) => escapeJs(joined(args))),
  urlquery: define('...any', (args) => queryEscape(joined(args))),
  index: define('value, ...value', ([item, ...keys]) => keys.reduce<GoValue>(indexInto, item ?? nilIndex())),
  slice: define('value, ...value', ([item, ...bounds]) => sliceOf(item ?? null, bounds)),
  len: define('value', ([value]) => goInt(lengthOf(value ?? null))),
  print: define('...any', sprint),
  printf: define('string, ...any', ([format, ...args]) => sprintf(asString(format), args)),
  println: define('...any', sprintln),
  eq: define('value, ...value', ([first, ...others]) => equals(first ?? null, others)),
  ne: define('value, value', ([a, b]) => !equals(a ?? null, [b ?? null])),
  lt: define('value, value', ([a, b]) => less(a ?? null, b ?? null)),
  le: define('value, value', ([a, b]) => less(a ?? null, b ?? null) || equals(a ?? null, [b ?? null])),
  gt: define('value, value', ([a, b]) => !less(a ?? null, b ?? null) && !equals(a ?? null, [b ?? null])),
  ge: define('value, value', ([a, b]) => !less(a ?? null, b ?? null)),
};

function joined(args: readonly GoValue[]): string {
  return args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args);
}

function nilIndex(): never {
  throw new GoError('index of untyped nil');
}

function indexInto(item: GoValue, key: GoValue): GoValue {
  if (item === null) throw new GoError('index of nil pointer');
  if (item instanceof GoMap) {
    if (typeof key !== 'string') {
      throw new GoError(key === null ? 'value is nil; should be of type string' : `value has type ${typeOf(key)}; should be string`);
    }
    return item.entries.get(key) ?? (item.entries.has(key) ? null : zeroOf(item.elemType));
  }
  if (typeof item === 'string') return new GoInt('uint8', BigInt(element(toBytes(item), key, 'string')));
  const items = itemsOf(item);
  if (items !== undefined) return element(items, key, 'slice');
  throw new GoError(`can't index item of type ${typeOf(item)}`);
}

function position(key: GoValue, length: number): number {
  if (key === null) throw new GoError('cannot index slice/array with nil');
  if (!(key instanceof GoInt)) throw new GoError(`cannot index slice/array with type ${typeOf(key)}`);
  const index = Number(key.value);
  if (index < 0 || index > length) throw new GoError(`index out of range: ${index}`);
  return index;
}

// Go's check lets the length itself pass, and reflect refuses it.
function element<T>(items: ArrayLike<T>, key: GoValue, what: string): T {
  const found = items[position(key, items.length)];
  if (found === undefined) throw new GoError(`reflect: ${what} index out of range`);
  return found;
}

function sliceOf(item: GoValue, bounds: readonly GoValue[]): GoValue {
  if (item === null) throw new GoError('slice of untyped nil');
  if (bounds.length > 3) throw new GoError(`too many slice indexes: ${bounds.length}`);
  const items = typeof item === 'string' ? undefined : itemsOf(item);
  if (typeof item !== 'string' && items === undefined) throw new GoError(`can't slice item of type ${typeOf(item)}`);
  const length = typeof item === 'string' ? byteLength(item) : (items?.length ?? 0);
  const start = bounds.length > 0 ? position(bounds[0] ?? null, length) : 0;
  const end = bounds.length > 1 ? position(bounds[1] ?? null, length) : length;
  if (start > end) throw new GoError(`invalid slice index: ${start} > ${end}`);
  if (typeof item === 'string') return byteSlice(item, start, end);
  if (item instanceof GoBytes) return new GoBytes(item.bytes.subarray(start, end));
  return new GoSlice((items ?? []).slice(start, end), typeOf(item));
}

function lengthOf(value: GoValue): number {
  if (typeof value === 'string') return byteLength(value);
  if (value instanceof GoMap) return value.entries.size;
  if (value instanceof GoSlice) return value.items.length;
  if (value instanceof GoBytes) return value.bytes.length;
  if (value === null) throw new GoError('len of nil pointer');
  throw new GoError(`len of type ${typeOf(value)}`);
}

type BasicKind = 'bool' | 'string' | 'float' | 'int' | 'uint';

function basicKind(value: GoValue): BasicKind | undefined {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float';
  if (value instanceof GoInt) return value.kind.startsWith('uint') ? 'uint' : 'int';
  return undefined;
}

function equals(first: GoValue, others: readonly GoValue[]): boolean {
  if (first !== null && !isComparable(first)) throw new GoError(`non-comparable type ${stringOf(first)}: ${typeOf(first)}`);
  if (others.length === 0) throw new GoError('missing argument for comparison');
  return others.some((other) => equalPair(first, other));
}

function equalPair(a: GoValue, b: GoValue): boolean {
  const left = basicKind(a);
  const right = basicKind(b);
  if (left !== right) {
    if (a === null || b === null) return a === b;
    if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value;
    throw new GoError(incompatible(a, b));
  }
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value;
  if (left !== undefined && left === right) return a === b;
  if (b !== null && !isComparable(b)) throw new GoError(`non-comparable type ${stringOf(b)}: ${typeOf(b)}`);
  if (a instanceof GoObject && b instanceof GoObject) return a === b || (a.payload !== undefined && a.payload === b.payload);
  if (a !== null && b !== null && typeOf(a) !== typeOf(b)) throw new GoError(incompatible(a, b));
  return a === b;
}

function isComparable(value: GoValue): boolean {
  return !(value instanceof GoMap || value instanceof GoSlice || value instanceof GoBytes);
}

function incompatible(a: GoValue, b: GoValue): string {
  return `incompatible types for comparison: ${typeOf(a)} and ${typeOf(b)}`;
}

function less(a: GoValue, b: GoValue): boolean {
  const left = basicKind(a);
  const right = basicKind(b);
  if (left === undefined || right === undefined) throw new GoError('invalid type for comparison');
  if (a instanceof GoInt && b instanceof GoInt) return a.value < b.value;
  if (left !== right) throw new GoError(incompatible(a, b));
  if (left === 'bool') throw new GoError('invalid type for comparison');
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b) < 0;
  return typeof a === 'number' && typeof b === 'number' && a < b;
}

const HTML: Readonly<Record<string, string>> = { '"': '&#34;', "'": '&#39;', '&': '&amp;', '<': '&lt;', '>': '&gt;', '\u0000': '\ufffd' };

function escapeHtml(text: string): string {
  return text.replace(/["'&<>\0]/g, (found) => HTML[found] ?? found); // eslint-disable-line no-control-regex
}

const JS: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"', '<': '\\u003C', '>': '\\u003E', '&': '\\u0026', '=': '\\u003D' };

function escapeJs(text: string): string {
  return [...text]
    .map((rune) => {
      const known = JS[rune];
      if (known !== undefined) return known;
      if (rune < ' ') return `\\u00${rune.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
      return quote(rune).length > rune.length + 2 ? `\\u${(rune.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}` : rune;
    })
    .join('');
}

/** Go's url.QueryEscape. */
function queryEscape(text: string): string {
  let out = '';
  for (const byte of toBytes(text)) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9_.~-]/.test(char) ? char : char === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
