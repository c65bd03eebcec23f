import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppProject } from '@tiphys/delivery-applications';
import { systemClock } from '@tiphys/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchRemoteFiles, type FetchFile } from './remote-files.ts';

const signal = AbortSignal.timeout(30_000);
const project = (sourceRepos: readonly string[]): AppProject =>
  ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'p' }, spec: { sourceRepos } }) as AppProject;

let server: Server;
let origin: string;
let asked: string[] = [];
let nowMs = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    const redirects: Readonly<Record<string, string>> = {
      '/files/moved': '/files/a.yaml',
      '/files/escape': '/private/a.yaml',
      '/files/elsewhere': origin.replace('127.0.0.1', 'localhost'),
      '/files/loop': '/files/loop',
      '/files/scheme': 'file:///etc/passwd',
    };
    const location = redirects[url];
    if (location !== undefined) response.writeHead(302, { location }).end('x'.repeat(100));
    else if (url === '/files/large') response.end(Buffer.alloc(10 * 1024 * 1024 + 1));
    else if (url.endsWith('.yaml')) response.end(`file ${url}`);
    else response.writeHead(404).end('no');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // A server that listens on a port has an address with one.
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const fetcher = (allowed: readonly string[]): FetchFile => {
  asked = [];
  return fetchRemoteFiles({ allowed, maxAgeMs: 1000, clock: { ...systemClock, now: () => nowMs } });
};
const text = async (fetching: Promise<Uint8Array | undefined>): Promise<string | undefined> => {
  const bytes = await fetching;
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

describe('remote files', () => {
  it('are fetched where operator and project allow them, and asked for again once they are old', async () => {
    const fetchFile = fetcher([`${origin}/files/*`]);
    const get = (): Promise<string | undefined> => text(fetchFile(`${origin}/files/a.yaml`, project(['*']), signal));
    expect([await get(), await get()]).toEqual(['file /files/a.yaml', 'file /files/a.yaml']);
    nowMs += 1000;
    await get();
    expect(asked).toEqual(['/files/a.yaml', '/files/a.yaml']);
    expect(await text(fetchFile(`${origin}/files/moved`, project(['*']), signal))).toBe('file /files/a.yaml');
  });

  it.each([
    ['nothing is allowed', [], ['*'], '/files/a.yaml'],
    ['the project does not allow it', ['*'], ['https://example.com/*'], '/files/a.yaml'],
    ['the operator does not', ['/files/*'], ['*'], '/private/a.yaml'],
    ['the address climbs out of what is allowed', ['/files/*'], ['*'], '/files/../private/a.yaml'],
  ])('are not asked for where %s', async (_why, allowed, repos, path) => {
    const fetchFile = fetcher(allowed.map((pattern) => (pattern.startsWith('/') ? `${origin}${pattern}` : pattern)));
    expect(await fetchFile(`${origin}${path}`, project(repos), signal)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('are not asked for by other schemes or with credentials', async () => {
    const fetchFile = fetcher(['*']);
    for (const url of ['file:///etc/passwd', origin.replace('http://', 'http://user:secret@'), 'nonsense'])
      expect(await fetchFile(url, project(['*']), signal)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it.each([
    ['/files/escape', 'is not followed'],
    ['/files/elsewhere', 'leads to http://localhost'],
    ['/files/scheme', 'leads to another address'],
    ['/files/loop', 'redirects lead nowhere'],
    ['/files/missing', 'answered 404'],
    ['/files/large', 'file exceeds 10485760 bytes'],
  ])('fail with a reason: %s', async (path, reason) => {
    await expect(fetcher([`${origin}/files/*`])(`${origin}${path}`, project(['*']), signal)).rejects.toThrow(reason);
    expect(asked.filter((url) => url.startsWith('/private'))).toEqual([]);
  });

  it('say who cannot be reached, and end with their signal', async () => {
    const fetchFile = fetcher(['*']);
    await expect(fetchFile('http://127.0.0.1:1/a.yaml', project(['*']), signal)).rejects.toMatchObject({ detail: { code: 'unreachable' } });
    await expect(fetchFile(`${origin}/files/a.yaml`, project(['*']), AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });
});
