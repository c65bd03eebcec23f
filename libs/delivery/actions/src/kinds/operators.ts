import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import type { ActionDefinition, ActionTable } from '../action.ts';
import { annotation, countParameter, patch } from '../edit.ts';

const isTrue =
  (...path: readonly string[]) =>
  (live: KubeObject): boolean =>
    fieldAt(live, ...path) === true;

// Two actions that set one flag and take it back.
function toggle(on: string, off: string, at: readonly string[], iconClass?: { readonly on: string; readonly off: string }): readonly ActionDefinition[] {
  const isOn = isTrue(...at);
  return [
    { name: on, isDisabled: isOn, ...(iconClass === undefined ? {} : { iconClass: iconClass.on }), perform: (live) => patch(live, { at, value: true }) },
    {
      name: off,
      isDisabled: (live) => !isOn(live),
      ...(iconClass === undefined ? {} : { iconClass: iconClass.off }),
      perform: (live) => patch(live, { at, value: false }),
    },
  ];
}

// fluxcd.io docs: `flux reconcile`, `suspend`, `resume`.
const isSuspended = isTrue('spec', 'suspend');
const reconcile: ActionDefinition = {
  name: 'reconcile',
  isDisabled: isSuspended,
  perform: (live, { now, agent }) => patch(live, annotation(live, 'reconcile.fluxcd.io/requestedAt', `By ${agent} at: ${now}`)),
};
const pausable = toggle('suspend', 'resume', ['spec', 'suspend']);
const FLUX: Readonly<Record<string, readonly string[]>> = {
  'helm.toolkit.fluxcd.io': ['HelmRelease'],
  'image.toolkit.fluxcd.io': ['ImagePolicy', 'ImageRepository', 'ImageUpdateAutomation'],
  'kustomize.toolkit.fluxcd.io': ['Kustomization'],
  'notification.toolkit.fluxcd.io': ['Receiver'],
  'source.toolkit.fluxcd.io': ['Bucket', 'GitRepository', 'HelmChart', 'HelmRepository', 'OCIRepository'],
};
const fluxActions: ActionTable = {
  ...Object.fromEntries(Object.entries(FLUX).flatMap(([group, kinds]) => kinds.map((kind) => [`${group}/${kind}`, [reconcile, ...pausable]]))),
  // These are not reconciled: they are read when something happens.
  'notification.toolkit.fluxcd.io/Alert': pausable,
  'notification.toolkit.fluxcd.io/Provider': pausable,
};

// keda.sh docs, "Pausing autoscaling".
const PAUSED = 'autoscaling.keda.sh/paused';
const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';
const PAUSE_CIRCLE = 'fa fa-fw fa-pause-circle';
const PLAY_CIRCLE = 'fa fa-fw fa-play-circle';
const isKedaPaused = (live: KubeObject): boolean => live.metadata.annotations?.[PAUSED] === 'true';
const isKedaHeld = (live: KubeObject): boolean => live.metadata.annotations?.[PAUSED_REPLICAS] !== undefined;

const kedaPause: ActionDefinition = {
  name: 'pause',
  iconClass: PAUSE_CIRCLE,
  isDisabled: (live) => isKedaPaused(live) || isKedaHeld(live),
  perform: (live) => patch(live, annotation(live, PAUSED, 'true')),
};
const kedaHold: ActionDefinition = {
  name: 'paused-replicas',
  iconClass: PAUSE_CIRCLE,
  params: () => [{ name: 'replicas', default: '0' }],
  isDisabled: isKedaPaused,
  perform: (live, context) => patch(live, annotation(live, PAUSED_REPLICAS, String(countParameter(live, context, 'replicas', ' (must be >= 0)')))),
};
const kedaResume: ActionDefinition = {
  name: 'resume',
  iconClass: PLAY_CIRCLE,
  isDisabled: (live) => !isKedaPaused(live) && !isKedaHeld(live),
  perform: (live) => {
    const left = Object.fromEntries(Object.entries(live.metadata.annotations ?? {}).filter(([key]) => key !== PAUSED && key !== PAUSED_REPLICAS));
    return patch(live, { at: ['metadata', 'annotations'], ...(Object.keys(left).length === 0 ? {} : { value: left }) });
  },
};

// external-secrets.io docs, "ExternalSecret": a changed annotation makes the controller look again.
const refresh: ActionDefinition = { name: 'refresh', perform: (live, { now }) => patch(live, annotation(live, 'force-sync', now)) };

const ROLLING_UPDATE = 'strimzi.io/manual-rolling-update';
const STRIMZI_RESTART = 'strimzi.io/restart';

/** Actions of operators: Flux, KEDA, External Secrets, Strimzi, databases. */
export const operatorActions: ActionTable = {
  ...fluxActions,
  'keda.sh/ScaledJob': [kedaPause, kedaResume],
  'keda.sh/ScaledObject': [kedaPause, kedaHold, kedaResume],
  ...Object.fromEntries(['ClusterExternalSecret', 'ExternalSecret', 'PushSecret'].map((kind) => [`external-secrets.io/${kind}`, [refresh]])),
  'core.strimzi.io/StrimziPodSet': [
    {
      name: 'rolling-update',
      isDisabled: (live) => live.metadata.annotations?.[ROLLING_UPDATE] === 'true',
      perform: (live) => patch(live, annotation(live, ROLLING_UPDATE, 'true')),
    },
  ],
  'kafka.strimzi.io/KafkaConnector': [
    {
      name: 'restart',
      isDisabled: (live) => live.metadata.annotations?.[STRIMZI_RESTART] === 'true',
      perform: (live) => patch(live, annotation(live, STRIMZI_RESTART, 'true')),
    },
  ],
  'k8s.mariadb.com/MariaDB': toggle('suspend', 'resume', ['spec', 'suspend']),
  ...Object.fromEntries(
    ['psmdb.percona.com/PerconaServerMongoDB', 'pxc.percona.com/PerconaXtraDBCluster', 'ps.percona.com/PerconaServerMySQL'].map((key) => [
      key,
      toggle('pause', 'unpause', ['spec', 'pause'], { on: PAUSE_CIRCLE, off: PLAY_CIRCLE }),
    ]),
  ),
};
