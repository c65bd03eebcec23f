import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRepositoryStore, type Snapshot } from '@tiphys/delivery-git';
import { createLogger } from '@tiphys/kernel';
import { createRenderer, type Renderer } from './renderer.ts';

const { signal } = new AbortController();
const environment = { application: 'a', namespace: 'n', project: 'default' };
const DEADLINE_MS = 30_000;
const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: x}\n';

type Files = Readonly<Record<string, string>>;

const kustomization = (fields: object): string => JSON.stringify(fields);

function aliasBomb(levels: number): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level <= levels; level += 1)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n${lines.join('\n')}\n`;
}

/** Kustomizations of a hostile author, and what must be said of them. */
const HOSTILE: Readonly<Record<string, readonly [says: RegExp, files: Files]>> = {
  'reads-above': [/leads out of the repository/, { 'kustomization.yaml': kustomization({ resources: ['../../../../etc/passwd'] }) }],
  'reads-absolute': [/no such file|not in or below/, { 'kustomization.yaml': kustomization({ resources: ['/etc/passwd'] }) }],
  'reads-beside': [/security; file .* is not in or below/, { 'kustomization.yaml': kustomization({ resources: ['../good/cm.yaml'] }) }],
  'generates-from-above': [
    /not in or below/,
    { 'kustomization.yaml': kustomization({ configMapGenerator: [{ name: 'x', files: ['../../../../etc/passwd'] }] }) },
  ],
  'link-out': [/leads out/, { 'kustomization.yaml': kustomization({ resources: ['passwd.yaml'] }) }],
  'remote-base': [/remote base cannot be fetched/, { 'kustomization.yaml': kustomization({ resources: ['https://github.com/org/repo//base?ref=v1'] }) }],
  'remote-file': [/remote/, { 'kustomization.yaml': kustomization({ resources: ['https://example.com/all.yaml'] }) }],
  'program-plugin': [
    /external plugins disabled/,
    { 'kustomization.yaml': kustomization({ transformers: ['t.yaml'] }), 't.yaml': 'apiVersion: x.example.com/v1\nkind: Sed\nmetadata: {name: x}\n' },
  ],
  'container-plugin': [
    /external plugins disabled/,
    {
      'kustomization.yaml': kustomization({ generators: ['t.yaml'] }),
      't.yaml':
        'apiVersion: x.example.com/v1\nkind: Fn\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      container: {image: example.com/fn}\n',
    },
  ],
  'charts-off': [/must specify --enable-helm/, { 'kustomization.yaml': kustomization({ helmCharts: [{ name: 'x', repo: 'https://charts.example.com' }] }) }],
  'cycle-to-itself': [/cycle detected/, { 'kustomization.yaml': kustomization({ resources: ['.'] }) }],
  'cycle-of-two': [
    /cycle detected/,
    { 'kustomization.yaml': kustomization({ resources: ['b'] }), 'b/kustomization.yaml': kustomization({ resources: ['../'] }) },
  ],
  'alias-bomb': [/exceeds its limit of \d+ nodes/, { 'kustomization.yaml': kustomization({ resources: ['cm.yaml'] }), 'cm.yaml': aliasBomb(9) }],
  'alias-in-itself': [/contains itself/, { 'kustomization.yaml': kustomization({ resources: ['cm.yaml'] }), 'cm.yaml': `${CONFIG_MAP}x: &x [*x]\n` }],
  'deep-yaml': [/depth/, { 'kustomization.yaml': kustomization({ resources: ['cm.yaml'] }), 'cm.yaml': `${CONFIG_MAP}x: ${'['.repeat(50_000)}\n` }],
  'deep-kustomization': [/depth/, { 'kustomization.yaml': `resources: ${'['.repeat(50_000)}\n` }],
  'doubling-copies': [
    /exceeds its limit of \d+ nodes/,
    {
      'kustomization.yaml': kustomization({
        resources: ['cm.yaml'],
        patches: [
          {
            target: { kind: 'ConfigMap' },
            patch: JSON.stringify(Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '/x', path: `/x/y${index}` }))),
          },
        ],
      }),
      'cm.yaml': `${CONFIG_MAP}x: {a: {b: c}}\n`,
    },
  ],
  'doubling-values': [
    /exceeds its limit of \d+ nodes/,
    {
      'kustomization.yaml': kustomization({
        resources: ['cm.yaml'],
        replacements: Array.from({ length: 60 }, (_, index) => ({
          source: { kind: 'ConfigMap', fieldPath: 'x' },
          targets: [{ select: { kind: 'ConfigMap' }, fieldPaths: [`x.y${index}`], options: { create: true } }],
        })),
      }),
      'cm.yaml': `${CONFIG_MAP}x: {a: {b: c}}\n`,
    },
  ],
  'huge-expression': [
    /expression/,
    {
      'kustomization.yaml': kustomization({ resources: ['cm.yaml'], patches: [{ target: { name: `(${'a|'.repeat(100_000)}b)` }, patch: CONFIG_MAP }] }),
      'cm.yaml': CONFIG_MAP,
    },
  ],
};

let folder: string;
let snapshot: Snapshot;
let renderer: Renderer;

async function write(name: string, files: Files): Promise<void> {
  for (const [file, data] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name, file)), { recursive: true });
    await writeFile(path.join(folder, name, file), data);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tiphys-sandbox-'));
  execFileSync('git', ['init', '--quiet', '-b', 'main', folder]);
  for (const [name, [, files]] of Object.entries(HOSTILE)) await write(name, files);
  await write('good', { 'kustomization.yaml': kustomization({ namePrefix: 'very-', resources: ['cm.yaml'] }), 'cm.yaml': CONFIG_MAP });
  await write('redos', {
    'kustomization.yaml': kustomization({ resources: ['cm.yaml'], patches: [{ target: { name: '(a+)+b' }, patch: CONFIG_MAP }] }),
    'cm.yaml': CONFIG_MAP.replace('name: a', `name: ${'a'.repeat(50_000)}`),
  });
  await write('many-files', {
    'kustomization.yaml': kustomization({ configMapGenerator: Array.from({ length: 25_000 }, (_, index) => ({ name: `m${index}`, files: ['a.txt'] })) }),
    'a.txt': 'x',
  });
  await write('nested', {
    'kustomization.yaml': kustomization({ resources: ['n'] }),
    ...Object.fromEntries(
      Array.from({ length: 100 }, (_, index): [string, string] => [
        `${'n/'.repeat(index + 1)}kustomization.yaml`,
        kustomization(index === 99 ? { namePrefix: 'x' } : { resources: ['n'] }),
      ]),
    ),
  });
  await symlink('/etc/passwd', path.join(folder, 'link-out/passwd.yaml'));
  execFileSync('git', ['-C', folder, 'add', '-A']);
  execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'kustomizations']);
  const repository = await createRepositoryStore({ cacheDirectory: path.join(folder, '.cache') }).open(folder);
  const commit = (await repository.lsRemote(signal)).oids.get('refs/heads/main') ?? '';
  snapshot = await repository.snapshot(commit, signal);
  renderer = createRenderer({ logger: createLogger({ level: 'silent' }), maxWorkers: 2, timeoutMs: DEADLINE_MS });
}, 60_000);

afterAll(async () => {
  await renderer.close();
  await rm(folder, { recursive: true, force: true });
});

const render = (name: string) => renderer.render({ repoURL: 'r', path: name }, environment, { snapshot }, { signal });

describe('a hostile kustomization', () => {
  it.each(Object.keys(HOSTILE))(
    '%s is stopped with a clear error, and others are not disturbed',
    async (name) => {
      const [hostile, good] = await Promise.allSettled([
        render(name),
        renderer.render({ repoURL: 'r', path: 'good' }, environment, { snapshot }, { signal, noCache: true }),
      ]);
      expect(hostile.status).toBe('rejected');
      expect(String(hostile.status === 'rejected' ? hostile.reason : '')).toMatch(HOSTILE[name]?.[0] ?? /never/);
      expect(good).toMatchObject({ status: 'fulfilled', value: { objects: [{ object: { metadata: { name: 'very-a' } } }] } });
    },
    DEADLINE_MS + 20_000,
  );

  it('spends linear time on an expression made to explode', async () => {
    expect((await render('redos')).objects).toHaveLength(1);
  });

  it(
    'cannot ask for more files or deeper folders than a build may',
    async () => {
      await expect(render('many-files')).rejects.toThrow(/exceeds its limit of \d+ (?:files|objects)/);
      await expect(render('nested')).rejects.toThrow(/exceeds its limit of \d+ depth/);
    },
    DEADLINE_MS + 20_000,
  );
});
