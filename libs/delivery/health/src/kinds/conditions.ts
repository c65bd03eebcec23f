import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { conditionOf, conditionsOf } from '../rules/status.ts';

/** Health of an APIService: whether the server behind it answers. */
export function assessApiService(live: KubeObject): Health {
  const available = conditionOf(live, 'Available');
  if (available === undefined) return health('Progressing', 'Waiting to be processed');
  return available.status === 'True' ? health('Healthy', available.message) : health('Progressing', available.message);
}

/** Health of a CustomResourceDefinition: its names are accepted, its schema is structural, and it is served. */
export function assessCustomResourceDefinition(live: KubeObject): Health {
  if (fieldAt(live, 'metadata', 'deletionTimestamp') !== undefined) return health('Progressing', 'CRD is terminating');
  if (conditionsOf(live).length === 0) return health('Progressing', 'Status conditions not found');
  const terminating = conditionOf(live, 'Terminating');
  if (terminating?.status === 'True') return health('Progressing', `CRD is terminating: ${terminating.message}`);
  const names = conditionOf(live, 'NamesAccepted');
  if (names?.status === 'False') return health('Degraded', `CRD names have not been accepted: ${names.message}`);
  const violations = conditionOf(live, 'NonStructuralSchema');
  if (violations?.status === 'True') return health('Degraded', `Schema violations found: ${violations.message}`);
  const established = conditionOf(live, 'Established');
  if (established?.status === 'True') return health('Healthy', 'CRD is healthy');
  // Until the server has taken up a new definition it says Installing; any other reason is final until somebody changes something.
  return established === undefined || established.reason === 'Installing'
    ? health('Progressing', 'CRD is being installed')
    : health('Degraded', 'CRD is not established');
}

/** Health of a Namespace: well while it is active. */
export function assessNamespace(live: KubeObject): Health {
  return fieldAt(live, 'status', 'phase') === 'Terminating' ? health('Progressing', 'Namespace is terminating') : health('Healthy');
}

/** Health of a PodDisruptionBudget: its controller can count the pods it covers. */
export function assessPodDisruptionBudget(live: KubeObject): Health {
  const conditions = conditionsOf(live).filter(({ type }) => type === 'DisruptionAllowed');
  const failed = conditions.find(({ reason }) => reason === 'SyncFailed');
  if (failed !== undefined) return health('Degraded', `PodDisruptionBudget has ${failed.reason}`);
  const [first] = conditions;
  return first === undefined ? health('Progressing', 'Waiting for status') : health('Healthy', `PodDisruptionBudget has ${first.reason}`);
}
