import type { corev1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a PersistentVolumeClaim by its phase. */
export function assessPersistentVolumeClaim(live: KubeObject): Health {
  // The dispatcher calls this for core PersistentVolumeClaims only.
  switch ((live as corev1.PersistentVolumeClaim).status?.phase) {
    case 'Bound':
      return health('Healthy');
    case 'Pending':
      return health('Progressing');
    case 'Lost':
      return health('Degraded');
    case undefined:
    default:
      return health('Unknown');
  }
}
