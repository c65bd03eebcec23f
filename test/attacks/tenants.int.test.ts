import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deletionAttacks } from './deletion-attacks.ts';
import { detourAttacks } from './detour-attacks.ts';
import { hookAttacks } from './hook-attacks.ts';
import { manifestAttacks } from './manifest-attacks.ts';
import { patternAttacks } from './pattern-attacks.ts';
import { processAttacks } from './process-attacks.ts';
import { sourceAttacks } from './source-attacks.ts';
import { carryOut, manifest } from './tenants-attack.ts';
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

it('lets team-a do what it may', async () => {
  const files = {
    'a.yaml': manifest('ConfigMap', 'own'),
    'b.yaml': manifest('Job', 'own', 'a-prod', { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } }),
  };
  const { changed, words } = await carryOut(stage, { name: 'none', files, says: /./ }, 'control-0');
  expect(words).toContain('successfully synced');
  expect(changed.filter((key) => !key.startsWith('Pod/'))).toEqual(['ConfigMap/a-shop/own', 'Job/a-prod/own']);
});

// Law: whatever team-a tries, no object but its own comes, goes or changes, nothing of team-b is shown to it, and it is told why.
describe.each([
  ['patterns', patternAttacks],
  ['manifests', manifestAttacks],
  ['hooks', hookAttacks],
  ['sources', sourceAttacks],
  ['detours', detourAttacks],
  ['deletions', deletionAttacks],
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
