import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');

// One line a lib: what others may use. A new name is a decision, so it shows in a reviewed diff (`npx vitest run test/architecture -u` writes it).
it('names what each lib exports', async () => {
  const folders = ['libs/kernel', 'libs/testkit', ...['kube', 'plane', 'delivery'].flatMap((side) => roomsOf(side))];
  const lines = folders.map((folder) => `${folder}: ${exportedNames(readFileSync(path.join(root, folder, 'src/index.ts'), 'utf8')).join(' ')}`);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('exports.txt');
});

function roomsOf(side: string): readonly string[] {
  return readdirSync(path.join(root, 'libs', side))
    .map((name) => `libs/${side}/${name}`)
    .filter((folder) => existsSync(path.join(root, folder, 'src/index.ts')))
    .toSorted();
}

function exportedNames(index: string): readonly string[] {
  const named = [...index.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}/g)].flatMap((match) => (match[1] ?? '').split(','));
  return named
    .map((name) =>
      name
        .trim()
        .replace(/^type\s+/, '')
        .replace(/^.*\sas\s/, ''),
    )
    .filter((name) => name !== '')
    .toSorted();
}
