import { checkHmac, checkToken, field, headerOf, listOf, push, texts, type WebhookForge } from './forge.ts';

/** Bitbucket Cloud (support.atlassian.com, "Event payloads": repo:push): the UUID of the hook is what its sender knows. */
export const bitbucketCloud: WebhookForge = {
  claims: (request) => headerOf(request, 'x-hook-uuid') !== '',
  check: (request) => checkToken(headerOf(request, 'x-hook-uuid'), request.secrets.bitbucketUuid, 'header x-hook-uuid'),
  event: (request) => headerOf(request, 'x-event-key'),
  pushes: ['repo:push'],
  read(body) {
    const name = field(body, 'repository', 'full_name');
    const pages = texts([field(body, 'repository', 'links', 'html', 'href')]);
    const clones = typeof name === 'string' ? [`https://bitbucket.org/${name}`, `git@bitbucket.org:${name}.git`] : [];
    // A deleted branch has nothing new.
    const [change] = listOf(field(body, 'push', 'changes'));
    const moved = field(change, 'new') ?? field(change, 'old');
    const branch = field(moved, 'name');
    const ref = typeof branch === 'string' ? `refs/${field(moved, 'type') === 'tag' ? 'tags' : 'heads'}/${branch}` : undefined;
    return push([...pages, ...clones], ref, field(change, 'new', 'target', 'hash'));
  },
};

/** Bitbucket Data Center (confluence.atlassian.com, "Event payload": repo:refs_changed). */
export const bitbucketServer: WebhookForge = {
  claims: (request) => headerOf(request, 'x-event-key') !== '',
  check: (request) => checkHmac(request, request.secrets.bitbucketServer, 'x-hub-signature', 'sha256='),
  event: (request) => headerOf(request, 'x-event-key'),
  pushes: ['repo:refs_changed', 'mirror:repo_synchronized'],
  read(body) {
    const links = field(body, 'repository', 'links');
    const urls = texts([...listOf(field(links, 'clone')), ...listOf(field(links, 'self'))].map((link) => field(link, 'href')));
    const [change] = listOf(field(body, 'changes'));
    return push(urls, field(change, 'ref', 'id'), field(change, 'toHash'));
  },
};
