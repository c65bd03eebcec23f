import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { builtinModules } from 'node:module';
import { describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');

interface Room {
  readonly name: string;
  readonly folder: string;
  readonly layer: string;
  readonly side: string;
  readonly dependencies: readonly string[];
  readonly imports: readonly { readonly file: string; readonly target: string }[];
}

/** Which side may import which: everything else is forbidden. */
const SIDES: Readonly<Record<string, { readonly to: readonly string[]; readonly why: string }>> = {
  shared: { to: ['shared'], why: 'kernel and kube serve both sides and know neither' },
  plane: { to: ['plane', 'shared'], why: 'the plane is a Kubernetes API and knows nothing of Git or applications' },
  delivery: { to: ['delivery', 'shared'], why: 'delivery drives any Kubernetes API and knows ours only by its kubeconfig' },
  app: { to: ['app', 'delivery', 'plane', 'shared'], why: 'composition roots wire everything' },
};

/** Rooms that decide: no I/O, no clock, no randomness. */
const PURE = [
  '@tiphys/kube-model',
  '@tiphys/kube-patch',
  '@tiphys/kube-cel',
  '@tiphys/plane-quota',
  '@tiphys/delivery-actions',
  '@tiphys/delivery-applications',
  '@tiphys/delivery-diff',
  '@tiphys/delivery-health',
];

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' ? [] : filesBelow(file);
    return /\.tsx?$/.test(entry.name) ? [file] : [];
  });
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g;

function importsOf(folder: string): Room['imports'] {
  return filesBelow(folder)
    .filter((file) => !/\.test(-suite)?\.ts$/.test(file))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => ({ file: path.relative(root, file), target: match[1] ?? match[2] ?? match[3] ?? '' })),
    );
}

function loadRooms(): readonly Room[] {
  const folders = [
    'libs/kernel',
    'libs/testkit',
    ...['libs/kube', 'libs/plane', 'libs/delivery', 'apps'].flatMap((parent) => readdirSync(path.join(root, parent)).map((child) => `${parent}/${child}`)),
  ];
  return folders
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
        readonly name: string;
        readonly dependencies?: object;
        readonly devDependencies?: object;
        readonly nx: { readonly tags: readonly string[] };
      };
      const tag = (kind: string): string => manifest.nx.tags.find((text) => text.startsWith(`${kind}:`))?.slice(kind.length + 1) ?? '';
      return {
        name: manifest.name,
        folder,
        layer: tag('layer'),
        side: tag('side'),
        dependencies: Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }),
        imports: importsOf(path.join(root, folder, 'src')),
      };
    });
}

const rooms = loadRooms();
const byName = new Map(rooms.map((room) => [room.name, room]));
const packageOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
const outside = (room: Room): Room['imports'] => room.imports.filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'));

describe('rooms', () => {
  it('are found', () => {
    expect(rooms.length).toBeGreaterThan(20);
  });

  it.each(rooms.map((room) => [room.name, room] as const))('%s imports only sides it may', (_name, room) => {
    // testkit assembles planes for tests and ships with nothing.
    if (room.layer === 'testkit') return;
    const allowed = SIDES[room.side]?.to ?? [];
    const bad = outside(room).filter(({ target }) => {
      const other = byName.get(packageOf(target));
      return other !== undefined && !allowed.includes(other.side);
    });
    expect(bad, SIDES[room.side]?.why ?? `unknown side ${room.side}`).toEqual([]);
  });

  it.each(rooms.map((room) => [room.name, room] as const))('%s declares what it imports', (_name, room) => {
    const undeclared = outside(room).filter(({ target }) => !builtinModules.includes(target) && !room.dependencies.includes(packageOf(target)));
    expect(undeclared).toEqual([]);
  });

  it.each(rooms.map((room) => [room.name, room] as const))('%s imports rooms by their one entry, and testkit never', (_name, room) => {
    expect(outside(room).filter(({ target }) => target.startsWith('@tiphys/') && target !== packageOf(target))).toEqual([]);
    if (room.layer !== 'testkit') expect(outside(room).filter(({ target }) => target === '@tiphys/testkit')).toEqual([]);
  });

  it.each(PURE)('%s has no I/O', (name) => {
    const bad = byName.get(name)?.imports.filter(({ target }) => target.startsWith('node:') || builtinModules.includes(target));
    expect(bad).toEqual([]);
  });

  it('have no cycles', () => {
    const visiting = new Set<string>();
    const done = new Set<string>();
    const visit = (name: string, trail: readonly string[]): void => {
      if (done.has(name)) return;
      if (visiting.has(name)) throw new Error(`cycle: ${[...trail, name].join(' -> ')}`);
      visiting.add(name);
      for (const dependency of byName.get(name)?.dependencies ?? []) if (byName.has(dependency)) visit(dependency, [...trail, name]);
      visiting.delete(name);
      done.add(name);
    };
    for (const { name } of rooms) visit(name, []);
    expect(done.size).toBe(rooms.length);
  });
});

describe('the house', () => {
  it('names every lib in a README of at most 60 lines', () => {
    const bad = rooms
      .filter(({ folder }) => folder.startsWith('libs/'))
      .filter(({ folder }) => {
        const readme = path.join(root, folder, 'README.md');
        return !existsSync(readme) || readFileSync(readme, 'utf8').trimEnd().split('\n').length > 60;
      });
    expect(bad.map(({ folder }) => folder)).toEqual([]);
  });

  it('has no room without a name', () => {
    const files = rooms.flatMap(({ folder }) => filesBelow(path.join(root, folder, 'src')));
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|types)\.tsx?$/.test(file))).toEqual([]);
  });

  it('exports only names from an index', () => {
    const bad = rooms.flatMap(({ folder }) => {
      const index = path.join(root, folder, 'src/index.ts');
      if (!existsSync(index)) return [];
      const code = readFileSync(index, 'utf8')
        .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        .replaceAll(/export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s+from\s+'[^']+';/g, '')
        .trim();
      return code === '' ? [] : [index];
    });
    expect(bad).toEqual([]);
  });

  it('writes to databases in one room', () => {
    const users = rooms.filter((room) => outside(room).some(({ target }) => target === 'lmdb')).map((room) => room.name);
    expect(users).toEqual(['@tiphys/plane-store']);
  });

  it('reads the environment only in apps', () => {
    const bad = rooms
      .filter(({ folder }) => folder.startsWith('libs/') && folder !== 'libs/testkit')
      .flatMap(({ folder }) =>
        filesBelow(path.join(root, folder, 'src')).filter((file) => !file.endsWith('.test.ts') && /\bprocess\.env\b/.test(readFileSync(file, 'utf8'))),
      );
    expect(bad).toEqual([]);
  });
});
