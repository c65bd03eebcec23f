import { field, headerOf, isSameSecret, listOf, push, refuse, texts, type WebhookForge } from './forge.ts';

/** Azure DevOps (learn.microsoft.com, "Service hooks events": git.push): its sender logs in with a name and a password. */
export const azureDevops: WebhookForge = {
  claims: (request) => headerOf(request, 'x-vss-activityid') !== '' || headerOf(request, 'x-vss-subscriptionid') !== '',
  check(request) {
    const { azureUsername = '', azurePassword = '' } = request.secrets;
    if (azureUsername === '' || azurePassword === '') return refuse('noSecret', 'webhook: no user and password are configured, so no push can be trusted');
    const header = headerOf(request, 'authorization');
    if (header === '') return refuse('noSignature', 'webhook: header authorization is missing');
    const wanted = `Basic ${Buffer.from(`${azureUsername}:${azurePassword}`).toString('base64')}`;
    return isSameSecret(header, wanted) ? undefined : refuse('badSignature', 'webhook: user or password does not match');
  },
  // The event is named in the body only, which is read after the check.
  event: () => 'git.push',
  pushes: ['git.push'],
  read(body) {
    const event = field(body, 'eventType');
    if (event !== 'git.push') return { kind: 'ignored', event: String(event) };
    const [update] = listOf(field(body, 'resource', 'refUpdates'));
    const urls = texts([field(body, 'resource', 'repository', 'remoteUrl'), field(body, 'resource', 'repository', 'sshUrl')]);
    return push(urls, field(update, 'name'), field(update, 'newObjectId'));
  },
};
