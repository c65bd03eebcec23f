import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionsOf, textAt, type Condition } from '../rules/status.ts';

// Knative Serving (specs/serving/knative-api-specification-1.0.md, "Error signalling").
function assessService(live: KubeObject): Health | undefined {
  // The v1alpha1 form (`runLatest`) is older than these conditions and no longer served.
  if (live.apiVersion.endsWith('/v1alpha1')) return undefined;
  const conditions = conditionsOf(live);
  const unmet = conditions.filter(({ status }) => status !== 'True');
  if (conditions.length === 0) return health('Progressing', 'Waiting for status update.');
  if (unmet.length === 0) return health('Healthy', 'Knative Service is healthy.');
  const words = unmet.map(({ type, status, reason, message }) => `${type} is ${status}, since ${reason}. ${message}\n`).join('');
  return health(unmet.some(({ status }) => status === 'False') ? 'Degraded' : 'Progressing', words);
}

/** Conditions as numbered lines, for kinds whose trouble shows only in the whole of them. */
export function conditionLines(conditions: readonly Condition[]): string {
  return conditions.map(({ type, status }, index) => `${index + 1}: ${type} | ${status}\n`).join('');
}

function assessOperated(kind: string): Assess {
  return (live) => {
    const conditions = conditionsOf(live);
    if (conditions.length === 0) return health('Progressing', `Waiting for ${kind}`);
    if (conditions.every(({ status }) => status === 'True')) return health('Healthy', `${kind} is healthy.`);
    // The operator installs step by step, so Unknown and False are on the way; anything else is not a status.
    const isOnTheWay = conditions.every(({ status }) => status === 'True' || status === 'False' || status === 'Unknown');
    return health(isOnTheWay ? 'Progressing' : 'Degraded', conditionLines(conditions));
  };
}

// KServe (kserve.github.io, InferenceServiceStatus): a model that is being loaded outweighs the conditions of the pods.
function assessInferenceService(live: KubeObject): Health {
  const conditions = conditionsOf(live);
  if (conditions.some(({ type, status }) => type === 'Stopped' && status === 'True')) return health('Suspended', 'InferenceService is Stopped');
  const transition = textAt(live, 'status', 'modelStatus', 'transitionStatus');
  const unmet = conditions.filter(({ type, status }) => status !== 'True' && type !== 'Stopped');
  if (conditions.length === 0) return health('Progressing', 'Waiting for InferenceService to report status...');
  const isLoading = transition === 'InProgress';
  const isBlocked = transition !== '' && transition !== 'UpToDate' && !isLoading;
  if (unmet.length === 0 && !isLoading && !isBlocked) return health('Healthy', 'InferenceService is healthy.');
  const isDown = isBlocked || (!isLoading && unmet.some(({ status }) => status === 'False'));
  return health(isDown ? 'Degraded' : 'Progressing', [transitionLine(transition), ...unmet.map((each) => inferenceLine(conditions, each))].join(' | '));
}

function transitionLine(transition: string): string {
  return transition === '' || transition === 'UpToDate' ? '' : `0: transitionStatus | ${transition}`;
}

function inferenceLine(conditions: readonly Condition[], condition: Condition): string {
  const { type, status, reason, message } = condition;
  return [`${conditions.indexOf(condition) + 1}: ${type}`, status, reason, message].filter((part) => part !== '').join(' | ');
}

// OpenFaaS (openfaas.com Function status).
function assessFunction(live: KubeObject): Health {
  const conditions = conditionsOf(live);
  const holds = (type: string): Condition | undefined => conditions.find((condition) => condition.type === type && condition.status === 'True');
  const stalled = holds('Stalled');
  if (stalled !== undefined) return health('Degraded', stalled.message);
  const ready = holds('Ready');
  if (ready === undefined) return health('Progressing', 'Waiting for Function');
  const isAsleep = conditions.some(({ type, status }) => type === 'Healthy' && status === 'False') || fieldAt(live, 'status', 'replicas') === 0;
  return isAsleep ? health('Suspended', 'No replicas available') : health('Healthy', ready.message);
}

/** Serverless and model serving: Knative, its operator, KServe, OpenFaaS. */
export const knativeRules: RuleTable = {
  'serving.knative.dev/Service': assessService,
  ...forKinds('operator.knative.dev', ['KnativeEventing', 'KnativeServing'], assessOperated),
  'serving.kserve.io/InferenceService': assessInferenceService,
  'openfaas.com/Function': assessFunction,
};
