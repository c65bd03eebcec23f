import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, isStale, numberAt, textAt } from '../rules/status.ts';

const PROGRESSIVE_RESULT = 'numaplane.numaproj.io/progressive-result-state';

// Numaflow (numaflow.numaproj.io): a phase, and a condition for each part.
function assessNumaflow(kind: string): Assess {
  return (live) => {
    if (isStale(live) || textAt(live, 'status', 'phase') === '') return health('Progressing', `Waiting for ${kind} status`);
    if (textAt(live, 'metadata', 'labels', PROGRESSIVE_RESULT) === 'failed') return health('Degraded', 'Failed progressive upgrade');
    const phase = textAt(live, 'status', 'phase');
    if (phase === 'Failed') return health('Degraded', textAt(live, 'status', 'message'));
    if (phase === 'Paused') return health('Healthy', `${kind} is paused`);
    if (phase === 'Pausing' || phase === 'Deleting') return health('Progressing', `${kind} is ${phase.toLowerCase()}`);
    const failed = conditionsOf(live).find(({ status }) => status === 'False');
    if (failed === undefined) return health('Healthy', `${kind} is healthy`);
    // Where the parts are objects of their own their words are theirs; a part that is a pod has none.
    return health('Degraded', kind === 'MonoVertex' || kind === 'Pipeline' ? 'Subresources are unhealthy' : failed.message);
  };
}

// Numaplane: rolls the above out; a pause on purpose outweighs the health of the paused child.
function assessRollout(live: KubeObject): Health {
  const observed = fieldAt(live, 'status', 'observedGeneration');
  if (observed === undefined || isStale(live)) return health('Progressing', 'Not yet reconciled');
  const phase = textAt(live, 'status', 'phase');
  if (phase === 'Failed') return health('Degraded', textAt(live, 'status', 'message'));
  if (conditionOf(live, 'ProgressiveUpgradeSucceeded')?.status === 'False') return health('Degraded', 'Progressive upgrade failed');
  if (phase === 'Pending') return health('Progressing', 'Update in progress');
  const paused = conditionsOf(live).find(({ type, status }) => type.endsWith('PausingOrPaused') && status === 'True');
  if (paused !== undefined) return health('Healthy', paused.message);
  const children = conditionOf(live, 'ChildResourcesHealthy');
  if (children?.status === 'True') return health('Healthy', 'Healthy');
  if (children?.status === 'False' && children.reason !== 'Progressing') return health('Degraded', children.message);
  return health('Progressing', 'Child Progressing');
}

// Keptn (keptn.sh): one word for everything that ran before and after a deployment.
function assessKeptn(kind: string): Assess {
  const at = kind === 'KeptnEvaluation' ? 'overallStatus' : 'status';
  return (live) => {
    const word = textAt(live, 'status', at);
    if (word === 'Succeeded') return health('Healthy', `${kind} is healthy`);
    if (word === 'Failed' || word === 'Deprecated') return health('Degraded', `${kind} is degraded`);
    return health('Progressing', `${kind} is progressing`);
  };
}

function assessAnalysis(live: KubeObject): Health {
  if (textAt(live, 'status', 'state') !== 'Completed') return health('Progressing', 'Analysis is progressing');
  if (fieldAt(live, 'status', 'pass') === true) return health('Healthy', 'Analysis is healthy');
  return fieldAt(live, 'status', 'warning') === true ? health('Healthy', 'Analysis is healthy with warnings') : health('Degraded', 'Analysis is degraded');
}

function assessMetric(live: KubeObject): Health {
  if (textAt(live, 'status', 'errMsg') !== '') return health('Degraded', 'KeptnMetric is degraded');
  return textAt(live, 'status', 'value') === '' ? health('Progressing', 'KeptnMetric is progressing') : health('Healthy', 'KeptnMetric is healthy');
}

// Spark operator (kubeflow/spark-operator): executors come and go where allocation is dynamic.
const SPARK_FAILED = new Set(['FAILED', 'SUBMISSION_FAILED', 'FAILING', 'UNKNOWN']);

