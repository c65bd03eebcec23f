import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WebhookSecrets } from './forge.ts';
import { parseWebhook } from './webhook.ts';

const secrets: WebhookSecrets = {
  github: 'gh',
  gitlab: 'gl',
  gogs: 'gg',
  bitbucketUuid: '{uuid}',
  bitbucketServer: 'bs',
  azureUsername: 'user',
  azurePassword: 'pass',
};
const sha = 'a'.repeat(40);
const hmac = (body: string, key: string): string => createHmac('sha256', key).update(body).digest('hex');
const githubBody = JSON.stringify({
  ref: 'refs/heads/main',
  after: sha,
  repository: { clone_url: 'https://github.com/o/r.git', ssh_url: 'git@github.com:o/r.git', html_url: 'https://github.com/o/r' },
});
const gitlabBody = JSON.stringify({
  object_kind: 'push',
  ref: 'refs/heads/main',
  after: sha,
  project: { git_http_url: 'https://gitlab.com/g/r.git', git_ssh_url: 'git@gitlab.com:g/r.git', web_url: 'https://gitlab.com/g/r' },
});
const cloudBody = JSON.stringify({
  repository: { full_name: 'team/r', links: { html: { href: 'https://bitbucket.org/team/r' } } },
  push: { changes: [{ new: { type: 'branch', name: 'main', target: { hash: sha } }, old: null }] },
});
const serverBody = JSON.stringify({
  repository: {
    links: {
      clone: [
        { name: 'http', href: 'https://bb.example.com/scm/p/r.git' },
        { name: 'ssh', href: 'ssh://git@bb.example.com:7999/p/r.git' },
      ],
    },
  },
  changes: [{ ref: { id: 'refs/heads/main' }, toHash: sha }],
});
const azureBody = JSON.stringify({
  eventType: 'git.push',
  resource: { repository: { remoteUrl: 'https://dev.azure.com/o/p/_git/r' }, refUpdates: [{ name: 'refs/heads/main', newObjectId: sha }] },
});

interface Case {
  readonly name: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The header that proves the sender. */
  readonly proof: string;
  readonly url: string;
}
const cases: readonly Case[] = [
  {
    name: 'GitHub',
    body: githubBody,
    headers: { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${hmac(githubBody, 'gh')}` },
    proof: 'x-hub-signature-256',
    url: 'https://github.com/o/r.git',
  },
  {
    name: 'GitLab',
    body: gitlabBody,
    headers: { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': 'gl' },
    proof: 'x-gitlab-token',
    url: 'git@gitlab.com:g/r.git',
  },
  {
    name: 'a GitLab system hook',
    body: gitlabBody,
    headers: { 'x-gitlab-event': 'System Hook', 'x-gitlab-token': 'gl' },
    proof: 'x-gitlab-token',
    url: 'https://gitlab.com/g/r',
  },
  {
    name: 'Gitea',
    body: githubBody,
    headers: { 'x-gitea-event': 'push', 'x-github-event': 'push', 'x-gitea-signature': hmac(githubBody, 'gg') },
    proof: 'x-gitea-signature',
    url: 'git@github.com:o/r.git',
  },
  {
    name: 'Gogs',
    body: githubBody,
    headers: { 'x-gogs-event': 'push', 'x-gogs-signature': hmac(githubBody, 'gg') },
    proof: 'x-gogs-signature',
    url: 'https://github.com/o/r',
  },
  {
    name: 'Bitbucket Cloud',
    body: cloudBody,
    headers: { 'x-event-key': 'repo:push', 'x-hook-uuid': '{uuid}' },
    proof: 'x-hook-uuid',
    url: 'git@bitbucket.org:team/r.git',
  },
  {
    name: 'Bitbucket Server',
    body: serverBody,
    headers: { 'x-event-key': 'repo:refs_changed', 'x-hub-signature': `sha256=${hmac(serverBody, 'bs')}` },
    proof: 'x-hub-signature',
    url: 'ssh://git@bb.example.com:7999/p/r.git',
  },
  {
    name: 'Azure DevOps',
    body: azureBody,
    headers: { 'x-vss-activityid': '1', authorization: `Basic ${Buffer.from('user:pass').toString('base64')}` },
    proof: 'authorization',
    url: 'https://dev.azure.com/o/p/_git/r',
  },
];
const judge = (body: string | Uint8Array, headers: Readonly<Record<string, string>>, given = secrets) =>
  parseWebhook({ rawBody: Buffer.from(body), headers, secrets: given });

describe.each(cases)('a push of $name', ({ body, headers, proof, url }) => {
  it('is read once its sender is proven', () => {
    const result = judge(body, headers);
    expect(result).toMatchObject({ kind: 'push', ref: 'refs/heads/main', after: sha });
    expect(result.kind === 'push' && result.urls).toContain(url);
  });

  it('is refused without proof, with a wrong one, and where nothing is configured', () => {
    const { [proof]: value = '', ...without } = headers;
    // Bitbucket Cloud is told by the very header that proves it.
    if (proof !== 'x-hook-uuid') expect(judge(body, without)).toMatchObject({ kind: 'refused', reason: 'noSignature' });
    expect(judge(body, { ...without, [proof]: `${value.slice(0, -1)}x` })).toMatchObject({ kind: 'refused', reason: 'badSignature' });
    expect(judge(body, headers, {})).toMatchObject({ kind: 'refused', reason: 'noSecret' });
  });

  it('never throws, whatever the body, and believes no changed one that was signed', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string(), fc.constantFrom('null', '[]', '{"__proto__":{"ref":"x"}}', '{"push":{"changes":7}}', '{"resource":null}')),
        (text) => {
          expect(['push', 'ignored', 'refused']).toContain(judge(text, headers).kind);
        },
      ),
      { numRuns: 200 },
    );
    if (/signature/.test(proof)) expect(judge(`${body} `, headers)).toMatchObject({ kind: 'refused', reason: 'badSignature' });
  });
});

it('ignores events that move nothing', () => {
  expect(judge(githubBody, { 'x-github-event': 'ping', 'x-hub-signature-256': `sha256=${hmac(githubBody, 'gh')}` })).toEqual({
    kind: 'ignored',
    event: 'ping',
  });
  expect(judge('{"object_kind":"issue"}', { 'x-gitlab-event': 'System Hook', 'x-gitlab-token': 'gl' })).toEqual({ kind: 'ignored', event: 'issue' });
});

it('refuses what is malformed or too large', () => {
  const signed = (body: string) => judge(body, { 'x-hub-signature-256': `sha256=${hmac(body, 'gh')}` });
  expect(signed('{')).toMatchObject({ kind: 'refused', reason: 'malformed' });
  expect(signed('{"__proto__":{"ref":"x"}}')).toMatchObject({ kind: 'refused', reason: 'malformed' });
  expect(judge(new Uint8Array(6 * 1024 * 1024), {})).toMatchObject({ kind: 'refused', reason: 'tooLarge' });
});
