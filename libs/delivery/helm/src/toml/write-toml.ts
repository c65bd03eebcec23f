import { formatFloat } from '../go/strconv.ts';
import { compareStrings, fromBytes } from '../go/text.ts';
import { momentIn } from '../go/time.ts';
import { formatTime } from '../go/time-layout.ts';
import { GoBytes, GoInt, GoMap, GoSlice, type GoObject, type GoValue } from '../go/value.ts';

/** TOML as BurntSushi's encoder writes it: direct keys before tables, tables indented by two spaces. Throws with its words. */
export function writeToml(value: GoValue): string {
  if (!(value instanceof GoMap)) throw new Error('toml: top-level values must be Go maps or structs');
  const writer: Writer = { out: '' };
  writeTable(writer, [], value);
  return writer.out;
}

interface Writer {
  out: string;
}

function newline(writer: Writer): void {
  if (writer.out !== '') writer.out += '\n';
}

function indentOf(path: readonly string[]): string {
  return '  '.repeat(Math.max(path.length - 1, 0));
}

function writeTable(writer: Writer, path: readonly string[], table: GoMap): void {
  const keys = [...table.entries.keys()].sort(compareStrings);
  const sub = new Set(keys.filter((key) => isTable(table.entries.get(key) ?? null)));
  for (const key of [...keys.filter((name) => !sub.has(name)), ...sub]) writeEntry(writer, [...path, key], table.entries.get(key) ?? null);
}

function isTable(value: GoValue): boolean {
  return value instanceof GoMap || isTableArray(value);
}

function isTableArray(value: GoValue): value is GoSlice {
  if (!(value instanceof GoSlice) || value.items.length === 0) return false;
  if (value.items.includes(null)) throw new Error('toml: cannot encode array with nil element');
  return value.items.every((item) => item instanceof GoMap);
}

function writeEntry(writer: Writer, path: readonly string[], value: GoValue): void {
  if (value === null || ((value instanceof GoMap || value instanceof GoSlice) && value.isNil)) return;
  if (value instanceof GoMap) {
    if (path.length === 1) newline(writer);
    writer.out += `${indentOf(path)}[${path.map(keyText).join('.')}]\n`;
    writeTable(writer, path, value);
  } else if (isTableArray(value)) {
    for (const item of value.items) {
      newline(writer);
      writer.out += `${indentOf(path)}[[${path.map(keyText).join('.')}]]\n`;
      if (item instanceof GoMap) writeTable(writer, path, item);
    }
  } else {
    writer.out += `${indentOf(path)}${keyText(path.at(-1) ?? '')} = ${elementText(value)}\n`;
  }
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key);
}

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r' };

function quoted(text: string): string {
  const escaped = text.replace(/["\\\x00-\x1f\x7f]/g, (found) => SHORT[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`); // eslint-disable-line no-control-regex
  return `"${escaped}"`;
}

function elementText(value: GoValue): string {
  if (value === null) throw new Error('toml: cannot encode array with nil element');
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return floatText(value);
  if (value instanceof GoInt) return value.value.toString();
  if (value instanceof GoBytes) return `[${[...value.bytes].join(', ')}]`;
  if (value instanceof GoSlice) return `[${value.items.map(elementText).join(', ')}]`;
  if (value instanceof GoMap) {
    const keys = [...value.entries.keys()].sort(compareStrings).filter((key) => value.entries.get(key) !== null);
    return `{${keys.map((key) => `${keyText(key)} = ${elementText(value.entries.get(key) ?? null)}`).join(', ')}}`;
  }
  return objectText(value);
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? '+inf' : '-inf';
  const text = formatFloat(value, 'g', -1);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function objectText(value: GoObject): string {
  const moment = momentIn(value);
  if (moment !== undefined) return formatTime(moment, '2006-01-02T15:04:05.999999999Z07:00');
  return quoted(value.string?.() ?? fromBytes(new Uint8Array()));
}
