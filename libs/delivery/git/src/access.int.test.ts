import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash, createVerify, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '@tiphys/kernel';
import { createGitRepo, eventually, findProgram, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRepositoryStore, resolveRevision, verifyCommit, withSubmodules, type RepositoryAccess, type RepositoryStore } from './index.ts';

const signal = AbortSignal.timeout(60_000);
const sshd = findProgram({ name: 'sshd', package: 'openssh-server' }, { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`, CI: process.env['CI'] });
const gpg = findProgram({ name: 'gpg', package: 'gnupg' }, process.env);
let root: string;
let repo: GitRepo;
let server: GitServer;
let first: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tiphys-access-'));
  repo = await createGitRepo(path.join(root, 'repo'));
  first = await repo.commit({ 'app/a.yaml': 'a: 1\n' }, 'first');
  await repo.git('tag', '-a', 'v1', '-m', 'one');
  server = await startGitServer(root);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const store = (options: { readonly clock?: Clock; readonly limits?: { readonly maxFetchBytes: number } } = {}): RepositoryStore =>
  createRepositoryStore({ cacheDirectory: path.join(root, `cache-${Math.random()}`), ...options });
async function readA(from: RepositoryStore, url: string, access: RepositoryAccess): Promise<string> {
  const repository = await from.open(url, access);
  const commit = resolveRevision(await repository.lsRemote(signal), 'main', url);
  return Buffer.from(await (await repository.snapshot(commit, signal)).read('app/a.yaml')).toString();
}
async function listen(listener: RequestListener): Promise<{ readonly server: Server; readonly url: string }> {
  const made = createHttpServer(listener);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return { server: made, url: `http://127.0.0.1:${(made.address() as AddressInfo).port}` };
}
async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe.skipIf(sshd === undefined)('SSH', () => {
  let daemon: ChildProcess;
  let url: string;
  let knownHosts: string;
  let key: string;
  beforeAll(async () => {
    const folder = path.join(root, 'ssh');
    await mkdir(folder);
    for (const name of ['host', 'user', 'stranger']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, name)]);
    await writeFile(path.join(folder, 'authorized'), await readFile(path.join(folder, 'user.pub')), { mode: 0o600 });
    const port = await freePort();
    await writeFile(
      path.join(folder, 'config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${folder}/host`,
        `AuthorizedKeysFile ${folder}/authorized`,
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'StrictModes no',
        'UsePAM no',
        `PidFile ${folder}/pid`,
        '',
      ].join('\n'),
    );
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
    daemon = spawn(sshd ?? '', ['-D', '-e', '-f', path.join(folder, 'config')], { stdio: 'ignore' });
    await eventually('sshd listens', () => isOpen(port), Boolean);
    const user = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
    url = `ssh://${user}@127.0.0.1:${port}${repo.directory}`;
    knownHosts = `[127.0.0.1]:${port} ${(await readFile(path.join(folder, 'host.pub'), 'utf8')).trim()}\n`;
    key = await readFile(path.join(folder, 'user'), 'utf8');
  });
  afterAll(() => {
    daemon.kill('SIGKILL');
  });

  it('reads branches, tags and files with a key and a known host', async () => {
    const access = { sshPrivateKey: key, sshKnownHosts: knownHosts };
    const repository = await store().open(url, access);
    const refs = await repository.lsRemote(signal);
    expect([resolveRevision(refs, 'main', ''), resolveRevision(refs, 'v1', ''), refs.head]).toEqual([first, first, 'refs/heads/main']);
    expect(await readA(store(), url, access)).toBe('a: 1\n');
  });

  it('refuses a host that is not known, and tells what to do', async () => {
    await expect(readA(store(), url, { sshPrivateKey: key, sshKnownHosts: '' })).rejects.toMatchObject({
      code: 'authFailed',
      hint: expect.stringContaining('argocd-ssh-known-hosts-cm'),
    });
  });

  it('tells that a key is refused, without the key', async () => {
    const stranger = await readFile(path.join(root, 'ssh/stranger'), 'utf8');
    const error: unknown = await readA(store(), url, { sshPrivateKey: stranger, sshKnownHosts: knownHosts }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'authFailed' });
    expect(String(error)).not.toContain('PRIVATE KEY');
  });

  it('never takes a URL for an option', async () => {
    await expect(store().open('ssh://-oProxyCommand=touch/x')).rejects.toThrow('not supported');
    await expect(store().open('-u:x')).rejects.toThrow('not supported');
  });
});

