import type { corev1 } from '@tiphys/kube-model';

/** Label that says what a Secret is for. */
export const SECRET_TYPE_LABEL = 'argocd.argoproj.io/secret-type';

/** The text of one key of a Secret; undefined when there is none. */
export function secretText(secret: corev1.Secret, key: string): string | undefined {
  const plain = secret.stringData?.[key];
  if (plain !== undefined) return plain;
  const encoded = secret.data?.[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}
