import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hookAttacks } from './hook-attacks.ts';
import { manifestAttacks } from './manifest-attacks.ts';
import { patternAttacks } from './pattern-attacks.ts';
import { processAttacks } from './process-attacks.ts';
import { sourceAttacks } from './source-attacks.ts';
import { carryOut } from './tenants-attack.ts';
import { createStage, type Stage } from './tenants-stage.ts';

const CANARY = 'team-b-canary';
let stage: Stage;
let attacks = 0;
let escapes = 0;

beforeAll(async () => {
  stage = await createStage();
  await stage.changes();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  process.stdout.write(`tenants: ${attacks} attacks, ${escapes} escapes\n`);
});

// Law: whatever team-a tries, no object but its own comes, goes or changes, nothing of team-b is shown to it, and it is told why.
describe.each([
  ['patterns', patternAttacks],
  ['manifests', manifestAttacks],
  ['hooks', hookAttacks],
  ['sources', sourceAttacks],
  ['processes', processAttacks],
] as const)('%s', (group, list) => {
  it.each(list.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
    attacks += 1;
    escapes += 1;
    const { words, changed, shown } = await carryOut(stage, attack, `${group}-${list.indexOf(attack)}`);
    expect(changed).toEqual([]);
    expect(shown).not.toContain(CANARY);
    expect(words).not.toContain(CANARY);
    expect(words).toMatch(attack.says);
    escapes -= 1;
  });
});
