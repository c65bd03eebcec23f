import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import type { ActionDefinition, ActionTable } from '../action.ts';
import { mapAt, ownerReference, patch, timedName, type Edit } from '../edit.ts';

const text = (live: KubeObject, ...path: readonly string[]): string => String(fieldAt(live, ...path) ?? '');
const lengthAt = (live: KubeObject, ...path: readonly string[]): number => {
  const list = fieldAt(live, ...path);
  return Array.isArray(list) ? list.length : 0;
};

const isPaused = (live: KubeObject): boolean => fieldAt(live, 'spec', 'paused') === true;
const isAborted = (live: KubeObject): boolean => fieldAt(live, 'status', 'abort') === true;
const isPromoted = (live: KubeObject): boolean => {
  const stable = text(live, 'status', 'stableRS');
  return stable !== '' && stable === text(live, 'status', 'currentPodHash');
};
const stepsLeft = (live: KubeObject): boolean => currentStep(live) < lengthAt(live, 'spec', 'strategy', 'canary', 'steps');
// Since 1.0 the controller takes promoteFull; before that observedGeneration was a hash, and only steps could be skipped.
const takesPromoteFull = (live: KubeObject): boolean => /^\d+$/.test(text(live, 'status', 'observedGeneration'));

function currentStep(live: KubeObject): number {
  const index = fieldAt(live, 'status', 'currentStepIndex');
  return typeof index === 'number' ? index : 0;
}

const WITHOUT_ABORT: Edit = { at: ['status', 'abort'] };
const WITHOUT_PAUSES: Edit = { at: ['status', 'pauseConditions'] };

// As the commands of the kubectl plugin (argo-rollouts docs, "kubectl argo rollouts").
const rolloutActions: readonly ActionDefinition[] = [
  { name: 'restart', displayName: 'Restart Pods', perform: (live, { now }) => patch(live, { at: ['spec', 'restartAt'], value: now }) },
  {
    name: 'resume',
    isDisabled: (live) => !isPaused(live) && lengthAt(live, 'status', 'pauseConditions') === 0,
    perform: (live) => patch(live, ...(isPaused(live) ? [{ at: ['spec', 'paused'], value: false }] : []), WITHOUT_PAUSES),
  },
  {
    name: 'pause',
    isDisabled: (live) => isPaused(live) || isAborted(live) || isPromoted(live),
    perform: (live) => patch(live, { at: ['spec', 'paused'], value: true }),
  },
  { name: 'abort', isDisabled: (live) => isAborted(live) || isPromoted(live), perform: (live) => patch(live, { at: ['status', 'abort'], value: true }) },
  { name: 'retry', isDisabled: (live) => !isAborted(live), perform: (live) => patch(live, WITHOUT_ABORT) },
  {
    name: 'promote-full',
    isDisabled: (live) => isPromoted(live) || !(takesPromoteFull(live) || stepsLeft(live)),
    perform: (live) =>
      takesPromoteFull(live)
        ? patch(live, { at: ['status', 'promoteFull'], value: true })
        : patch(live, WITHOUT_ABORT, WITHOUT_PAUSES, { at: ['status', 'currentStepIndex'], value: lengthAt(live, 'spec', 'strategy', 'canary', 'steps') }),
  },
  {
    name: 'skip-current-step',
    isDisabled: (live) => isPromoted(live) || !stepsLeft(live),
    perform: (live) => patch(live, { at: ['status', 'currentStepIndex'], value: currentStep(live) + 1 }, WITHOUT_PAUSES),
  },
];

const CONTROLLER_INSTANCE = 'workflows.argoproj.io/controller-instanceid';
const MAX_WORKFLOW_NAME = 63;

function workflow(live: KubeObject, now: string, { labels, annotations, finalizers, spec }: WorkflowParts): KubeObject {
  const { namespace } = live.metadata;
  const metadata = {
    name: timedName(live, now, MAX_WORKFLOW_NAME),
    ...(namespace === undefined ? {} : { namespace }),
    labels,
    ...(annotations === undefined ? {} : { annotations }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ownerReferences: [ownerReference(live)],
  };
  // A Workflow by construction.
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata, spec } as unknown as KubeObject;
}

