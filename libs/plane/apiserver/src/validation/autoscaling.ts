import { parseQuantity, type autoscalingv2 } from '@tiphys/kube-model';
import { asMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { between, format, oneOf, positive } from './checks.ts';
import { pathSegment } from './formats.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import type { Row } from './rows.ts';
import { labelSelector } from './selectors.ts';

const SOURCES: Readonly<Record<string, keyof autoscalingv2.MetricSpec>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

const behavior = (direction: 'scaleUp' | 'scaleDown'): readonly Row[] => [
  [`spec.behavior.${direction}.stabilizationWindowSeconds`, between(0, 3_600)],
  [`spec.behavior.${direction}.selectPolicy`, oneOf('Disabled', 'Max', 'Min')],
  [`spec.behavior.${direction}.policies[].type`, oneOf('Percent', 'Pods')],
  [`spec.behavior.${direction}.policies[].value`, positive],
  [`spec.behavior.${direction}.policies[].periodSeconds`, between(1, 1_800)],
];

export const horizontalPodAutoscaler: KindRules = kindRules<autoscalingv2.HorizontalPodAutoscaler>({
  rows: [
    ['spec.scaleTargetRef.kind', format(pathSegment), 'required'],
    ['spec.scaleTargetRef.name', format(pathSegment), 'required'],
    ['spec.minReplicas', positive],
    ['spec.maxReplicas', positive, 'required'],
    ...behavior('scaleUp'),
    ...behavior('scaleDown'),
  ],
  check: ({ spec }, problems) => {
    if (spec === undefined) return void problems.push(problem.required('spec'));
    if (spec.minReplicas !== undefined && (spec.maxReplicas ?? 0) < spec.minReplicas)
      problems.push(problem.invalid('spec.maxReplicas', spec.maxReplicas, 'must be greater than or equal to `minReplicas`'));
    for (const [index, metric] of (spec.metrics ?? []).entries()) checkMetric(metric, `spec.metrics[${index}]`, problems);
    for (const direction of ['scaleUp', 'scaleDown'] as const)
      if (spec.behavior?.[direction] !== undefined && (spec.behavior[direction].policies ?? []).length === 0)
        problems.push(problem.required(`spec.behavior.${direction}.policies`, 'must specify at least one Policy'));
  },
});

function checkMetric(metric: autoscalingv2.MetricSpec, at: string, problems: FieldProblem[]): void {
  const source = SOURCES[metric.type];
  if ((metric.type ?? '') === '') return void problems.push(problem.required(`${at}.type`, 'must specify a metric source type'));
  if (source === undefined) return void problems.push(problem.notSupported(`${at}.type`, metric.type, Object.keys(SOURCES)));
  const given = asMap(metric[source]);
  if (given === undefined) return void problems.push(problem.required(`${at}.${source}`, `must populate information for the given metric source`));
  for (const other of Object.values(SOURCES))
    if (other !== source && metric[other] !== undefined) problems.push(problem.forbidden(`${at}.${other}`, 'must populate the given metric source only'));
  const field = `${at}.${source}`;
  const name = source === 'resource' || source === 'containerResource' ? given['name'] : asMap(given['metric'])?.['name'];
  const namePath = source === 'resource' || source === 'containerResource' ? `${field}.name` : `${field}.metric.name`;
  if (typeof name !== 'string' || name === '')
    problems.push(problem.required(namePath, source === 'resource' ? 'must specify a resource name' : 'must specify a metric name'));
  if (source === 'containerResource' && ((given['container'] as string | undefined) ?? '') === '')
    problems.push(problem.required(`${field}.container`, 'must specify a container')); // Text by schema.
  labelSelector(asMap(given['metric'])?.['selector'], `${field}.metric.selector`, problems);
  checkTarget((given['target'] ?? {}) as autoscalingv2.MetricTarget, source, `${field}.target`, problems); // By schema.
}

function checkTarget(target: autoscalingv2.MetricTarget, source: string, at: string, problems: FieldProblem[]): void {
  const { type, value, averageValue, averageUtilization } = target;
  if ((type ?? '') === '') problems.push(problem.required(`${at}.type`, 'must specify a metric target type'));
  else oneOf('AverageValue', 'Utilization', 'Value')(type, `${at}.type`, problems);
  for (const [field, amount] of [
    ['value', value],
    ['averageValue', averageValue],
  ] as const)
    if (amount !== undefined && (parseQuantity(amount)?.nano ?? 0n) <= 0n) problems.push(problem.invalid(`${at}.${field}`, amount, 'must be positive'));
  if (averageUtilization !== undefined && averageUtilization < 1)
    problems.push(problem.invalid(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  if (source === 'resource' || source === 'containerResource') {
    if (averageUtilization === undefined && averageValue === undefined)
      problems.push(problem.required(`${at}.averageUtilization`, 'must set either a target raw value or a target utilization'));
    if (averageUtilization !== undefined && averageValue !== undefined)
      problems.push(problem.forbidden(`${at}.averageValue`, 'may not set both a target raw value and a target utilization'));
  } else if (source === 'pods') {
    if (averageValue === undefined) problems.push(problem.required(`${at}.averageValue`, 'must specify a positive target averageValue'));
  } else if (value === undefined && averageValue === undefined)
    problems.push(problem.required(`${at}.averageValue`, 'must set either a target value or averageValue'));
}
