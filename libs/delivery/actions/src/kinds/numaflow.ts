import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import type { ActionDefinition, ActionTable } from '../action.ts';
import { annotation, patch, type Edit } from '../edit.ts';

const PAUSE = 'fa-solid fa-fw fa-pause';
const PLAY = 'fa-solid fa-fw fa-play';
const UPGRADE_STATE = 'numaplane.numaproj.io/upgrade-state';
const FORCE_PROMOTE = 'numaplane.numaproj.io/force-promote';
const RESUME_STRATEGIES = 'numaflow.numaproj.io/allowed-resume-strategies';
const ALLOW_DATA_LOSS = 'numaplane.numaproj.io/allow-data-loss';

const isUpgrading = (live: KubeObject): boolean => live.metadata.labels?.[UPGRADE_STATE] === 'in-progress';

const forcePromote: ActionDefinition = {
  name: 'force-promote',
  displayName: 'Force Promote',
  iconClass: 'fa-solid fa-fw fa-forward',
  isDisabled: (live) => !isUpgrading(live) || live.metadata.labels?.[FORCE_PROMOTE] === 'true',
  perform: (live) => patch(live, { at: ['metadata', 'labels', FORCE_PROMOTE], value: 'true' }),
};

// Where the phase is wanted, and what else waking up means there.
interface Sleeper {
  readonly lifecycle: readonly string[];
  readonly gradual: readonly Edit[];
  readonly fast: readonly Edit[];
  readonly canFast: (live: KubeObject) => boolean;
  /** Whoever made the object says whether it sleeps. */
  readonly isOwned: (live: KubeObject) => boolean;
}

function sleeperActions({ lifecycle, gradual, fast, canFast, isOwned }: Sleeper): readonly ActionDefinition[] {
  const at = [...lifecycle, 'desiredPhase'];
  const isPaused = (live: KubeObject): boolean => fieldAt(live, ...at) === 'Paused';
  const wake: Edit = { at, value: 'Running' };
  return [
    {
      name: 'pause',
      iconClass: PAUSE,
      isDisabled: (live) => isPaused(live) || isOwned(live),
      perform: (live) => patch(live, { at, value: 'Paused' }),
    },
    {
      name: 'unpause-gradual',
      displayName: 'Unpause (gradual)',
      iconClass: PLAY,
      isDisabled: (live) => !isPaused(live) || isOwned(live),
      perform: (live) => patch(live, wake, ...gradual),
    },
    {
      name: 'unpause-fast',
      displayName: 'Unpause (fast)',
      iconClass: PLAY,
      isDisabled: (live) => !isPaused(live) || isOwned(live) || !canFast(live),
      perform: (live) => patch(live, wake, ...fast),
    },
  ];
}

function ownedBy(kind: string): (live: KubeObject) => boolean {
  return (live) => (live.metadata.ownerReferences ?? []).some((owner) => owner.kind === kind && owner.apiVersion.startsWith('numaplane.numaproj.io/'));
}

// Starting again with all replicas at once is for those that say so, and not in the middle of an upgrade.
const mayStartFast = (live: KubeObject): boolean =>
  !isUpgrading(live) &&
  (live.metadata.annotations?.[RESUME_STRATEGIES] ?? '')
    .split(',')
    .map((word) => word.trim())
    .includes('fast');

const fastResume = (value: boolean): Edit => ({ at: ['spec', 'strategy', 'pauseResume', 'fastResume'], value });
const asRollout = (child: string): readonly ActionDefinition[] =>
  sleeperActions({
    lifecycle: ['spec', child, 'spec', 'lifecycle'],
    gradual: [fastResume(false)],
    fast: [fastResume(true)],
    canFast: () => true,
    isOwned: () => false,
  });

const allowsDataLoss = (live: KubeObject): boolean => live.metadata.annotations?.[ALLOW_DATA_LOSS] === 'true';
const dataLoss: readonly ActionDefinition[] = [
  {
    name: 'allow-data-loss',
    displayName: 'Allow (Possible) Data Loss',
    iconClass: 'fa-solid fa-fw fa-unlock',
    isDisabled: allowsDataLoss,
    perform: (live) => patch(live, annotation(live, ALLOW_DATA_LOSS, 'true')),
  },
  {
    name: 'disallow-data-loss',
    displayName: 'Disallow Data Loss',
    iconClass: 'fa-solid fa-fw fa-lock',
    isDisabled: (live) => !allowsDataLoss(live),
    perform: (live) => patch(live, annotation(live, ALLOW_DATA_LOSS, 'false')),
  },
];

/** Actions of Numaflow and Numaplane (numaflow.numaproj.io docs). */
export const numaflowActions: ActionTable = {
  'numaflow.numaproj.io/MonoVertex': [
    ...sleeperActions({
      lifecycle: ['spec', 'lifecycle'],
      // Without a number the controller scales from its own minimum.
      gradual: [{ at: ['spec', 'replicas'] }],
      fast: [],
      canFast: mayStartFast,
      isOwned: ownedBy('MonoVertexRollout'),
    }),
    forcePromote,
  ],
  'numaflow.numaproj.io/Pipeline': [
    ...sleeperActions({ lifecycle: ['spec', 'lifecycle'], gradual: [], fast: [], canFast: mayStartFast, isOwned: ownedBy('PipelineRollout') }),
    forcePromote,
  ],
  'numaflow.numaproj.io/InterStepBufferService': [forcePromote],
  'numaplane.numaproj.io/MonoVertexRollout': asRollout('monoVertex'),
  'numaplane.numaproj.io/PipelineRollout': [...asRollout('pipeline'), ...dataLoss],
};
