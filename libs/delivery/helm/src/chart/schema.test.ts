import { describe, expect, test } from 'vitest';
import { loadChart } from './load-chart.ts';
import { mergeUserValues } from './merge-user-values.ts';
import { validateSchemas } from './schema.ts';

function check(schema: object, values: string): string {
  const chart = loadChart([
    { name: 'Chart.yaml', data: Buffer.from('apiVersion: v2\nname: c\nversion: 1.0.0\n') },
    { name: 'values.schema.json', data: Buffer.from(JSON.stringify(schema)) },
  ]);
  try {
    validateSchemas(chart, mergeUserValues({ files: [{ path: 'v', text: values }] }));
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const HEAD = "values don't meet the specifications of the schema(s) in the following chart(s):\nc:\n";

describe('values.schema.json', () => {
  test.each<[string, object, string, string]>([
    [
      '2020-12 by default',
      { $defs: { p: { type: 'integer' } }, properties: { port: { $ref: '#/$defs/p' } } },
      'port: x',
      "- at '/port': got string, want integer\n",
    ],
    ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', required: ['a', 'b'] }, 'x: 1', "- at '': missing properties 'a', 'b'\n"],
    [
      'draft-04',
      { $schema: 'http://json-schema.org/draft-04/schema#', properties: { u: { minimum: 1, exclusiveMinimum: true } } },
      'u: 1',
      "- at '/u': exclusiveMinimum: got 1, want 1\n",
    ],
    [
      '2019-09',
      { $schema: 'https://json-schema.org/draft/2019-09/schema', additionalProperties: false },
      'x: 1',
      "- at '': additional properties 'x' not allowed\n",
    ],
    ['enum', { properties: { e: { enum: ['a', 'b'] } } }, 'e: c', "- at '/e': value must be one of 'a', 'b'\n"],
    [
      'branches',
      { properties: { e: { anyOf: [{ type: 'string' }, { type: 'null' }] } } },
      'e: 1',
      "- at '/e': anyOf failed\n  - at '/e': got number, want string\n  - at '/e': got number, want null\n",
    ],
    [
      'patterns in linear time',
      { properties: { p: { pattern: '^(a+)+$' } } },
      `p: ${'a'.repeat(40)}b`,
      `- at '/p': '${'a'.repeat(40)}b' does not match pattern '^(a+)+$'\n`,
    ],
    ['no network', { $ref: 'https://example.com/s.json' }, 'x: 1', 'failing loading "https://example.com/s.json": (no network)'],
  ])('%s', (_, schema, values, wanted) => {
    expect(check(schema, values)).toBe(HEAD + wanted);
  });

  test('a value that fits passes', () => {
    expect(check({ properties: { port: { type: 'integer' } }, required: ['port'] }, 'port: 80')).toBe('');
  });
});
