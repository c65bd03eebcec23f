import { jsonFloat } from './strconv.ts';
import { measure } from './measure.ts';
import { compareStrings, toValidText } from './text.ts';
import { GoBytes, GoInt, GoMap, GoObject, GoSlice, type GoValue } from './value.ts';

/** How JSON is laid out. `escapeHtml` writes `<`, `>` and `&` as escapes, as Go does unless told otherwise. */
export interface JsonOptions {
  readonly escapeHtml?: boolean;
  readonly indent?: string;
}

/** Go's encoding/json: sorted keys, its float form and escapes. Throws for NaN and infinities. */
export function encodeJson(value: GoValue, options: JsonOptions = {}): string {
  measure(value);
  return write(value, options.escapeHtml ?? true, options.indent, '\n');
}

function write(value: GoValue, html: boolean, indent: string | undefined, newline: string): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return jsonString(value, html);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`);
    return jsonFloat(value);
  }
  if (typeof value === 'boolean') return String(value);
  if (value instanceof GoInt) return value.value.toString();
  if (value instanceof GoBytes) return `"${Buffer.from(value.bytes).toString('base64')}"`;
  const inner = newline + (indent ?? '');
  if (value instanceof GoSlice) {
    if (value.isNil) return 'null';
    return wrap(
      value.items.map((item) => write(item, html, indent, inner)),
      '[',
      ']',
      indent === undefined ? undefined : [inner, newline],
    );
  }
  const colon = indent === undefined ? ':' : ': ';
  const pairs = entriesOf(value).map(([key, item]) => `${jsonString(key, html)}${colon}${write(item, html, indent, inner)}`);
  if (value instanceof GoMap && value.isNil) return 'null';
  if (value instanceof GoObject && pairs.length === 0 && value.string !== undefined) return jsonString(value.string(), html);
  return wrap(pairs, '{', '}', indent === undefined ? undefined : [inner, newline]);
}

function entriesOf(value: GoMap | GoObject): [string, GoValue][] {
  if (value instanceof GoObject) return Object.entries(value.fields);
  return [...value.entries].sort((a, b) => compareStrings(a[0], b[0]));
}

function wrap(parts: readonly string[], open: string, close: string, lines: readonly [string, string] | undefined): string {
  if (parts.length === 0) return open + close;
  if (lines === undefined) return open + parts.join(',') + close;
  return `${open}${lines[0]}${parts.join(`,${lines[0]}`)}${lines[1]}${close}`;
}

const NEEDS_ESCAPE = /["\\\x00-\x1f<>&\u2028\u2029\ud800-\udfff]/; // eslint-disable-line no-control-regex
const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };

function jsonString(text: string, html: boolean): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  // oxlint-disable-next-line no-control-regex
  const escaped = toValidText(text).replace(/["\\\x00-\x1f<>&\u2028\u2029]/g, (found) => {
    const short = SHORT[found];
    if (short !== undefined) return short;
    if (!html && (found === '<' || found === '>' || found === '&')) return found;
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
