import type { autoscalingv1, autoscalingv2, Mutable } from '@tiphys/kube-model';

// A target of 80 % of the requested CPU where no metric is named.
const CPU_PERCENT = 80;

export function defaultAutoscalerV1({ spec }: Mutable<autoscalingv1.HorizontalPodAutoscaler>): void {
  if (spec !== undefined) spec.targetCPUUtilizationPercentage ??= CPU_PERCENT;
}

export function defaultAutoscaler({ spec }: Mutable<autoscalingv2.HorizontalPodAutoscaler>): void {
  if (spec === undefined) return;
  if ((spec.metrics ?? []).length === 0)
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_PERCENT } } }];
  if (spec.behavior === undefined) return;
  // Up: at once, by four pods or to the double, whichever is more. Down: to what is wanted, after a window of the controller's.
  spec.behavior.scaleUp = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
    ...spec.behavior.scaleUp,
  };
  spec.behavior.scaleDown = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }], ...spec.behavior.scaleDown };
}
