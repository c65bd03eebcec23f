import type { KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { byConditions, type RuleTable } from '../rules/rule.ts';
import { conditionsOf, textAt } from '../rules/status.ts';

const RUN_WORDS: Readonly<Record<string, string>> = {
  Pending: 'is running',
  Running: 'is running',
  Successful: 'completed successfully',
  Failed: 'failed',
  Error: 'had an error',
  Inconclusive: 'was inconclusive',
};
const RUN_CODES = { Successful: 'Healthy', Failed: 'Degraded', Error: 'Degraded', Inconclusive: 'Unknown' } as const;

// rollouts AnalysisRunStatus (pkg/apis/rollouts/v1alpha1/analysis_types.go).
function assessAnalysisRun(live: KubeObject): Health {
  const phase = textAt(live, 'status', 'phase');
  if (phase === '') return health('Progressing', 'Waiting for analysis run to finish: status has not been reconciled.');
  const code = isRunEnd(phase) ? RUN_CODES[phase] : 'Progressing';
  const words = `Analysis run ${RUN_WORDS[phase] ?? `is ${phase}`}`;
  return health(code, isRunEnd(phase) ? textAt(live, 'status', 'message') || words : words);
}

function isRunEnd(phase: string): phase is keyof typeof RUN_CODES {
  return Object.hasOwn(RUN_CODES, phase);
}

const EXPERIMENT: Readonly<Record<string, readonly [Health['status'], string]>> = {
  Pending: ['Progressing', 'Experiment is pending'],
  Running: ['Progressing', 'Experiment is running'],
  Successful: ['Healthy', 'Experiment is successful'],
  Failed: ['Degraded', 'Experiment has failed'],
  Error: ['Degraded', 'Experiment had an error'],
};

function assessExperiment(live: KubeObject): Health {
  const verdict = EXPERIMENT[textAt(live, 'status', 'phase')];
  return verdict === undefined ? health('Progressing', 'Waiting for experiment to finish: status has not been reconciled.') : health(...verdict);
}

const WORKFLOW_CODES: Readonly<Record<string, Health['status']>> = {
  '': 'Progressing',
  Pending: 'Progressing',
  Running: 'Progressing',
  Succeeded: 'Healthy',
  Failed: 'Degraded',
  Error: 'Degraded',
};

// gitops-engine pkg/health/health_argo.go
function assessWorkflow(live: KubeObject): Health {
  return health(WORKFLOW_CODES[textAt(live, 'status', 'phase')] ?? 'Unknown', textAt(live, 'status', 'message'));
}

// Argo Events: every part of the status is a condition; Deployed is the last to come true.
function assessEvents(waiting: string): (live: KubeObject) => Health {
  return (live) => {
    const conditions = conditionsOf(live);
    const failed = conditions.find(({ status }) => status === 'False');
    if (failed !== undefined) return health('Degraded', failed.message);
    const deployed = conditions.find(({ type, status }) => type === 'Deployed' && status === 'True');
    return deployed === undefined ? health('Progressing', waiting) : health('Healthy', deployed.message);
  };
}

/** Argo's own kinds, without Rollout: Workflows, Events, Rollouts' runs and ApplicationSets. */
export const argoRules: RuleTable = {
  'argoproj.io/AnalysisRun': assessAnalysisRun,
  'argoproj.io/Experiment': assessExperiment,
  'argoproj.io/Workflow': assessWorkflow,
  'argoproj.io/EventBus': assessEvents('Waiting for EventBus to be deployed'),
  'argoproj.io/EventSource': assessEvents('Waiting for EventSource to be deployed'),
  'argoproj.io/Sensor': assessEvents('Waiting for Sensor to be deployed'),
  'argoproj.io/ApplicationSet': byConditions({
    clauses: [
      { type: 'ErrorOccurred', status: 'True', is: 'Degraded' },
      { type: 'ResourcesUpToDate', status: 'False', is: 'Degraded' },
      { type: 'RolloutProgressing', status: 'True', is: 'Progressing' },
      { type: 'ResourcesUpToDate', status: 'True', is: 'Healthy' },
    ],
    waiting: 'Waiting for the status to be reported',
  }),
  // A CronWorkflow waits for its time, so no news is good news.
  'argoproj.io/CronWorkflow': (live) => {
    const conditions = conditionsOf(live).filter(({ status }) => status === 'True');
    const failed = conditions.find(({ type }) => type === 'SpecError' || type === 'SubmissionError');
    if (failed !== undefined) return health('Degraded', failed.message);
    const completed = conditions.find(({ type }) => type === 'Completed');
    return health('Healthy', completed?.message ?? 'CronWorkflow is healthy.');
  },
};
