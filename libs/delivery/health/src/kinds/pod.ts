import type { corev1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

const IGNORE_RESTART_POLICY = 'argocd.argoproj.io/ignore-restart-policy';

/** Health of a Pod: a pod that runs for ever should be ready, one that runs to an end should end well. */
export function assessPod(live: KubeObject): Health {
  // The dispatcher calls this for core Pods only.
  const pod = live as corev1.Pod;
  const stuck = waitingFailure(pod);
  const runsForever = (pod.spec?.restartPolicy ?? 'Always') === 'Always' || (pod.metadata.annotations?.[IGNORE_RESTART_POLICY] === 'true' && !isHook(pod));
  if (runsForever && stuck !== undefined) return health('Degraded', stuck);
  switch (pod.status?.phase) {
    case 'Pending':
      return health('Progressing', pod.status.message);
    case 'Succeeded':
      return health('Healthy', pod.status.message);
    case 'Failed':
      return health('Degraded', failureMessage(pod));
    case 'Running':
      return runsForever ? assessRunning(pod) : health('Progressing', pod.status.message);
    case undefined:
    default:
      return health('Unknown', pod.status?.message);
  }
}

function assessRunning(pod: corev1.Pod): Health {
  const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  if (ready) return health('Healthy', pod.status?.message);
  // A container that already died once and is still not ready is in trouble, not on its way.
  const died = pod.status?.containerStatuses?.find((container) => container.lastState?.terminated !== undefined);
  if (died !== undefined) return health('Degraded', pod.status?.message ?? `container "${died.name}" restarted and is not ready`);
  return health('Progressing', pod.status?.message);
}

function isHook(pod: corev1.Pod): boolean {
  return pod.metadata.annotations?.['argocd.argoproj.io/hook'] !== undefined || pod.metadata.annotations?.['helm.sh/hook'] !== undefined;
}

function waitingFailure(pod: corev1.Pod): string | undefined {
  const messages = (pod.status?.containerStatuses ?? []).flatMap(({ state }) => {
    const reason = state?.waiting?.reason ?? '';
    const failed = reason.startsWith('Err') || reason.endsWith('Error') || reason.endsWith('BackOff');
    return failed ? [state?.waiting?.message ?? reason] : [];
  });
  return messages.length > 0 ? messages.join(', ') : undefined;
}

function failureMessage(pod: corev1.Pod): string {
  if (pod.status?.message !== undefined && pod.status.message !== '') return pod.status.message;
  for (const container of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const ended = container.state?.terminated;
    if (ended === undefined) continue;
    if (ended.message !== undefined && ended.message !== '') return ended.message;
    if (ended.reason === 'OOMKilled') return ended.reason;
    if (ended.exitCode !== 0) return `container "${container.name}" failed with exit code ${ended.exitCode}`;
  }
  return '';
}
