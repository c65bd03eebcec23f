import { quote } from '../go/strconv.ts';
import { unquoteChar } from '../go/unquote.ts';
import type { NumberNode } from './nodes.ts';

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);
const UINT_MAX = 2n ** 64n - 1n;

/** Reads a numeric literal, or gives Go's complaint. */
export function parseNumber(text: string, position: number, isChar: boolean): NumberNode | string {
  if (isChar) {
    const code = unquoteChar(text);
    if (code === undefined) return `malformed character constant: ${text}`;
    return { kind: 'number', position, text, int: BigInt(code), uint: BigInt(code), float: code };
  }
  const integer = parseInteger(text);
  if (integer !== undefined && integer >= INT_MIN && integer <= UINT_MAX) {
    return {
      kind: 'number',
      position,
      text,
      int: integer <= INT_MAX ? integer : undefined,
      uint: integer >= 0n ? integer : undefined,
      float: Number(integer),
    };
  }
  if (integer !== undefined) return `integer overflow: ${quote(text)}`;
  const float = parseFloatText(text);
  if (float === undefined) return `illegal number syntax: ${quote(text)}`;
  const whole = Number.isInteger(float) && Math.abs(float) < 2 ** 63 ? BigInt(float) : undefined;
  return { kind: 'number', position, text, int: whole, uint: whole !== undefined && whole >= 0n ? whole : undefined, float };
}

/** Go's strconv.ParseInt with base 0: prefixes 0x, 0o, 0b, leading 0, and underscores between digits. */
export function parseInteger(text: string): bigint | undefined {
  const match =
    /^([+-]?)(0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[oO]_?[0-7]+(?:_[0-7]+)*|0[bB]_?[01]+(?:_[01]+)*|0(?:_?[0-7]+)*|[1-9][0-9]*(?:_[0-9]+)*)$/.exec(text);
  if (match === null) return undefined;
  const digits = (match[2] ?? '').replaceAll('_', '');
  const value = /^0[0-7]/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
  return match[1] === '-' ? -value : value;
}

/** Go's strconv.ParseFloat for decimal and hexadecimal forms, without infinities and NaN. */
export function parseFloatText(text: string): number | undefined {
  const hex = /^([+-]?)0[xX]([0-9a-fA-F_]*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?\d+)$/.exec(text);
  if (hex !== null) {
    const digits = `${hex[2] ?? ''}${hex[3] ?? ''}`.replaceAll('_', '');
    const value = Number(BigInt(`0x${digits}`)) * 2 ** (Number(hex[4]) - 4 * (hex[3] ?? '').replaceAll('_', '').length);
    return hex[1] === '-' ? -value : value;
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
