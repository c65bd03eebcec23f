import { parse as parseYamlText, parseAllDocuments } from 'yaml';
import { messageOf } from '@tiphys/kernel';
import { runtimeError } from '../machine.ts';
import { escapeJson, toText } from '../manifest.ts';
import { formatPercent } from './format.ts';
import { fromPlain } from './from-plain.ts';
import { arr, fn, int, num, str, type StdFunctions, type StdTools } from './define.ts';
import type { Thunk, Value } from '../value.ts';

/** Texts. */
export const stringFunctions: StdFunctions = {
  codepoint: fn('str', (_, text) => codePointOf(str(text))),
  char: fn('n', (_, n) => String.fromCodePoint(int(n))),
  substr: fn('str from len', (_, text, from, length) => [...str(text)].slice(natural(from), natural(from) + natural(length)).join('')),
  findSubstr: fn('pat str', (std, pattern, text) => std.array(findAll(str(pattern), str(text)))),
  startsWith: fn('a b', (_, a, b) => str(a).startsWith(str(b))),
  endsWith: fn('a b', (_, a, b) => str(a).endsWith(str(b))),
  stripChars: fn('str chars', (_, text, chars) => strip(str(text), str(chars), true, true)),
  lstripChars: fn('str chars', (_, text, chars) => strip(str(text), str(chars), true, false)),
  rstripChars: fn('str chars', (_, text, chars) => strip(str(text), str(chars), false, true)),
  trim: fn('str', (_, text) => strip(str(text), ' \t\n\f\r\u0085\u00a0', true, true)),
  split: fn('str c', (std, text, by) => split(std, text, by, -1)),
  splitLimit: fn('str c maxsplits', (std, text, by, most) => split(std, text, by, int(most))),
  splitLimitR: fn('str c maxsplits', (std, text, by, most) => splitFromEnd(std, text, by, int(most))),
  strReplace: fn('str from to', (std, text, from, to) => replaceAll(std, str(text), str(from), str(to))),
  isEmpty: fn('str', (_, text) => str(text) === ''),
  equalsIgnoreCase: fn('str1 str2', (_, a, b) => lowerAscii(str(a)) === lowerAscii(str(b))),
  asciiUpper: fn('str', (_, text) => str(text).replaceAll(/[a-z]/g, (char) => char.toUpperCase())),
  asciiLower: fn('str', (_, text) => lowerAscii(str(text))),
  stringChars: fn('str', (std, text) => std.array([...str(text)])),
  format: fn('str vals', ({ machine }, template, values) => formatPercent(machine, str(template), values.force())),
  escapeStringJson: fn('str_', ({ machine }, text) => escapeJson(toText(machine, text.force()))),
  escapeStringPython: fn('str', ({ machine }, text) => escapeJson(toText(machine, text.force()))),
  escapeStringBash: fn('str_', ({ machine }, text) => `'${toText(machine, text.force()).replaceAll("'", `'"'"'`)}'`),
  escapeStringDollars: fn('str_', ({ machine }, text) => toText(machine, text.force()).replaceAll('$', '$$$$')),
  escapeStringXML: fn('str_', ({ machine }, text) => escapeXml(toText(machine, text.force()))),
  parseInt: fn('str', (_, text) => parseDigits(str(text), 10, true)),
  parseOctal: fn('str', (_, text) => parseDigits(str(text), 8, false)),
  parseHex: fn('str', (_, text) => parseDigits(str(text), 16, false)),
  parseJson: fn('str', (std, text) => fromPlain(std, parseJson(str(text)))),
  parseYaml: fn('str', (std, text) => fromPlain(std, parseYaml(str(text)))),
  encodeUTF8: fn('str', (std, text) => std.array([...new TextEncoder().encode(str(text))])),
  decodeUTF8: fn('arr', (std, bytes) => std.text(new TextDecoder().decode(bytesOf(arr(bytes).items)))),
};

function codePointOf(text: string): number {
  if ([...text].length !== 1) throw runtimeError(`codepoint takes a string of length 1, got length ${[...text].length}`);
  return text.codePointAt(0) ?? 0;
}

function natural(thunk: Thunk): number {
  const value = int(thunk);
  if (value < 0) throw runtimeError(`substr parameters should be greater than zero, got ${value}`);
  return value;
}

/** Bytes of an array of numbers. Throws JsonnetError. */
export function bytesOf(items: readonly Thunk[]): Uint8Array {
  return Uint8Array.from(items, (item) => {
    const value = num(item);
    if (!Number.isInteger(value) || value < 0 || value > 255) throw runtimeError(`Expected a byte, got ${value}`);
    return value;
  });
}

function findAll(pattern: string, text: string): readonly number[] {
  if (pattern === '') return [];
  const found: number[] = [];
  const chars = [...text];
  const wanted = [...pattern];
  for (let at = text.indexOf(pattern); at >= 0 && chars.length === text.length; at = text.indexOf(pattern, at + 1)) found.push(at);
  if (chars.length === text.length) return found;
  // Positions count code points where a text has characters beyond the first plane.
  return chars.flatMap((_, at) => (wanted.every((char, ahead) => chars[at + ahead] === char) ? [at] : []));
}

function strip(text: string, chars: string, fromStart: boolean, fromEnd: boolean): string {
  const removed = new Set(chars);
  const all = [...text];
  let start = 0;
  let end = all.length;
  while (fromStart && start < end && removed.has(all[start] ?? '')) start += 1;
  while (fromEnd && end > start && removed.has(all[end - 1] ?? '')) end -= 1;
  return all.slice(start, end).join('');
}

function separatorOf(by: Thunk): string {
  const separator = str(by);
  if (separator === '') throw runtimeError('std.split second parameter should have length 1 or greater, got 0');
  return separator;
}

function split(std: StdTools, text: Thunk, by: Thunk, most: number): Value {
  const separator = separatorOf(by);
  const parts = str(text).split(separator);
  if (most < 0 || parts.length <= most + 1) return std.array(parts);
  return std.array([...parts.slice(0, most), parts.slice(most).join(separator)]);
}

function splitFromEnd(std: StdTools, text: Thunk, by: Thunk, most: number): Value {
  const separator = separatorOf(by);
  const parts = str(text).split(separator);
  if (most < 0 || parts.length <= most + 1) return std.array(parts);
  const cut = parts.length - most;
  return std.array([parts.slice(0, cut).join(separator), ...parts.slice(cut)]);
}

function replaceAll(std: StdTools, text: string, from: string, to: string): string {
  if (from === '') throw runtimeError("'from' string must not be zero length.");
  const parts = text.split(from);
  std.machine.chargeText(text.length + parts.length * to.length);
  return parts.join(to);
}

function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (char) => char.toLowerCase());
}

