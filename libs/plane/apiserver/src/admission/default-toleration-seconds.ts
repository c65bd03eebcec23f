import type { corev1, Mutable } from '@tiphys/kube-model';
import type { AdmissionPlugin } from './chain.ts';
import { newPod } from './pods.ts';

const EVICTION_DELAY_SECONDS = 300;

/** Pods outlast a lost or unready node for a while unless they say otherwise (plugin/defaulttolerationseconds). */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(_core, request) {
    const pod = newPod(request);
    if (pod === undefined) return;
    addToleration(pod.spec, 'node.kubernetes.io/not-ready');
    addToleration(pod.spec, 'node.kubernetes.io/unreachable');
  },
};

function addToleration(spec: Mutable<corev1.PodSpec>, key: string): void {
  const covered = spec.tolerations?.some(
    (toleration) =>
      (toleration.key === key || ((toleration.key ?? '') === '' && toleration.operator === 'Exists')) &&
      ((toleration.effect ?? '') === '' || toleration.effect === 'NoExecute'),
  );
  if (covered !== true)
    spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: EVICTION_DELAY_SECONDS }];
}
