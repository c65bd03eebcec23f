import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly message?: string;
}

function conditionOf(live: KubeObject, type: string): Condition | undefined {
  const conditions = fieldAt(live, 'status', 'conditions');
  return Array.isArray(conditions) ? conditions.find((condition: Condition) => condition.type === type) : undefined;
}

/** Health of an APIService: whether the server behind it answers. */
export function assessApiService(live: KubeObject): Health {
  const available = conditionOf(live, 'Available');
  if (available === undefined) return health('Progressing', 'Waiting to be processed');
  return available.status === 'True' ? health('Healthy', available.message) : health('Progressing', available.message);
}

/** Health of a CustomResourceDefinition: names accepted and served. */
export function assessCustomResourceDefinition(live: KubeObject): Health {
  const names = conditionOf(live, 'NamesAccepted');
  if (names?.status === 'False') return health('Degraded', names.message);
  const established = conditionOf(live, 'Established');
  return established?.status === 'True' ? health('Healthy') : health('Progressing', established?.message ?? 'Waiting to be established');
}

/** Health of a Namespace: well while it is active. */
export function assessNamespace(live: KubeObject): Health {
  return fieldAt(live, 'status', 'phase') === 'Terminating' ? health('Progressing', 'Namespace is terminating') : health('Healthy');
}
