import { runtimeError, type Machine } from '../machine.ts';
import { escapeJson, formatNumber } from '../manifest.ts';
import { JsonnetArray, JsonnetFunction, JsonnetObject, type Value } from '../value.ts';

/** How std.manifestYamlDoc lays out YAML. */
export interface YamlLayout {
  readonly indentsArrays: boolean;
  readonly quotesKeys: boolean;
}

const WORDS: ReadonlySet<string> = new Set('true false yes no on off y n .nan -.inf +.inf .inf null - ---'.split(' '));

/** Writes a value as a YAML document. */
export function writeYaml(machine: Machine, value: Value, options: YamlLayout, indent: string = ''): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return writeText(value, indent);
  if (value instanceof JsonnetFunction) throw runtimeError(`Tried to manifest function`);
  machine.chargeText(indent.length);
  const inner = (item: Value, at: string): string => machine.enter(() => writeYaml(machine, item, options, at));
  if (value instanceof JsonnetArray) {
    if (value.items.length === 0) return '[]';
    return value
      .values()
      .map((item) => {
        if (item instanceof JsonnetArray && item.items.length > 0) return `-\n${indent}  ${inner(item, `${indent}  `)}`;
        // A text hangs below its dash, not below the text of its line.
        return `- ${inner(item, typeof item === 'string' ? indent : `${indent}  `)}`;
      })
      .join(`\n${indent}`);
  }
  return writeObject(value, options, indent, inner);
}

function writeObject(value: JsonnetObject, { indentsArrays, quotesKeys }: YamlLayout, indent: string, inner: (item: Value, at: string) => string): string {
  const names = value.names(false);
  value.check();
  if (names.length === 0) return '{}';
  return names
    .map((name) => {
      const item = value.get(name);
      const key = !quotesKeys && isBare(name) ? name : escapeJson(name);
      if (item instanceof JsonnetArray && item.items.length > 0) {
        const at = indentsArrays ? `${indent}  ` : indent;
        return `${key}:\n${at}${inner(item, at)}`;
      }
      if (item instanceof JsonnetObject && item.names(false).length > 0) return `${key}:\n${indent}  ${inner(item, `${indent}  `)}`;
      return `${key}: ${inner(item, indent)}`;
    })
    .join(`\n${indent}`);
}

function writeText(text: string, indent: string): string {
  if (!text.endsWith('\n')) return escapeJson(text);
  const lines = text.split('\n');
  return `|\n${lines
    .slice(0, -1)
    .map((line) => `${indent}  ${line}`)
    .join('\n')}`;
}

const count = (key: string, char: string): number => key.split(char).length - 1;

// Whether a key may stand without quotes: plain characters, and nothing YAML might read as a number, date or keyword (std.manifestYamlDoc, quote_keys=false).
function isBare(key: string): boolean {
  const lower = key.toLowerCase();
  if (!/^[A-Za-z0-9_/.-]+$/.test(key) || WORDS.has(lower)) return false;
  const dashes = count(key, '-');
  if (/^[0-9-]+$/.test(key) && dashes === 2) return false;
  if (/^[0-9_-]+$/.test(key) && dashes < 2) return false;
  if (/^[0-9b_-]{3,}$/.test(lower) && /^-?0b/.test(key)) return false;
  if (/^[0-9a-fx_-]{3,}$/.test(lower) && dashes < 2 && /^-?0x/.test(key)) return false;
  return !(/^[0-9e._-]+$/.test(lower) && count(key, '.') === 1 && dashes < 3 && count(lower, 'e') < 2);
}
