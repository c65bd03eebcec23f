import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSpecs } from './ladder.ts';

// A spec counts as ported when a suite registers it; what it then says is asserted by its body.
const specs = readSpecs();
const sources = readdirSync(import.meta.dirname)
  .filter((name) => name.startsWith('api-') && name.endsWith('.int.test.ts'))
  .map((name) => {
    const text = readFileSync(join(import.meta.dirname, name), 'utf8');
    // Prefixes are written once a file.
    const prefixes = [...text.matchAll(/const prefix = '([^']+)'/g)].map((match) => match[1] ?? '');
    return prefixes.length === 0 ? [text] : prefixes.map((prefix) => text.replaceAll('${prefix}', prefix));
  })
  .flat();

describe.skipIf(specs.length === 0)('the ladder of conformance', () => {
  it.each([
    ['A', 105],
    ['A-kubectl', 17],
  ])('has a test for each spec of tier %s', (tier, count) => {
    const names = specs.filter((spec) => spec.tier === tier).map(({ codename }) => codename.replace(' [Conformance]', ''));
    expect(names).toHaveLength(count);
    expect(names.filter((name) => !sources.some((text) => text.includes(name)))).toStrictEqual([]);
  });
});
