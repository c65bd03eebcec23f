import { checkHmac, field, headerOf, push, texts, type WebhookForge } from './forge.ts';

const URLS = ['clone_url', 'ssh_url', 'git_url', 'html_url', 'url'];

function readPush(body: unknown): ReturnType<WebhookForge['read']> {
  return push(texts(URLS.map((name) => field(body, 'repository', name))), field(body, 'ref'), field(body, 'after'));
}

/** GitHub (docs.github.com, "Webhook events and payloads": push). */
export const github: WebhookForge = {
  claims: (request) => headerOf(request, 'x-github-event') !== '',
  check: (request) => checkHmac(request, request.secrets.github, 'x-hub-signature-256', 'sha256='),
  event: (request) => headerOf(request, 'x-github-event') || 'push',
  pushes: ['push'],
  read: readPush,
};

/** Gitea, Forgejo and Gogs, whose pushes look like GitHub's (docs.gitea.com, "Webhooks"; gogs.io, "Webhooks"). */
export const gitea: WebhookForge = {
  claims: (request) => ['x-gitea-event', 'x-forgejo-event', 'x-gogs-event'].some((name) => headerOf(request, name) !== ''),
  check: (request) => {
    const header = ['x-gitea-signature', 'x-forgejo-signature', 'x-gogs-signature'].find((name) => headerOf(request, name) !== '');
    return checkHmac(request, request.secrets.gogs, header ?? 'x-gitea-signature', '');
  },
  event: (request) => headerOf(request, 'x-gitea-event') || headerOf(request, 'x-forgejo-event') || headerOf(request, 'x-gogs-event'),
  pushes: ['push'],
  read: readPush,
};
