import { JsonnetError } from './jsonnet-error.ts';
import { runtimeError, type Machine } from './machine.ts';
import { JsonnetArray, JsonnetFunction, JsonnetObject, type Value } from './value.ts';

/** JSON as plain data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** How JSON text is laid out. */
export interface JsonLayout {
  readonly indent: string;
  readonly newline: string;
  readonly separator: string;
  /** What stands between the brackets of what is empty; without it two line ends where there are any. */
  readonly filler?: string;
}

const ONE_LINE: JsonLayout = { indent: '', newline: '', separator: ': ', filler: ' ' };

/** Works out a value to plain data, visible fields only. Throws JsonnetError. */
export function toJson(machine: Machine, value: Value): Json {
  if (value instanceof JsonnetFunction) throw new JsonnetError({ code: 'manifest' }, "RUNTIME ERROR: Couldn't manifest function in JSON output.");
  if (value instanceof JsonnetArray) {
    machine.chargeItems(value.items.length);
    return value.items.map((item) => machine.enter(() => toJson(machine, item.force())));
  }
  if (!(value instanceof JsonnetObject)) return value;
  value.check();
  const names = value.names(false);
  machine.chargeItems(names.length);
  return Object.fromEntries(names.map((name) => [name, machine.enter(() => toJson(machine, value.get(name)))]));
}

/** What `std.toString` makes of a value. */
export function toText(machine: Machine, value: Value): string {
  return typeof value === 'string' ? value : writeJson(machine, value, ONE_LINE);
}

/** Writes a value as JSON text. */
export function writeJson(machine: Machine, value: Value, layout: JsonLayout, indent: string = ''): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return escapeJson(value);
  if (value instanceof JsonnetFunction) throw runtimeError("Couldn't manifest function in JSON output.");
  const inner = indent + layout.indent;
  const filler = layout.filler ?? (layout.newline === '' ? '' : `${layout.newline}${layout.newline}${indent}`);
  const write = (item: Value): string => machine.enter(() => writeJson(machine, item, layout, inner));
  const wrap = (open: string, parts: readonly string[], close: string): string => {
    const between = layout.newline === '' ? (layout.separator === ':' ? ',' : ', ') : `,${layout.newline}${inner}`;
    const text = `${open}${layout.newline}${layout.newline === '' ? '' : inner}${parts.join(between)}${layout.newline}${layout.newline === '' ? '' : indent}${close}`;
    machine.chargeText(text.length);
    return text;
  };
  if (value instanceof JsonnetArray)
    return value.items.length === 0
      ? `[${filler}]`
      : wrap(
          '[',
          value.items.map((item) => write(item.force())),
          ']',
        );
  value.check();
  const names = value.names(false);
  return names.length === 0
    ? `{${filler}}`
    : wrap(
        '{',
        names.map((name) => `${escapeJson(name)}${layout.separator}${write(value.get(name))}`),
        '}',
      );
}

/** A number as go-jsonnet prints it: all digits of an integer, else 17 significant ones (unparseNumber, `%.17g`). */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return Object.is(value, -0) ? '-0' : BigInt(value).toString();
  const [digits = '', exponent = '0'] = value.toExponential(16).split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 17) return `${trimZeros(digits)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  return trimZeros(value.toFixed(Math.min(100, 16 - power)));
}

function trimZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text as a JSON string: also DEL and C1 controls are escaped, as std.escapeStringJson does. */
export function escapeJson(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is escaped
  return `"${text.replaceAll(/["\\\u0000-\u001f\u007f-\u009f]/g, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}
