import { formatYaml } from '@tiphys/kube-yaml';
import { CliError } from './cli-error.ts';

/** Forms an answer can be printed in. */
export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name';

/** A column of a table; `wide` ones show only with `-o wide`. */
export interface Column<T> {
  readonly title: string;
  readonly wide?: boolean;
  readonly cell: (row: T) => string;
}

/** Reads the value of `-o`. Throws CliError. */
export function parseFormat(text: string | undefined): OutputFormat {
  switch (text ?? 'table') {
    case 'table':
    case 'wide':
    case 'json':
    case 'yaml':
    case 'name':
      return (text ?? 'table') as OutputFormat; // One of the five just named.
    default:
      throw new CliError({ code: 'usage' }, `output format "${text ?? ''}" is none of wide, json, yaml, name`);
  }
}

/** A list in the form asked for. */
export function formatList<T>(rows: readonly T[], columns: readonly Column<T>[], format: OutputFormat, nameOf: (row: T) => string): string {
  if (format === 'json') return `${JSON.stringify({ items: rows }, null, 2)}\n`;
  if (format === 'yaml') return formatYaml({ items: rows });
  if (format === 'name') return rows.map((row) => `${nameOf(row)}\n`).join('');
  const shown = columns.filter((column) => format === 'wide' || column.wide !== true);
  return formatTable([shown.map((column) => column.title), ...rows.map((row) => shown.map((column) => column.cell(row)))]);
}

/** A value as JSON or YAML. */
export function formatValue(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : formatYaml(value);
}

/** Rows in aligned columns, three spaces apart as kubectl prints them. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((row) => (row[column] ?? '').length)));
  return clean
    .map(
      (row) =>
        `${row
          .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

// Anything that came from a cluster or a repository may carry escape sequences meant for the terminal (CVE-2021-25743).
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text that cannot command the terminal. */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** How long ago, as kubectl abbreviates it. */
export function formatAge(timestamp: string | undefined, nowMs: number): string {
  if (timestamp === undefined || timestamp === '') return '-';
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(timestamp)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A value of a field on one line. */
export function formatField(value: unknown): string {
  if (value === undefined) return '(absent)';
  return printable(typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value));
}