function assessSpark(live: KubeObject): Health {
  const state = textAt(live, 'status', 'applicationState', 'state');
  if (SPARK_FAILED.has(state)) return health('Degraded', textAt(live, 'status', 'applicationState', 'errorMessage') || `SparkApplication is ${state}`);
  if (state === 'COMPLETED') return health('Healthy', 'SparkApplication was Completed');
  if (state === 'RUNNING')
    return hasExecutors(live) ? health('Healthy', 'SparkApplication is Running') : health('Progressing', 'Waiting for executors of SparkApplication');
  return health('Progressing', SPARK_WORDS[state] ?? 'Waiting for SparkApplication');
}

const SPARK_WORDS: Readonly<Record<string, string>> = {
  SUBMITTED: 'SparkApplication was Submitted',
  PENDING_RERUN: 'SparkApplication is Pending Rerun',
  SUCCEEDING: 'SparkApplication is Succeeding',
  INVALIDATING: 'SparkApplication is Invalidating',
};

function hasExecutors(live: KubeObject): boolean {
  const states = fieldAt(live, 'status', 'executorState');
  const running = typeof states === 'object' && states !== null ? Object.values(states).filter((state) => state === 'RUNNING').length : 0;
  const setting = (name: string): string =>
    textAt(live, 'spec', 'sparkConf', `spark.dynamicAllocation.${name}`) || textAt(live, 'spec', 'sparkConf', `spark.streaming.dynamicAllocation.${name}`);
  if (fieldAt(live, 'spec', 'dynamicAllocation', 'enabled') === true || setting('enabled') === 'true') {
    const least = numberAt(live, 'spec', 'dynamicAllocation', 'minExecutors') || Number(setting('minExecutors'));
    const most = numberAt(live, 'spec', 'dynamicAllocation', 'maxExecutors') || Number(setting('maxExecutors')) || Infinity;
    return running >= least && running <= most;
  }
  return fieldAt(live, 'spec', 'executor', 'instances') === undefined || running >= numberAt(live, 'spec', 'executor', 'instances');
}

// Flink operator (nightlies.apache.org/flink/flink-kubernetes-operator): success was a flag before 1.0.
function assessFlink(live: KubeObject): Health {
  const deployment = textAt(live, 'status', 'jobManagerDeploymentStatus');
  const wanted = textAt(live, 'spec', 'job', 'state');
  const isSettled =
    fieldAt(live, 'status', 'reconciliationStatus', 'success') === true || textAt(live, 'status', 'reconciliationStatus', 'state') === 'DEPLOYED';
  if (deployment === 'ERROR') return health('Degraded', textAt(live, 'status', 'reconciliationStatus', 'error') || textAt(live, 'status', 'error'));
  if (isSettled && deployment === 'READY') return health('Healthy');
  if (isSettled && wanted === 'suspended' && deployment === 'MISSING') return health('Healthy');
  return health('Progressing', 'Waiting for deploying');
}

/** Data processing: Numaflow and its plane, Keptn, Spark, Flink. */
export const processingRules: RuleTable = {
  ...forKinds('numaflow.numaproj.io', ['InterStepBufferService', 'MonoVertex', 'Pipeline', 'Vertex'], assessNumaflow),
  ...forKinds('numaplane.numaproj.io', ['ISBServiceRollout', 'MonoVertexRollout', 'NumaflowControllerRollout', 'PipelineRollout'], () => assessRollout),
  ...forKinds('lifecycle.keptn.sh', ['KeptnAppVersion', 'KeptnEvaluation', 'KeptnTask', 'KeptnWorkloadInstance', 'KeptnWorkloadVersion'], assessKeptn),
  'metrics.keptn.sh/Analysis': assessAnalysis,
  'metrics.keptn.sh/KeptnMetric': assessMetric,
  'sparkoperator.k8s.io/SparkApplication': assessSpark,
  'sparkoperator.k8s.io/ScheduledSparkApplication': (live) => {
    const state = textAt(live, 'status', 'scheduleState');
    if (state === 'FailedValidation') return health('Degraded', textAt(live, 'status', 'reason') || state);
    return state === 'Scheduled' ? health('Healthy', 'ScheduledSparkApplication is scheduled') : health('Progressing', 'Waiting for ScheduledSparkApplication');
  },
  'flink.apache.org/FlinkDeployment': assessFlink,
};
