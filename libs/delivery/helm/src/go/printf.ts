import { formatValue, formatVerb, type Flags } from './format.ts';
import { typeOf } from './type-names.ts';
import { GoInt, type GoValue } from './value.ts';

/** Go's fmt.Sprint: a space between two operands when neither is a string. */
export function sprint(args: readonly GoValue[]): string {
  let out = '';
  args.forEach((arg, index) => {
    if (index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string') out += ' ';
    out += formatValue(arg);
  });
  return out;
}

/** Go's fmt.Sprintln. */
export function sprintln(args: readonly GoValue[]): string {
  return `${args.map(formatValue).join(' ')}\n`;
}

interface Cursor {
  readonly format: string;
  readonly args: readonly GoValue[];
  at: number;
  arg: number;
  reordered: boolean;
  goodIndex: boolean;
}

/** Go's fmt.Sprintf, with its texts for wrong verbs, missing and extra operands. */
export function sprintf(format: string, args: readonly GoValue[]): string {
  const cursor: Cursor = { format, args, at: 0, arg: 0, reordered: false, goodIndex: true };
  let out = '';
  for (;;) {
    const percent = format.indexOf('%', cursor.at);
    if (percent < 0) break;
    out += format.slice(cursor.at, percent);
    cursor.at = percent + 1;
    out += directive(cursor);
  }
  out += format.slice(cursor.at);
  if (!cursor.reordered && cursor.arg < args.length) {
    const extra = args.slice(cursor.arg).map((arg) => (arg === null ? '<nil>' : `${typeOf(arg)}=${formatValue(arg)}`));
    out += `%!(EXTRA ${extra.join(', ')})`;
  }
  return out;
}

function directive(cursor: Cursor): string {
  const flags = readFlags(cursor);
  cursor.goodIndex = true;
  let afterIndex = argNumber(cursor);
  let trouble = '';
  if (peek(cursor) === '*') {
    cursor.at += 1;
    const width = starNumber(cursor);
    if (width === undefined) trouble += '%!(BADWIDTH)';
    else applyWidth(flags, width);
    afterIndex = false;
  } else {
    flags.width = digits(cursor);
    if (afterIndex && flags.width !== undefined) cursor.goodIndex = false;
  }
  if (peek(cursor) === '.') trouble += readPrecision(cursor, flags, afterIndex);
  else if (!afterIndex) argNumber(cursor);
  return trouble + verbText(cursor, flags);
}

function readPrecision(cursor: Cursor, flags: Flags, afterIndex: boolean): string {
  cursor.at += 1;
  if (afterIndex) cursor.goodIndex = false;
  const indexed = argNumber(cursor);
  if (peek(cursor) === '*') {
    cursor.at += 1;
    const precision = starNumber(cursor);
    if (precision === undefined) return '%!(BADPREC)';
    flags.precision = precision < 0 ? undefined : precision;
    argNumber(cursor);
    return precision < 0 ? '%!(BADPREC)' : '';
  }
  flags.precision = digits(cursor) ?? 0;
  if (!indexed) argNumber(cursor);
  return '';
}

function verbText(cursor: Cursor, flags: Flags): string {
  const verb = String.fromCodePoint(cursor.format.codePointAt(cursor.at) ?? 0);
  if (cursor.at >= cursor.format.length) return '%!(NOVERB)';
  cursor.at += verb.length;
  if (verb === '%') return '%';
  if (!cursor.goodIndex) return `%!${verb}(BADINDEX)`;
  if (cursor.arg >= cursor.args.length) return `%!${verb}(MISSING)`;
  const value = cursor.args[cursor.arg] ?? null;
  cursor.arg += 1;
  return formatVerb(value, verb, flags);
}

function readFlags(cursor: Cursor): Flags {
  const flags: Flags = { minus: false, plus: false, sharp: false, space: false, zero: false, width: undefined, precision: undefined };
  for (; ; cursor.at += 1) {
    switch (peek(cursor)) {
      case '#':
        flags.sharp = true;
        break;
      case '0':
        flags.zero = true;
        break;
      case '+':
        flags.plus = true;
        break;
      case '-':
        flags.minus = true;
        break;
      case ' ':
        flags.space = true;
        break;
      default:
        return flags;
    }
  }
}

function peek(cursor: Cursor): string {
  return cursor.format.charAt(cursor.at);
}

function digits(cursor: Cursor): number | undefined {
  const start = cursor.at;
  while (/[0-9]/.test(peek(cursor))) cursor.at += 1;
  if (cursor.at === start) return undefined;
  const value = Number(cursor.format.slice(start, cursor.at));
  return value > 1e6 ? undefined : value;
}

function argNumber(cursor: Cursor): boolean {
  if (peek(cursor) !== '[') return false;
  cursor.reordered = true;
  const close = cursor.format.indexOf(']', cursor.at);
  if (close < 0) {
    cursor.at += 1;
    cursor.goodIndex = false;
    return false;
  }
  const text = cursor.format.slice(cursor.at + 1, close);
  cursor.at = close + 1;
  const index = /^\d+$/.test(text) ? Number(text) - 1 : -1;
  if (index < 0 || index >= cursor.args.length) {
    cursor.goodIndex = false;
    return true;
  }
  cursor.arg = index;
  return true;
}

function starNumber(cursor: Cursor): number | undefined {
  const value = cursor.args[cursor.arg];
  cursor.arg += cursor.arg < cursor.args.length ? 1 : 0;
  if (!(value instanceof GoInt)) return undefined;
  const number = Number(value.value);
  return Math.abs(number) > 1e6 ? undefined : number;
}

function applyWidth(flags: Flags, width: number): void {
  flags.width = Math.abs(width);
  if (width < 0) {
    flags.minus = true;
    flags.zero = false;
  }
}