interface WorkflowParts {
  readonly labels: object;
  readonly annotations?: object;
  readonly finalizers?: unknown;
  readonly spec: object;
}

// As `argo submit --from cronwf/...`.
const fromCron: ActionDefinition = {
  name: 'create-workflow',
  perform: (live, { now }) => {
    const instance = live.metadata.labels?.[CONTROLLER_INSTANCE];
    const finalizers = fieldAt(live, 'spec', 'workflowMetadata', 'finalizers');
    const labels = {
      ...mapAt(live, 'spec', 'workflowMetadata', 'labels'),
      'workflows.argoproj.io/cron-workflow': live.metadata.name ?? '',
      ...(instance === undefined ? {} : { [CONTROLLER_INSTANCE]: instance }),
    };
    const annotations = { ...mapAt(live, 'spec', 'workflowMetadata', 'annotations'), 'workflows.argoproj.io/scheduled-time': now };
    const spec = mapAt(live, 'spec', 'workflowSpec');
    return [{ kind: 'create', object: workflow(live, now, { labels, annotations, ...(finalizers === undefined ? {} : { finalizers }), spec }) }];
  },
};

function fromTemplate(isClusterScoped: boolean): ActionDefinition {
  return {
    name: 'create-workflow',
    perform: (live, { now }) => {
      const name = live.metadata.name ?? '';
      const instance = live.metadata.labels?.[CONTROLLER_INSTANCE];
      const label = isClusterScoped ? 'workflows.argoproj.io/cluster-workflow-template' : 'workflows.argoproj.io/workflow-template';
      const labels = { [label]: name, ...(instance === undefined ? {} : { [CONTROLLER_INSTANCE]: instance }) };
      const spec = { workflowTemplateRef: { name, ...(isClusterScoped ? { clusterScope: true } : {}) } };
      return [{ kind: 'create', object: workflow(live, now, { labels, spec }) }];
    },
  };
}

const isWorkflowEnded = (live: KubeObject): boolean => ['Succeeded', 'Failed', 'Error'].includes(text(live, 'status', 'phase'));
const isWorkflowSuspended = (live: KubeObject): boolean => fieldAt(live, 'spec', 'suspend') === true;

// As `argo suspend`, `resume`, `stop` and `terminate`.
const workflowActions: readonly ActionDefinition[] = [
  {
    name: 'suspend',
    isDisabled: (live) => isWorkflowEnded(live) || isWorkflowSuspended(live),
    perform: (live) => patch(live, { at: ['spec', 'suspend'], value: true }),
  },
  { name: 'resume', isDisabled: (live) => !isWorkflowSuspended(live), perform: (live) => patch(live, { at: ['spec', 'suspend'] }) },
  { name: 'stop', isDisabled: isWorkflowEnded, perform: (live) => patch(live, { at: ['spec', 'shutdown'], value: 'Stop' }) },
  { name: 'terminate', isDisabled: isWorkflowEnded, perform: (live) => patch(live, { at: ['spec', 'shutdown'], value: 'Terminate' }) },
];

/** Actions of Argo's kinds. */
export const argoActions: ActionTable = {
  'argoproj.io/Rollout': rolloutActions,
  'argoproj.io/AnalysisRun': [
    {
      name: 'terminate',
      isDisabled: (live) => !['Pending', 'Running'].includes(text(live, 'status', 'phase')),
      perform: (live) => patch(live, { at: ['spec', 'terminate'], value: true }),
    },
  ],
  'argoproj.io/CronWorkflow': [fromCron],
  'argoproj.io/WorkflowTemplate': [fromTemplate(false)],
  'argoproj.io/ClusterWorkflowTemplate': [fromTemplate(true)],
  'argoproj.io/Workflow': workflowActions,
};
