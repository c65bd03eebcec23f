import type { corev1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a Service: only one of type LoadBalancer has something to wait for. */
export function assessService(live: KubeObject): Health {
  // The dispatcher calls this for core Services only.
  const { spec, status } = live as corev1.Service;
  if (spec?.type !== 'LoadBalancer' || (status?.loadBalancer?.ingress?.length ?? 0) > 0) return health('Healthy');
  return health('Progressing');
}
