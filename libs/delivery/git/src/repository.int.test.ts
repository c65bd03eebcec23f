import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, systemClock } from '@tiphys/kernel';
import { createGitRepo, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import { createRepositoryStore, RepositoryPoller, resolveRevision, type RefsMoved } from './index.ts';

const signal = AbortSignal.timeout(60_000);
const logger = createLogger({ level: 'silent' });
let root: string;
let cache: string;
let repo: GitRepo;
let server: GitServer;
let url: string;
let first: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tiphys-git-'));
  cache = path.join(root, 'cache');
  repo = await createGitRepo(path.join(root, 'repo'));
  await symlink('app/a.yaml', path.join(repo.directory, 'link.yaml'));
  await symlink('../../etc/passwd', path.join(repo.directory, 'escape.yaml'));
  await symlink('loop', path.join(repo.directory, 'loop'));
  first = await repo.commit({ 'app/a.yaml': 'a: 1\n', 'app/sub/b.yaml': 'b: 1\n', 'other/c.yaml': 'c: 1\n' }, 'first\n\nbody');
  await repo.git('tag', '-a', 'v1', '-m', 'one');
  server = await startGitServer(root);
  url = `${server.url}/repo/.git`;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

async function text(store: ReturnType<typeof createRepositoryStore>, from: string, commit: string, file: string): Promise<string> {
  return Buffer.from(await (await (await store.open(from)).snapshot(commit, signal)).read(file)).toString();
}

describe.each(['http', 'local'])('a repository over %s', (kind) => {
  const at = (): string => (kind === 'http' ? url : repo.directory);
  const store = () => createRepositoryStore({ cacheDirectory: cache });

  it('resolves branches, tags and HEAD', async () => {
    const refs = await (await store().open(at())).lsRemote(signal);
    expect([resolveRevision(refs, 'main', ''), resolveRevision(refs, 'v1', ''), resolveRevision(refs, '', '')]).toEqual([first, first, first]);
    expect(refs.head).toBe('refs/heads/main');
  });

  it('reads files, folders and links inside the tree, and refuses those outside', async () => {
    const snapshot = await (await store().open(at())).snapshot(first, signal);
    expect(Buffer.from(await snapshot.read('app/sub/../a.yaml')).toString()).toBe('a: 1\n');
    expect(Buffer.from(await snapshot.read('link.yaml')).toString()).toBe('a: 1\n');
    expect((await snapshot.list('app')).map((entry) => `${entry.kind} ${entry.name}`)).toEqual(['file a.yaml', 'directory sub']);
    expect(await snapshot.oid('app/none')).toBeUndefined();
    expect(await snapshot.oid('link.yaml')).toBe(await snapshot.oid('app/a.yaml'));
    await expect(snapshot.read('escape.yaml')).rejects.toMatchObject({ code: 'pathEscapes' });
    await expect(snapshot.read('loop')).rejects.toMatchObject({ code: 'pathEscapes' });
    await expect(snapshot.read('../x')).rejects.toMatchObject({ code: 'pathEscapes' });
    await expect(snapshot.read('none.yaml')).rejects.toMatchObject({ code: 'pathNotFound' });
    await expect(snapshot.list('app/a.yaml')).rejects.toMatchObject({ code: 'notADirectory' });
    await expect(snapshot.read('app/a.yaml', { maxBytes: 2 })).rejects.toMatchObject({ code: 'tooLarge' });
  });

  it('tells who made a commit', async () => {
    const metadata = await (await store().open(at())).metadata(first, signal);
    expect(metadata).toMatchObject({ author: 'Test <test@example.org>', message: 'first\n\nbody\n', parents: [] });
  });
});

describe('fetching', () => {
  it('keeps ids of what a commit did not touch, also for several readers at once', async () => {
    const store = createRepositoryStore({ cacheDirectory: cache });
    const repository = await store.open(url);
    const before = await repository.snapshot(first, signal);
    const second = await repo.commit({ 'app/a.yaml': 'a: 2\n' });
    await repository.lsRemote(signal);
    const snapshots = await Promise.all(Array.from({ length: 8 }, () => repository.snapshot(second, signal)));
    expect(await snapshots[7]?.oid('other')).toBe(await before.oid('other'));
    expect(await snapshots[0]?.oid('app')).not.toBe(await before.oid('app'));
    expect(await text(store, url, second, 'other/c.yaml')).toBe('c: 1\n');
  });

  it('reads an older commit and survives the loss and the damage of its cache', async () => {
    const store = createRepositoryStore({ cacheDirectory: cache });
    const third = await repo.commit({ 'app/a.yaml': 'a: 3\n' });
    expect(await text(store, url, third, 'app/a.yaml')).toBe('a: 3\n');
    expect(await text(store, url, first, 'app/a.yaml')).toBe('a: 1\n');
    await rm(cache, { recursive: true });
    expect(await text(createRepositoryStore({ cacheDirectory: cache }), url, third, 'app/a.yaml')).toBe('a: 3\n');
    const [folder = ''] = await readdir(cache);
    const packs = path.join(cache, folder, 'objects', 'pack');
    await writeFile(path.join(packs, 'pack-0.pack'), 'half');
    await writeFile(path.join(packs, 'x.tmp-1'), 'half');
    for (const name of (await readdir(packs)).filter((entry) => entry.endsWith('.idx'))) await writeFile(path.join(packs, name), 'damaged');
    expect(await text(createRepositoryStore({ cacheDirectory: cache }), url, third, 'app/a.yaml')).toBe('a: 3\n');
    expect((await readdir(packs)).filter((name) => name.includes('tmp') || name === 'pack-0.pack')).toEqual([]);
  });

  it('gives each failure its own code and ends in time', async () => {
    const store = createRepositoryStore({ cacheDirectory: cache, limits: { lsRemoteTimeoutMs: 300 } });
    await expect((await store.open(`${server.url}/absent`)).lsRemote(signal)).rejects.toMatchObject({ code: 'repositoryNotFound' });
    await expect((await store.open('http://127.0.0.1:1/x')).lsRemote(signal)).rejects.toMatchObject({ code: 'unreachable' });
    await expect((await store.open(url)).snapshot('0'.repeat(40), signal)).rejects.toMatchObject({ name: 'SourceError' });
    server.behaviour.authorization = `Basic ${Buffer.from('u:p').toString('base64')}`;
    await expect((await store.open(url)).lsRemote(signal)).rejects.toMatchObject({ code: 'authFailed' });
    expect((await (await store.open(url, { username: 'u', password: 'p' })).lsRemote(signal)).oids.size).toBeGreaterThan(0);
    delete server.behaviour.authorization;
    server.behaviour.hang = true;
    await expect((await store.open(url)).lsRemote(signal)).rejects.toMatchObject({ code: 'timeout' });
    delete server.behaviour.hang;
    const tight = createRepositoryStore({ cacheDirectory: cache, limits: { maxRefsBytes: 10 } });
    await expect((await tight.open(url)).lsRemote(signal)).rejects.toMatchObject({ code: 'tooLarge' });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(10, signal);
}

describe('RepositoryPoller', () => {
  it.each(['http', 'local'])('asks once for all applications, tells what moved and looks now when hinted (%s)', async (kind) => {
    const stop = new AbortController();
    const from = kind === 'http' ? url : repo.directory;
    const store = createRepositoryStore({ cacheDirectory: cache });
    const moved: RefsMoved[] = [];
    const poller = new RepositoryPoller({
      open: (repoURL) => store.open(repoURL),
      onMoved: (event) => moved.push(event),
      onError: () => undefined,
      intervalMs: 60_000,
      clock: systemClock,
      logger,
      random: () => 0.5,
    });
    const running = poller.run(stop.signal);
    poller.setRepositories([from, from]);
    await until(() => moved.length === 1);
    expect(poller.hint('https://elsewhere.org/x')).toBe(0);
    const commit = await repo.commit({ 'app/a.yaml': `${kind}\n` });
    if (kind === 'http') expect(poller.hint(url.toUpperCase().replace('HTTP:', 'http:').replace('/REPO/.GIT', '/repo/.git'))).toBe(1);
    await until(() => moved.length === 2);
    expect(moved[1]?.refs.oids.get('refs/heads/main')).toBe(commit);
    expect((await poller.refresh(from, signal))?.polls).toBeGreaterThanOrEqual(3);
    server.behaviour.status = 500;
    if (kind === 'http') expect((await poller.refresh(from, signal))?.error).toBeDefined();
    delete server.behaviour.status;
    stop.abort();
    await running;
  });
});
