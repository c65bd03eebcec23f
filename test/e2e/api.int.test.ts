import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import type { ApplicationListAnswer, ErrorAnswer } from '@tiphys/delivery-api';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, eventually, startGitServer, type GitRepo, type GitServer, type TiphysProcess } from '@tiphys/testkit';
import { application, configMap, getConfigMap, signal } from './delivery-harness.ts';
import { clientOf, createHome, followStream, signedBy, SIMULATED, type Answer, type Home } from './process-harness.ts';

let home: Home;
let up: TiphysProcess;
let repo: GitRepo;
let server: GitServer;
let client: KubeClient;

beforeAll(async () => {
  home = await createHome();
  repo = await createGitRepo(path.join(home.folder, 'repos', 'shop'));
  await repo.commit({ 'one/map.yaml': configMap('one', '1') });
  server = await startGitServer(path.join(home.folder, 'repos'));
  // Only webhooks bring news in time.
  up = await home.start([...SIMULATED, '--poll-interval', '600s']);
  client = await clientOf(up.ready['kubeconfig'] ?? '');
});
afterAll(async () => {
  await client.close();
  await home[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const url = (): string => `${server.url}/shop/.git`;
const spec = (folder: string, more: object = {}) => ({ source: { repoURL: url(), path: folder, targetRevision: 'main' }, ...more });
const automated = { syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] } };
const refusal = ({ status, body }: Answer<ErrorAnswer>) => [status, body.reason];

describe('the door', () => {
  it.each([
    ['no token', { authorization: '' }],
    ['a wrong token', { authorization: 'Bearer wrong' }],
    ['another scheme', { authorization: 'Basic YWRtaW46YWRtaW4=' }],
    ['a forged session', { authorization: '', cookie: 'tiphys.session=eyJuYW1lIjoiYWRtaW4iLCJleHAiOjk5OTk5OTk5OTk5OTl9.AAAA' }],
  ])('is shut for %s', async (_what, headers) => {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    for (const target of ['/api/v1/applications', '/api/v1/stream/applications', '/api/v1/repositories', '/api/v1/nothing']) {
      const response = await fetch(`${home.url}${target}`, { headers: given });
      expect([target, response.status]).toEqual([target, 401]);
      await response.body?.cancel();
    }
  });

  it('opens by a session cookie that scripts and other sites cannot use', async () => {
    const login = await home.call('POST', '/api/v1/session', { token: home.token }, { authorization: '' });
    expect(login.status).toBe(200);
    const cookie = login.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    const list = await fetch(`${home.url}/api/v1/applications`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(list.status).toBe(200);
    expect((await home.call('POST', '/api/v1/session', { token: 'wrong' })).status).toBe(401);
  });

  it('answers what is not there, not understood or too much with a sentence', async () => {
    expect(refusal(await home.call('GET', '/api/v1/applications/none'))).toEqual([404, 'notFound']);
    expect(refusal(await home.call('GET', '/api/v1/nothing'))).toEqual([404, 'notFound']);
    expect(refusal(await home.call('GET', '/api/v1/applications?sort=colour'))).toEqual([400, 'invalid']);
    expect(refusal(await home.call('POST', '/api/v1/applications', '{"metadata":'))).toEqual([400, 'invalid']);
    expect(refusal(await home.call('POST', '/api/v1/applications', application('bad', { source: { path: 'x' } })))).toEqual([400, 'invalid']);
    expect((await home.call('POST', '/api/v1/applications', JSON.stringify({ pad: 'x'.repeat(4e6) }))).status).toBe(413);
    // What another site's form can send.
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      expect(refusal(await home.call('POST', '/api/v1/applications', '{}', { 'content-type': type }))).toEqual([415, 'unsupportedMediaType']);
    const login = await home.call('POST', '/api/v1/session', { token: home.token });
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect((await fetch(`${home.url}/api/v1/applications/one/sync`, { method: 'POST', headers: { cookie } })).status).toBe(415);
  });

  it('is not opened by a name that merely points here', async () => {
    const asked = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const { port } = new URL(home.url);
        request({ host: '127.0.0.1', port, path: '/healthz', headers: { host } }, (response) => resolve(response.resume().statusCode ?? 0))
          .on('error', reject)
          .end();
      });
    expect(await asked('evil.example')).toBe(403);
    expect(await asked('localhost:1')).toBe(200);
  });

  it('serves the console with a policy that runs only its own scripts', async () => {
    const page = await fetch(`${home.url}/applications/one?tab=diff`);
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'(;|$)/);
    expect(await page.text()).toContain('<div id="root">');
  });
});

describe('lists', () => {
  it('filters, sorts, pages and counts', async () => {
    for (const name of ['c', 'a', 'b']) {
      const labels = { team: name === 'a' ? 'red' : 'blue' };
      expect((await home.call('POST', '/api/v1/applications', application(`list-${name}`, spec('gone'), { labels }))).status).toBe(201);
    }
    await eventually(
      'the cache has them',
      () => list(''),
      ({ total }) => total >= 3,
    );
    const page = await list('?search=list-&sort=name&limit=2&offset=1');
    expect(page.items.map(({ metadata }) => metadata.name)).toEqual(['list-b', 'list-c']);
    expect(page.total).toBe(3);
    expect((await list('?selector=team%3Dred')).items.map(({ metadata }) => metadata.name)).toEqual(['list-a']);
    const bad = await eventually(
      'all are told to lack their path',
      () => list('?search=list-&sync=Unknown'),
      ({ total, items }) => total === 3 && items.every(({ status }) => (status?.conditions ?? []).length > 0),
    );
    expect(bad.facets).toMatchObject({ sync: { Unknown: 3 }, project: { default: 3 }, namespace: { shop: 3 } });
  });
});

