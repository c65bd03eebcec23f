import { applicationType } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import type { KubeObject } from '@tiphys/kube-model';

/** Argo CD's own, so that its users and tools can ask us too. */
export const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';

/** How an application asks to be looked at now: `hard` renders anew as well. Undefined when it does not. */
export function refreshAsked(application: KubeObject): 'hard' | 'normal' | undefined {
  const value = application.metadata.annotations?.[REFRESH_ANNOTATION];
  if (value === undefined) return undefined;
  return value === 'hard' ? 'hard' : 'normal';
}

/** Asks whoever reconciles, or with `undefined` takes the question away. Throws what the client throws. */
export async function askToRefresh(
  client: KubeClient,
  key: { readonly name: string; readonly namespace: string },
  how: 'hard' | 'normal' | undefined,
  signal: AbortSignal,
): Promise<void> {
  const patch = { metadata: { annotations: { [REFRESH_ANNOTATION]: how ?? null } } };
  await client.patch(applicationType, key, patch, { type: 'merge', fieldManager: how === undefined ? 'tiphys-controller' : 'tiphys-api', signal });
}