const XML: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' };

function escapeXml(text: string): string {
  return text.replaceAll(/[<>&"']/g, (char) => XML[char] ?? char);
}

function parseDigits(text: string, base: 8 | 10 | 16, allowsSign: boolean): number {
  const digits = allowsSign && text.startsWith('-') ? text.slice(1) : text;
  const pattern = { 8: /^[0-7]+$/, 10: /^[0-9]+$/, 16: /^[0-9A-Fa-f]+$/ }[base];
  if (!pattern.test(digits)) throw runtimeError(`${JSON.stringify(text)} is not a base ${base} integer`);
  const value = [...digits].reduce((sum, digit) => sum * base + Number.parseInt(digit, base), 0);
  return digits === text ? value : -value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw runtimeError(`failed to parse JSON: ${messageOf(error)}`);
  }
}

// One document gives its value, several give a list, as go-jsonnet's parseYaml does.
function parseYaml(text: string): unknown {
  try {
    const options = { maxAliasCount: 1000, merge: true, version: '1.2' as const };
    if (!/^---/m.test(text.replace(/^---[^\n]*\n/, ''))) return parseYamlText(text, options) ?? null;
    return parseAllDocuments(text, options).map((document) => {
      const [problem] = document.errors;
      if (problem !== undefined) throw problem;
      return document.toJS({ maxAliasCount: 1000 });
    });
  } catch (error) {
    throw runtimeError(`failed to parse YAML: ${messageOf(error)}`);
  }
}
