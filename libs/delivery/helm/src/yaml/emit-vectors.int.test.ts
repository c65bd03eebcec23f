import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { encodeJson } from '../go/json.ts';
import { quote } from '../go/strconv.ts';
import { sprintf } from '../go/printf.ts';
import { GoMap, GoSlice, type GoValue } from '../go/value.ts';
import { writeYaml, writeYamlPretty } from './write-yaml.ts';
import { readYaml } from './read-yaml.ts';

const FILE = fileURLToPath(new URL('../../../../../../shared/vectors/text/yaml-emit.jsonl.xz', import.meta.url));
if (!existsSync(FILE)) process.stderr.write(`skipped: ${FILE} is not there\n`);

interface Row {
  readonly s: string;
  readonly v: string;
  readonly k: string;
  readonly n: string;
  readonly p: string;
  readonly j: string;
  readonly q: string;
  readonly g: string;
}

function map(entries: Readonly<Record<string, GoValue>>): GoMap {
  return new GoMap(new Map(Object.entries(entries)));
}

describe.skipIf(!existsSync(FILE))('recorded strings', () => {
  test('are written as the real emitters write them', () => {
    const rows = execFileSync('xz', ['-dc', FILE], { maxBuffer: 2 ** 28 })
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row); // the vectors' own format
    const differences: string[] = [];
    const check = (form: string, row: Row, actual: string, wanted: string): void => {
      if (actual.replace(/\n$/, '') !== wanted)
        differences.push(`${form} ${JSON.stringify(row.s)}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
    };
    for (const row of rows) {
      check('v', row, writeYaml(row.s), row.v);
      check('k', row, writeYaml(new GoMap(new Map([[row.s, 1]]))), row.k);
      check('n', row, writeYaml(map({ a: new GoSlice([row.s, map({ b: row.s })]) })), row.n);
      check('j', row, encodeJson(row.s), row.j);
      check('q', row, quote(row.s), row.q);
      check('g', row, sprintf('%q', [row.s]), row.g);
      check('p', row, writeYamlPretty(row.s), row.p);
    }
    expect(rows.length).toBeGreaterThan(1000);
    expect({ count: differences.length, first: differences.slice(0, 5) }).toEqual({ count: 0, first: [] });
  });

  test('are read back', () => {
    const text = 'a: "\\u00e9"\nb: [1, 2]\n';
    expect(writeYaml(readYaml(text))).toBe('a: é\nb:\n- 1\n- 2\n');
  });
});