const list = async (query: string): Promise<ApplicationListAnswer> => (await home.call<ApplicationListAnswer>('GET', `/api/v1/applications${query}`)).body;

describe('applications', () => {
  it('are created and patched without an operation or a status of the caller', async () => {
    const smuggled = { ...application('smuggled', spec('nowhere')), operation: { sync: { manifests: ['{}'] } }, status: { sync: { status: 'Synced' } } };
    const { status, body } = await home.call<Application>('POST', '/api/v1/applications', smuggled);
    expect([status, body.operation, body.status]).toEqual([201, undefined, undefined]);
    const patch = (change: object) => home.call<ErrorAnswer>('PATCH', '/api/v1/applications/smuggled', { patchType: 'merge', patch: JSON.stringify(change) });
    for (const change of [{ operation: { sync: {} } }, { status: { health: { status: 'Healthy' } } }])
      expect(refusal(await patch(change))).toEqual([400, 'invalid']);
    expect((await patch({ spec: { revisionHistoryLimit: 3 } })).status).toBe(200);
    expect(refusal(await home.call<ErrorAnswer>('PATCH', '/api/v1/applications/smuggled', { patch: 'no json' }))).toEqual([400, 'invalid']);
    await home.call('DELETE', '/api/v1/applications/smuggled?cascade=false');
  });
});

describe('the stream', () => {
  it('loses and doubles nothing over a break, and starts over when it cannot know', async () => {
    await client.create<Application>(applicationType, application('streamed', spec('gone')) as Application, { signal: signal() });
    const touch = (round: string) =>
      client.patch(applicationType, { name: 'streamed', namespace: 'argocd' }, { metadata: { annotations: { round } } }, { type: 'merge', signal: signal() });
    const whole = followStream(home);
    const first = followStream(home);
    const told = (stream: typeof whole, round: string) =>
      eventually(
        `round ${round} is told`,
        () => stream.messages,
        (messages) => messages.some(({ data }) => data.includes(`"round":"${round}"`)),
      );
    for (const stream of [whole, first])
      await eventually(
        'it begins',
        () => stream.messages.length,
        (count) => count > 0,
      );
    expect(first.messages[0]?.event).toBe('snapshot');
    await touch('1');
    await told(first, '1');
    first.close();
    const last = first.messages.at(-1)?.id ?? '';
    for (const round of ['2', '3', '4']) await touch(round);
    await told(whole, '4');
    const second = followStream(home, last);
    await touch('5');
    await Promise.all([told(whole, '5'), told(second, '5')]);
    second.close();
    whole.close();
    const ids = [...first.messages, ...second.messages].map(({ id }) => id);
    const reference = whole.messages.map(({ id }) => id);
    const from = reference.indexOf(ids[1] ?? '');
    const length = Math.min(ids.length - 1, reference.length - from);
    expect(length).toBeGreaterThanOrEqual(5);
    expect(ids.slice(1, 1 + length)).toEqual(reference.slice(from, from + length));
    const unknown = followStream(home, 'ffffffffffff-3');
    await eventually(
      'it begins',
      () => unknown.messages.length,
      (count) => count > 0,
    );
    expect(unknown.messages[0]?.event).toBe('snapshot');
    unknown.close();
  });
});

describe('webhooks', () => {
  it('bring a commit live, unless they are forged', async () => {
    const secret = (await readFile(path.join(home.folder, 'default', 'webhook-secret'), 'utf8')).trim();
    await home.call('POST', '/api/v1/applications', application('one', spec('one', automated)));
    await home.settled('one');
    const after = await repo.commit({ 'one/map.yaml': configMap('one', '2') });
    const body = JSON.stringify({ ref: 'refs/heads/main', after, repository: { clone_url: url() } });
    const push = (text: string, headers: Readonly<Record<string, string>>) => home.call('POST', '/api/webhook', text, { authorization: '', ...headers });
    const before = server.requests.length;
    const unsigned = { 'content-type': 'application/json', 'x-github-event': 'push' };
    expect(refusal((await push(body, unsigned)) as never)).toEqual([401, 'noSignature']);
    expect(refusal((await push(body, signedBy('guessed', body))) as never)).toEqual([401, 'badSignature']);
    expect(refusal((await push(`${body} `, signedBy(secret, body))) as never)).toEqual([401, 'badSignature']);
    expect(refusal((await push('not json', signedBy(secret, 'not json'))) as never)).toEqual([400, 'malformed']);
    const huge = `{"pad":"${'x'.repeat(6e6)}"}`;
    expect((await push(huge, signedBy(secret, huge))).status).toBe(413);
    expect((await push('{}', { ...signedBy(secret, '{}'), 'x-github-event': 'ping' })).body).toMatchObject({ status: 'ignored' });
    // None of them made anybody look.
    expect(server.requests.length).toBe(before);
    expect((await getConfigMap(client, 'one'))?.data?.['value']).toBe('1');
    expect((await push(body, signedBy(secret, body))).body).toEqual({ status: 'accepted', repositories: 1 });
    await home.settled('one', after);
    expect((await getConfigMap(client, 'one'))?.data?.['value']).toBe('2');
  });
});
