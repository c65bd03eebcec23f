import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import type { ActionDefinition, ActionTable } from '../action.ts';
import { countParameter, mapAt, ownerReference, patch, timedName } from '../edit.ts';

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
const PLAY = 'fa fa-fw fa-play';
const PAUSE = 'fa fa-fw fa-pause';
const MAX_JOB_NAME = 63;

/** As `kubectl rollout restart`: a changed annotation of the pods makes new pods. */
const restart: ActionDefinition = {
  name: 'restart',
  perform: (live, { now }) => patch(live, { at: ['spec', 'template', 'metadata', 'annotations', RESTARTED_AT], value: now }),
};

const scale: ActionDefinition = {
  name: 'scale',
  params: () => [{ name: 'replicas' }],
  perform: (live, context) => patch(live, { at: ['spec', 'replicas'], value: countParameter(live, context, 'replicas') }),
};

const isPaused = (live: KubeObject): boolean => fieldAt(live, 'spec', 'paused') === true;

const deploymentActions: readonly ActionDefinition[] = [
  restart,
  { name: 'pause', isDisabled: isPaused, perform: (live) => patch(live, { at: ['spec', 'paused'], value: true }) },
  { name: 'resume', isDisabled: (live) => !isPaused(live), perform: (live) => patch(live, { at: ['spec', 'paused'], value: false }) },
  scale,
];

const isSuspended = (live: KubeObject): boolean => fieldAt(live, 'spec', 'suspend') === true;
const suspend: ActionDefinition = {
  name: 'suspend',
  iconClass: PAUSE,
  isOffered: (live) => !isSuspended(live),
  perform: (live) => patch(live, { at: ['spec', 'suspend'], value: true }),
};
const resume: ActionDefinition = {
  name: 'resume',
  iconClass: PLAY,
  isOffered: isSuspended,
  perform: (live) => patch(live, { at: ['spec', 'suspend'], value: false }),
};

// As `kubectl create job --from=cronjob/...`, with the CronJob as controller, so that its history limits count.
const createJob: ActionDefinition = {
  name: 'create-job',
  displayName: 'Create Job',
  iconClass: 'fa fa-fw fa-plus',
  perform: (live, { now }) => {
    const { namespace } = live.metadata;
    const metadata = {
      name: timedName(live, now, MAX_JOB_NAME),
      ...(namespace === undefined ? {} : { namespace }),
      labels: mapAt(live, 'spec', 'jobTemplate', 'metadata', 'labels'),
      annotations: { ...mapAt(live, 'spec', 'jobTemplate', 'metadata', 'annotations'), 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [{ ...ownerReference(live), blockOwnerDeletion: true, controller: true }],
    };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: mapAt(live, 'spec', 'jobTemplate', 'spec') };
    // A Job by construction.
    return [{ kind: 'create', object: job as unknown as KubeObject }];
  },
};

const ENDED = new Set(['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet']);
const conditionsOf = (live: KubeObject): readonly unknown[] => {
  const conditions = fieldAt(live, 'status', 'conditions');
  return Array.isArray(conditions) ? conditions : [];
};
const isEnded = (live: KubeObject): boolean =>
  conditionsOf(live).some((condition) => ENDED.has(String(fieldAt(condition, 'type'))) && fieldAt(condition, 'status') === 'True');
const whileRunning = (action: ActionDefinition): ActionDefinition => ({
  ...action,
  isOffered: (live) => !isEnded(live) && (action.isOffered?.(live) ?? true),
});

// KEP-3998: the condition FailureTarget makes the Job controller end the pods and fail the Job.
const terminate: ActionDefinition = {
  name: 'terminate',
  iconClass: 'fa fa-fw fa-stop',
  perform: (live, { now, agent }) => {
    if (isEnded(live)) return patch(live);
    const condition = {
      type: 'FailureTarget',
      status: 'True',
      reason: 'ManuallyTerminated',
      message: `Job was terminated explicitly through ${agent}`,
      lastTransitionTime: now,
    };
    return patch(live, { at: ['status', 'conditions'], value: [...conditionsOf(live), condition] });
  },
};

/** Actions of Kubernetes' own workloads. */
export const workloadActions: ActionTable = {
  'apps/Deployment': deploymentActions,
  'apps/StatefulSet': [restart, scale],
  'apps/DaemonSet': [restart],
  'apps/ReplicaSet': [scale],
  'batch/CronJob': [createJob, suspend, resume],
  'batch/Job': [suspend, resume, terminate].map(whileRunning),
  'apps.kruise.io/CloneSet': [restart, scale],
  'apps.kruise.io/StatefulSet': [restart, scale],
  'apps.kruise.io/DaemonSet': [restart],
};
