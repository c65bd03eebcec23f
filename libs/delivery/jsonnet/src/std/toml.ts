import { runtimeError, type Machine } from '../machine.ts';
import { escapeJson, formatNumber } from '../manifest.ts';
import { JsonnetArray, JsonnetFunction, JsonnetObject, type Value } from '../value.ts';

/** Writes an object as TOML: plain values first, then tables (std.manifestTomlEx). */
export function writeToml(machine: Machine, value: JsonnetObject, indent: string): string {
  return tableBody(machine, value, [], '', indent).join('\n');
}

const key = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : escapeJson(name));
const isTable = (value: Value): value is JsonnetObject => value instanceof JsonnetObject;
const isTableArray = (value: Value): value is JsonnetArray => value instanceof JsonnetArray && value.items.length > 0 && value.values().every(isTable);

function tableBody(machine: Machine, table: JsonnetObject, path: readonly string[], at: string, indent: string): string[] {
  const names = table.names(false);
  table.check();
  const plain = names.filter((name) => !isTable(table.get(name)) && !isTableArray(table.get(name)));
  const lines = plain.map((name) => `${at}${key(name)} = ${writeValue(machine, table.get(name), at, indent, false)}`);
  const sections = names.flatMap((name) => {
    const value = table.get(name);
    const inner = [...path, name];
    const title = inner.map((part) => key(part)).join('.');
    const below = (item: JsonnetObject, head: string): string => {
      const body = machine.enter(() => tableBody(machine, item, inner, `${at}${indent}`, indent));
      return [`${at}${head}`, ...body].join('\n');
    };
    if (isTable(value)) return [below(value, `[${title}]`)];
    return isTableArray(value)
      ? value
          .values()
          .filter(isTable)
          .map((item) => below(item, `[[${title}]]`))
      : [];
  });
  return sections.length === 0
    ? lines
    : [...(lines.length === 0 ? [] : [lines.join('\n')]), sections.join('\n\n')].flatMap((part, index) => (index === 0 ? [part] : ['', part]));
}

function writeValue(machine: Machine, value: Value, at: string, indent: string, isInline: boolean): string {
  if (value === null) throw runtimeError('Tried to manifest "null" in TOML');
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return escapeJson(value);
  if (value instanceof JsonnetFunction) throw runtimeError('Tried to manifest function in TOML');
  if (value instanceof JsonnetObject)
    return `{ ${value
      .names(false)
      .map((name) => `${key(name)} = ${writeValue(machine, value.get(name), '', indent, true)}`)
      .join(', ')} }`;
  if (value.items.length === 0) return '[]';
  const items = value.values().map((item) => machine.enter(() => writeValue(machine, item, '', indent, true)));
  if (isInline) return `[ ${items.join(', ')} ]`;
  return `[\n${items.map((item) => `${at}${indent}${item}`).join(',\n')}\n${at}]`;
}
