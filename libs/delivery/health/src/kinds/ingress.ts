import type { KubeObject, networkingv1 } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of an Ingress: well once a controller gave it an address. */
export function assessIngress(live: KubeObject): Health {
  // The dispatcher calls this for networking Ingresses only.
  return ((live as networkingv1.Ingress).status?.loadBalancer?.ingress?.length ?? 0) > 0 ? health('Healthy') : health('Progressing');
}
