import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fromJson, GoInt, GoMap, GoObject, GoSlice, type GoValue } from '../go/value.ts';
import { parseTime } from '../go/time-layout.ts';
import { goTime } from '../go/time.ts';
import { Budget } from '../template/budget.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionEnvironment, FunctionTable } from '../template/function-table.ts';
import { createTemplateSet } from '../template/template-set.ts';
import { define } from './define.ts';
import { helmFunctions } from './table.ts';

interface Row {
  readonly tpl: string;
  readonly vars: unknown;
  readonly out?: string;
  readonly err?: string;
}

const NOW_MS = Date.parse('2026-11-22T09:19:31.93Z');
const VECTORS = fileURLToPath(new URL('../../../../../../shared/vectors/text/', import.meta.url));

const environment: FunctionEnvironment = {
  yaml: {
    toYaml: () => '',
    toYamlPretty: () => '',
    fromYaml: () => null,
  },
  nowMs: () => NOW_MS,
  randomBytes: (length) => randomBytes(length),
  getHostByName: () => {
    throw new GoError('invalid argument to Intn');
  },
};

// Sprig has two functions that Helm takes away, and its tests set one variable.
const sprigFunctions: FunctionTable = new Map([
  ...helmFunctions,
  ['env', define('string', () => 'bar')],
  ['expandenv', define('string', ([text]) => String(text).replace('$FOO', 'bar'))],
  // Sprig's own, which Helm replaces by one that gives {Error: …}.
]);

function rows(file: string): Row[] {
  const text = execFileSync('xz', ['-dc', `${VECTORS}${file}`], { maxBuffer: 1 << 28 }).toString();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row); // the vectors' own shape
}

// Numbers of Go test data are ints unless written with a fraction.
function goData(value: unknown): GoValue {
  if (typeof value === 'number' && Number.isInteger(value)) return new GoInt('int', BigInt(value));
  if (Array.isArray(value)) return new GoSlice(value.map(goData));
  if (value !== null && typeof value === 'object') return new GoMap(new Map(Object.entries(value).map(([key, item]) => [key, goData(item)])));
  return fromJson(value);
}

function dataFor(row: Row): GoValue {
  if (row.out === 'ptr' || row.out?.includes('fixtureTO') === true || row.tpl.includes('fixtureTO')) {
    return typeof row.vars === 'string' ? row.vars : new GoObject({ typeName: '*sprig.fixtureTO' });
  }
  if (row.tpl === '{{kindOf .}}' && row.out === 'struct') return new GoObject({ typeName: 'sprig.fixtureTO' });
  if (row.tpl.includes('kindIs "ptr"')) return row.out === 't' ? new GoObject({ typeName: '*sprig.fixtureTO' }) : 'hello';
  const data = goData(row.vars);
  const time = data instanceof GoMap ? data.entries.get('Time') : undefined;
  if (data instanceof GoMap && typeof time === 'string' && /^\d{4}-/.test(time))
    data.entries.set('Time', goTime(parseTime('2006-01-02T15:04:05.999999999Z07:00', time)));
  return data;
}

function render(row: Row): string {
  const set = createTemplateSet({ functions: sprigFunctions, environment, budget: new Budget(), missingKey: 'default' });
  set.parse('test', row.tpl);
  return set.execute('test', dataFor(row));
}

const VOLATILE = /gen[A-Z]\w+|rand[A-Z]\w+|uuidv4|shuffle|bcrypt|htpasswd|date_in_zone "02 Jan 06 15:04 -0700" \.Time "UTC"|ago/;

// What another run would change, masked on both sides.
function shape(text: string): string {
  return text
    .replace(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g, '<$1>')
    .replace(/\$2a\$10\$[./A-Za-z0-9]{53}/g, '<bcrypt>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, '<uuid>');
}

const available = existsSync(`${VECTORS}sprig.jsonl.xz`);
if (!available) process.stderr.write(`sprig vectors: not found under ${VECTORS}, skipped\n`);

describe.skipIf(!available)('Sprig vectors', () => {
  const all = available ? rows('sprig.jsonl.xz') : [];

  it.each(all.map((row, index) => [index, row.tpl.slice(0, 60), row] as const))('%i %s', (_index, _name, row) => {
    if (row.err !== undefined) {
      let message = '';
      try {
        render(row);
      } catch (error) {
        message = error instanceof Error ? error.message : '';
      }
      expect(message).toBe(row.err);
      return;
    }
    const out = render(row);
    const wanted = row.out ?? '';
    if (out === wanted) return;
    expect(VOLATILE.test(row.tpl), `${row.tpl} gave ${out}, wanted ${wanted}`).toBe(true);
    if (/randInt/.test(row.tpl)) expect(out).toMatch(/^\d+$/);
    else if (/rand|shuffle/.test(row.tpl)) expect([...out].length).toBe([...wanted].length);
    else if (/b64enc/.test(row.tpl)) expect(out).toMatch(/^[A-Za-z0-9+/]+=*$/);
    else if (/ago|date_in_zone/.test(row.tpl)) expect(out.replace(/\d+/g, '0')).toBe(wanted.replace(/\d+/g, '0'));
    else expect(shape(out)).toBe(shape(wanted));
  });
});

describe.skipIf(!available)('number vectors', () => {
  it('prints every float as Go does', () => {
    const text = execFileSync('xz', ['-dc', `${VECTORS}float-format.jsonl.xz`], { maxBuffer: 1 << 28 }).toString();
    const set = createTemplateSet({ functions: helmFunctions, environment });
    const forms = [
      '{{ print . }}',
      '{{ . }}',
      '{{ quote . }}',
      '{{ toJson . }}',
      '',
      '{{ printf "%v" . }}',
      '{{ printf "%.2f" . }}',
      '{{ printf "%g" . }}',
      '{{ printf "%e" . }}',
      '{{ int64 . }}',
    ];
    forms.forEach((form, index) => set.parse(`form${index}`, form));
    const wrong: string[] = [];
    for (const line of text.trimEnd().split('\n')) {
      const row = JSON.parse(line) as { f: string; r: string[] }; // the vectors' own shape
      const value = Number(row.f);
      forms.forEach((form, index) => {
        if (form === '') return;
        const got = set.execute(`form${index}`, value);
        if (got !== row.r[index]) wrong.push(`${row.f} ${form}: ${got}, wanted ${row.r[index] ?? ''}`);
      });
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });
});
