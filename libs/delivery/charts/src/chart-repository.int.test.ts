import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createCleartextMessage, generateKey, sign as signMessage } from 'openpgp';
import { findProgram, startOciRegistry, type OciRegistry } from '@tiphys/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchChart, openChartRepository } from './chart-repository.ts';

const { signal } = new AbortController();
const archive = gzipSync('a packed chart');
const digest = createHash('sha256').update(archive).digest('hex');

describe('a chart repository over HTTP', () => {
  let server: Server;
  let url: string;
  let index: string;
  let seen: { readonly url: string; readonly authorization: string | undefined }[];
  let handler: (request: IncomingMessage, response: ServerResponse) => void;

  beforeEach(async () => {
    seen = [];
    index = `entries:\n  web:\n    - {version: 1.0.0, urls: [web-1.0.0.tgz], digest: ${digest}}\n    - {version: 1.1.0, urls: [charts/web-1.1.0.tgz], digest: ${digest}}\n    - {version: 2.0.0, urls: [web-2.0.0.tgz], digest: ${'f'.repeat(64)}}\n`;
    handler = (request, response) => {
      seen.push({ url: request.url ?? '', authorization: request.headers.authorization });
      if (request.url === '/index.yaml' && request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else if (request.url === '/index.yaml') response.writeHead(200, { etag: '"1"' }).end(index);
      else if (request.url?.endsWith('.tgz') === true) response.end(archive);
      else response.writeHead(404).end();
    };
    server = createServer((request, response) => handler(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('resolves a range and fetches the archive the index promises, with credentials', async () => {
    const found = await fetchChart(openChartRepository(url, { username: 'u', password: 'p' }), 'web', '^1.0.0', signal);
    expect(found.version).toBe('1.1.0');
    expect(Buffer.from(found.archive).equals(archive)).toBe(true);
    expect(seen.map((request) => request.url)).toEqual(['/index.yaml', '/charts/web-1.1.0.tgz']);
    expect(new Set(seen.map((request) => request.authorization))).toEqual(new Set([`Basic ${Buffer.from('u:p').toString('base64')}`]));
  });

  it('asks for the index again only when it changed', async () => {
    const repository = openChartRepository(url);
    const first = await repository.versions('web', signal);
    expect(await repository.versions('web', signal)).toBe(first);
    expect(seen.length).toBe(2);
  });

  it('refuses an archive that is not the one promised, and says what is missing', async () => {
    const repository = openChartRepository(url);
    await expect(fetchChart(repository, 'web', '2.0.0', signal)).rejects.toMatchObject({ detail: { code: 'digestMismatch' } });
    await expect(fetchChart(repository, 'web', '^9', signal)).rejects.toMatchObject({ detail: { code: 'versionNotFound' } });
    await expect(fetchChart(repository, 'nope', '*', signal)).rejects.toMatchObject({ detail: { code: 'chartNotFound' } });
  });

  it('keeps credentials from other hosts, named in the index or by a redirect', async () => {
    const other = createServer((request, response) => {
      seen.push({ url: `other${request.url ?? ''}`, authorization: request.headers.authorization });
      response.end(archive);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    index = `entries:\n  web:\n    - {version: 1.0.0, urls: ['${elsewhere}/web.tgz']}\n    - {version: 2.0.0, urls: [moved.zip]}\n`;
    const inner = handler;
    handler = (request, response) => {
      if (request.url === '/moved.zip') response.writeHead(302, { location: `${elsewhere}/moved` }).end();
      else inner(request, response);
    };
    const repository = openChartRepository(url, { bearerToken: 'secret' });
    await fetchChart(repository, 'web', '1.0.0', signal);
    await fetchChart(repository, 'web', '2.0.0', signal);
    other.close();
    expect(seen.filter((request) => request.url.startsWith('other')).map((request) => request.authorization)).toEqual([undefined, undefined]);
  });

  it('takes a chart only with a provenance file of a trusted key, where keys are given', async () => {
    const [trusted, other] = await Promise.all(['us', 'them'].map((name) => generateKey({ userIDs: [{ name, email: `${name}@test` }], format: 'object' })));
    const sign = async (text: string, key: typeof trusted): Promise<string> => {
      if (key === undefined) throw new Error('no key');
      return signMessage({ message: await createCleartextMessage({ text }), signingKeys: key.privateKey });
    };
    const good = `name: web\nversion: 1.0.0\n\n...\nfiles:\n  web-1.0.0.tgz: sha256:${digest}\n`;
    let provenance: string | undefined;
    const inner = handler;
    handler = (request, response) => {
      if (request.url?.endsWith('.prov') !== true) inner(request, response);
      else if (provenance === undefined) response.writeHead(404).end();
      else response.end(provenance);
    };
    const repository = openChartRepository(url, { provenanceKeys: trusted?.publicKey.armor() ?? '' });
    const refused = { detail: { code: 'notTrusted' } };
    await expect(fetchChart(repository, 'web', '1.0.0', signal)).rejects.toMatchObject(refused);
    provenance = await sign(good, other);
    await expect(fetchChart(repository, 'web', '1.0.0', signal)).rejects.toMatchObject(refused);
    provenance = (await sign(good, trusted)).replace('web-1.0.0', 'web-6.6.6');
    await expect(fetchChart(repository, 'web', '1.0.0', signal)).rejects.toMatchObject(refused);
    provenance = await sign(good.replace(digest, 'f'.repeat(64)), trusted);
    await expect(fetchChart(repository, 'web', '1.0.0', signal)).rejects.toMatchObject(refused);
    provenance = await sign(good, trusted);
    expect((await fetchChart(repository, 'web', '1.0.0', signal)).version).toBe('1.0.0');
  });

  it('names refused access, malformed indexes and unreachable servers', async () => {
    handler = (_request, response) => response.writeHead(401).end();
    await expect(openChartRepository(url).versions('web', signal)).rejects.toMatchObject({ detail: { code: 'authFailed' } });
    handler = (_request, response) => response.end('[');
    await expect(openChartRepository(url).versions('web', signal)).rejects.toMatchObject({ detail: { code: 'malformed' } });
    await expect(openChartRepository('http://127.0.0.1:1').versions('web', signal)).rejects.toMatchObject({ detail: { code: 'unreachable' } });
  });
});

const registry = findProgram({ name: 'docker-registry', package: 'docker-registry' }, process.env);

describe.skipIf(registry === undefined)('a chart repository in a registry', () => {
  let running: OciRegistry;

  beforeAll(async () => {
    running = await startOciRegistry(registry ?? '');
    for (const version of ['1.0.0', '1.2.0+build.5']) await running.pushChart('team/web', version, archive);
  });

  afterAll(() => running[Symbol.asyncDispose]());

  it('lists tags as versions and fetches the chart layer', async () => {
    const repository = openChartRepository(`oci://${running.host}/team`);
    expect((await repository.versions('web', signal)).map(({ version }) => version).toSorted()).toEqual(['1.0.0', '1.2.0+build.5']);
    const found = await fetchChart(repository, 'web', '^1.0.0', signal);
    expect(found.version).toBe('1.2.0+build.5');
    expect(Buffer.from(found.archive).equals(archive)).toBe(true);
    await expect(fetchChart(openChartRepository(`${running.host}/team`), 'nope', '*', signal)).rejects.toMatchObject({ detail: { code: 'chartNotFound' } });
  });
});
