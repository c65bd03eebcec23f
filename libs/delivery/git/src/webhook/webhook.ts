import { LIMITS } from '@tiphys/kernel';
import { azureDevops } from './azure-devops.ts';
import { bitbucketCloud, bitbucketServer } from './bitbucket.ts';
import { gitea, github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { refuse, type WebhookForge, type WebhookRequest, type WebhookResult } from './forge.ts';

// Gitea and Gogs send GitHub's headers too, so they are asked first. Who sends no header of its own is taken for GitHub.
const FORGES: readonly WebhookForge[] = [gitea, gitlab, bitbucketCloud, bitbucketServer, azureDevops, github];

/** Judges a push of any forge we know: its secret or signature is checked over the raw bytes before anything is parsed. */
export function parseWebhook(request: WebhookRequest): WebhookResult {
  if (request.rawBody.byteLength > LIMITS.webhookBodyBytes) return refuse('tooLarge', `webhook: body exceeds ${LIMITS.webhookBodyBytes} bytes`);
  const forge = FORGES.find(({ claims }) => claims(request)) ?? github;
  const refusal = forge.check(request);
  if (refusal !== undefined) return refusal;
  const event = forge.event(request);
  if (!forge.pushes.includes(event)) return { kind: 'ignored', event };
  try {
    // JSON.parse makes own fields of whatever a body names; they are read as such.
    return forge.read(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.rawBody)));
  } catch {
    return refuse('malformed', 'webhook: body is not JSON');
  }
}
