import { quantityMilli, type corev1 } from '@tiphys/kube-model';

const RESOURCES = ['cpu', 'memory'] as const;

/** The pod's quality of service class (pkg/apis/core/v1/helper/qos): cpu and memory of all containers decide. */
export function qosClassOf(pod: corev1.Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const amount = (map: Readonly<Record<string, string>> | undefined, name: string): number => quantityMilli(map?.[name] ?? '0');
  const isNamed = containers.some(({ resources }) => RESOURCES.some((name) => amount(resources?.requests, name) > 0 || amount(resources?.limits, name) > 0));
  if (!isNamed) return 'BestEffort';
  const isGuaranteed = containers.every(({ resources }) =>
    RESOURCES.every((name) => {
      const limit = amount(resources?.limits, name);
      const request = resources?.requests?.[name] ?? resources?.limits?.[name] ?? '0';
      return limit > 0 && quantityMilli(request) === limit;
    }),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
