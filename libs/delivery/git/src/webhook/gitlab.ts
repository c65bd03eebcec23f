import { checkToken, field, headerOf, push, texts, type WebhookForge } from './forge.ts';

const URLS = ['git_http_url', 'git_ssh_url', 'web_url', 'http_url', 'ssh_url'];

/** GitLab (docs.gitlab.com, "Webhook events"): it sends its secret as it is, and system hooks name their event in the body. */
export const gitlab: WebhookForge = {
  claims: (request) => headerOf(request, 'x-gitlab-event') !== '',
  check: (request) => checkToken(headerOf(request, 'x-gitlab-token'), request.secrets.gitlab, 'header x-gitlab-token'),
  event: (request) => headerOf(request, 'x-gitlab-event'),
  pushes: ['Push Hook', 'Tag Push Hook', 'System Hook'],
  read(body) {
    const kind = field(body, 'object_kind') ?? field(body, 'event_name');
    if (kind !== 'push' && kind !== 'tag_push') return { kind: 'ignored', event: String(kind) };
    const urls = texts(URLS.map((name) => field(body, 'project', name)));
    return push(urls, field(body, 'ref'), field(body, 'after'));
  },
};