it('leaves a pack that is too large for memory to the git program', async () => {
  const big = await createGitRepo(path.join(root, 'big'));
  const bytes = createHash('sha512').update('seed');
  let blob = Buffer.alloc(0);
  for (let round = 0; round < 2000; round += 1) blob = Buffer.concat([blob, bytes.copy().update(String(round)).digest()]);
  await big.commit({ 'app/a.yaml': 'a: big\n', 'big.bin': blob });
  expect(await readA(store({ limits: { maxFetchBytes: 50_000 } }), `${server.url}/big/.git`, {})).toBe('a: big\n');
});

describe('client certificates and authorities', () => {
  it('show the certificate, and trust the authority given', async () => {
    const folder = path.join(root, 'tls');
    await mkdir(folder);
    const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    for (const name of ['server', 'client']) {
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=IP:127.0.0.1',
      );
    }
    const pem = (name: string) => readFile(path.join(folder, name), 'utf8');
    const [serverKey, serverCrt, clientKey, clientCrt] = await Promise.all(['server.key', 'server.crt', 'client.key', 'client.crt'].map(pem));
    const front = createTlsServer({ key: serverKey, cert: serverCrt, ca: clientCrt, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      const upstream = httpRequest(`${server.url}${request.url ?? ''}`, { method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(upstream);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(front.address() as AddressInfo).port}/repo/.git`;
    const trusted = { caCertificates: serverCrt ?? '' };
    const clientCertificate = { certificate: clientCrt ?? '', key: clientKey ?? '' };
    try {
      expect(await readA(store(), url, { ...trusted, clientCertificate })).toBe('a: 1\n');
      await expect(readA(store(), url, trusted)).rejects.toMatchObject({ code: 'unreachable' });
      await expect(readA(store(), url, { clientCertificate })).rejects.toMatchObject({ code: 'unreachable' });
    } finally {
      front.closeAllConnections();
      front.close();
    }
  });
});

it('goes through a proxy, but not to hosts that are excepted', async () => {
  const tunnels: string[] = [];
  const proxy = createHttpServer();
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = `${server.url}/repo/.git`;
  const access = { proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  try {
    expect(await readA(store(), url, access)).toBe('a: 1\n');
    expect(tunnels).toContain(new URL(url).host);
    tunnels.length = 0;
    expect(await readA(store(), url, { ...access, noProxy: 'example.com,127.0.0.1' })).toBe('a: 1\n');
    expect(tunnels).toEqual([]);
    await expect(readA(store(), url, { proxy: 'socks5://127.0.0.1:1' })).rejects.toThrow('is not an HTTP proxy');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

it('exchanges a GitHub App for tokens, finds its installation, and renews before the end', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const calls: string[] = [];
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const api = await listen((request, response) => {
    calls.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const [head = '', body = '', mac = ''] = (request.headers.authorization ?? '').replace('Bearer ', '').split('.');
    const isSigned = createVerify('sha256').update(`${head}.${body}`).verify(publicKey, Buffer.from(mac, 'base64url'));
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { readonly iss?: string; readonly exp?: number };
    if (!isSigned || claims.iss !== '42' || (claims.exp ?? 0) * 1000 < nowMs) response.writeHead(401).end();
    else if (request.method === 'GET')
      response.end(
        JSON.stringify([
          { id: 1, account: { login: 'other' } },
          { id: 7, account: { login: 'Repo' } },
        ]),
      );
    else response.end(JSON.stringify({ token: 'minted', expires_at: new Date(nowMs + 3_600_000).toISOString() }));
  });
  const guarded = await startGitServer(root, { authorization: `Basic ${Buffer.from('x-access-token:minted').toString('base64')}` });
  const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, sleep: () => Promise.resolve() };
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const githubApp = { appId: '42', privateKey: pem, apiUrl: api.url };
  const url = `${guarded.url}/repo/.git`;
  try {
    const at = store({ clock });
    expect(await readA(at, url, { githubApp })).toBe('a: 1\n');
    await (await at.open(url, { githubApp })).lsRemote(signal);
    expect(calls).toEqual(['GET /app/installations?per_page=100', 'POST /app/installations/7/access_tokens']);
    nowMs += 56 * 60_000;
    await (await at.open(url, { githubApp })).lsRemote(signal);
    expect(calls).toHaveLength(4);
    const broken: unknown = await readA(store({ clock }), url, { githubApp: { ...githubApp, privateKey: 'secret text' } }).catch((thrown: unknown) => thrown);
    expect(broken).toMatchObject({ code: 'authFailed' });
    expect(String(broken)).not.toContain('secret text');
  } finally {
    await guarded[Symbol.asyncDispose]();
    api.server.close();
  }
});

it('reads files that Git LFS keeps elsewhere, and checks what it gets', async () => {
  const content = Buffer.from('kind: Large\n'.repeat(1000));
  const oid = createHash('sha256').update(content).digest('hex');
  const pointer = (id: string) => `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${content.byteLength}\n`;
  const commit = await repo.commit({ 'lfs/good.bin': pointer(oid), 'lfs/forged.bin': pointer('0'.repeat(64)), 'lfs/absent.bin': pointer('1'.repeat(64)) });
  const headers: (string | undefined)[] = [];
  const front = await listen((request, response) => {
    void (async () => {
      if (request.url?.startsWith('/file/') === true) {
        headers.push(request.headers.authorization);
        response.end(content);
      } else if (request.url === '/repo/.git/info/lfs/objects/batch') {
        const { objects } = JSON.parse(await bodyOf(request)) as { readonly objects: readonly { readonly oid: string; readonly size: number }[] };
        const [object] = objects;
        const answer =
          object?.oid === '1'.repeat(64)
            ? { ...object, error: { code: 404, message: 'it is gone' } }
            : { ...object, actions: { download: { href: `${front.url}/file/${object?.oid ?? ''}`, header: { authorization: 'Token lfs' } } } };
        response.end(JSON.stringify({ objects: [answer] }));
      } else {
        const upstream = httpRequest(`${server.url}${request.url ?? ''}`, { method: request.method, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        });
        request.pipe(upstream);
      }
    })();
  });
  const url = `${front.url}/repo/.git`;
  try {
    const plain = await (await store().open(url)).snapshot(commit, signal);
    expect(Buffer.from(await plain.read('lfs/good.bin')).toString()).toBe(pointer(oid));
    const snapshot = await (await store().open(url, { enableLfs: true })).snapshot(commit, signal);
    expect(Buffer.from(await snapshot.read('lfs/good.bin')).equals(content)).toBe(true);
    expect(headers).toEqual(['Token lfs']);
    await expect(snapshot.read('lfs/forged.bin')).rejects.toThrow('digest');
    await expect(snapshot.read('lfs/absent.bin')).rejects.toThrow('it is gone');
    await expect(snapshot.read('lfs/good.bin', { maxBytes: 100 })).rejects.toMatchObject({ code: 'tooLarge' });
  } finally {
    front.server.closeAllConnections();
    front.server.close();
  }
});

it('mounts submodules at their commits, beside the repository and inside one another, where they may be asked', async () => {
  const inner = await createGitRepo(path.join(root, 'inner'));
  await inner.commit({ 'x.yaml': 'x: 1\n' });
  const module = await createGitRepo(path.join(root, 'module'));
  const allow = ['-c', 'protocol.file.allow=always'];
  await module.git(...allow, 'submodule', 'add', '--quiet', '../inner/.git', 'deep');
  await module.commit({ 'm.yaml': 'm: 1\n' });
  await repo.git(...allow, 'submodule', 'add', '--quiet', '../module/.git', 'vendor/module');
  const commit = await repo.commit({});
  const at = store();
  const url = `${server.url}/repo/.git`;
  const opened: string[] = [];
  const open = async (place: string, oid: string) => {
    // `../module/.git` stands beside `<server>/repo/.git`.
    const target = place.replace('/repo/module/.git', '/module/.git').replace('/module/inner/.git', '/inner/.git');
    opened.push(target);
    return (await at.open(target)).snapshot(oid, signal);
  };
  const snapshot = withSubmodules(await (await at.open(url)).snapshot(commit, signal), open);
  expect(Buffer.from(await snapshot.read('vendor/module/m.yaml')).toString()).toBe('m: 1\n');
  expect(Buffer.from(await snapshot.read('vendor/module/deep/x.yaml')).toString()).toBe('x: 1\n');
  expect((await snapshot.list('vendor')).map(({ kind }) => kind)).toEqual(['directory']);
  expect(opened).toEqual([`${server.url}/module/.git`, `${server.url}/inner/.git`]);
  const closed = withSubmodules(await (await at.open(url)).snapshot(commit, signal), () => Promise.resolve(undefined));
  expect((await closed.list('vendor')).map(({ kind }) => kind)).toEqual(['submodule']);
  await expect(closed.read('vendor/module/m.yaml')).rejects.toMatchObject({ code: 'pathNotFound' });
});

describe('signatures of commits', () => {
  it.each(['ed25519', 'rsa', 'ecdsa'])('by SSH keys: %s', async (type) => {
    const key = path.join(root, `sign-${type}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', key]);
    const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${key}`];
    await repo.git(...signing, 'commit', '--quiet', '--allow-empty', '-S', '-m', 'signed');
    const commit = await (await store().open(repo.directory)).signedCommit?.(await repo.git('rev-parse', 'HEAD'), signal);
    if (commit === undefined) throw new Error('local repositories have signed commits');
    const trusted = await readFile(`${key}.pub`, 'utf8');
    const fingerprint = execFileSync('ssh-keygen', ['-lf', `${key}.pub`], { encoding: 'utf8' }).split(' ')[1];
    expect(await verifyCommit(commit, { gpg: [], ssh: [trusted] })).toEqual({ kind: 'good', signer: fingerprint });
    expect(await verifyCommit(commit, { gpg: [], ssh: [] })).toMatchObject({ kind: 'untrusted', reason: expect.stringContaining('is not trusted') });
    expect(await verifyCommit({ ...commit, payload: `${commit.payload}x` }, { gpg: [], ssh: [trusted] })).toMatchObject({ kind: 'untrusted' });
    expect(await verifyCommit({ ...commit, signature: commit.signature?.slice(0, 120) }, { gpg: [], ssh: [trusted] })).toMatchObject({ kind: 'untrusted' });
  });

  it.skipIf(gpg === undefined)('by OpenPGP keys', async () => {
    const home = await mkdtemp(path.join(tmpdir(), 'tgpg-'));
    const env = { ...process.env, GNUPGHOME: home };
    const run = (...args: readonly string[]) =>
      execFileSync(gpg ?? '', ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', ...args], { env, encoding: 'utf8' });
    try {
      run('--quick-gen-key', 'Test <test@example.org>', 'ed25519', 'sign');
      run('--quick-gen-key', 'Other <other@example.org>', 'ed25519', 'sign');
      execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', 'commit', '--quiet', '--allow-empty', '-S', '-m', 'signed'], {
        cwd: repo.directory,
        env,
      });
      const commit = await (await store().open(repo.directory)).signedCommit?.(await repo.git('rev-parse', 'HEAD'), signal);
      if (commit === undefined) throw new Error('local repositories have signed commits');
      const keyOf = (user: string) => run('--armor', '--export', user);
      expect(await verifyCommit(commit, { gpg: [keyOf('other@example.org'), keyOf('test@example.org')], ssh: [] })).toMatchObject({
        kind: 'good',
        signer: expect.stringMatching(/^[0-9A-F]{16}$/),
      });
      expect(await verifyCommit(commit, { gpg: [keyOf('other@example.org')], ssh: [] })).toMatchObject({ kind: 'untrusted' });
      expect(
        await verifyCommit({ ...commit, payload: commit.payload.replace('signed', 'forged') }, { gpg: [keyOf('test@example.org')], ssh: [] }),
      ).toMatchObject({ kind: 'untrusted' });
    } finally {
      execFileSync('gpgconf', ['--kill', 'all'], { env });
      await rm(home, { recursive: true, force: true });
    }
  });

  it('that are not there', async () => {
    const commit = await (await store().open(repo.directory)).signedCommit?.(first, signal);
    expect(commit && (await verifyCommit(commit, { gpg: [], ssh: [] }))).toEqual({ kind: 'unsigned' });
  });
});

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
