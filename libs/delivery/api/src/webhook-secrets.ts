import type { WebhookSecrets } from '@tiphys/delivery-git';
import type { KubeClient } from '@tiphys/kube-client';
import { builtin, isStatus, type corev1 } from '@tiphys/kube-model';

// Keys of argocd-secret, as Argo CD names them.
const WEBHOOK_KEYS: Readonly<Record<keyof WebhookSecrets, string>> = {
  github: 'webhook.github.secret',
  gitlab: 'webhook.gitlab.secret',
  bitbucketUuid: 'webhook.bitbucket.uuid',
  bitbucketServer: 'webhook.bitbucketserver.secret',
  gogs: 'webhook.gogs.secret',
  azureUsername: 'webhook.azuredevops.username',
  azurePassword: 'webhook.azuredevops.password',
};

/** The secrets of webhooks in argocd-secret. Where a forge has none, `own` stands in: every sender that signs can use it. */
export async function readWebhookSecrets(client: KubeClient, namespace: string, own: string | undefined, signal: AbortSignal): Promise<WebhookSecrets> {
  const stored = await client.get<corev1.Secret>(builtin('v1', 'Secret'), { namespace, name: 'argocd-secret' }, { signal }).catch((error: unknown) => {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  });
  const given = Object.entries(WEBHOOK_KEYS).flatMap(([name, key]) => {
    const value = stored?.data?.[key];
    return value === undefined ? [] : [[name, Buffer.from(value, 'base64').toString('utf8')] as const];
  });
  const defaults = own === undefined ? {} : { github: own, gitlab: own, bitbucketServer: own, gogs: own };
  return { ...defaults, ...Object.fromEntries(given) };
}
