import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, textAt } from '../rules/status.ts';

const NO_STATUS = 'No status available';
const DONE = new Set(['Completed', 'Removed', 'Established']);
const FAILED = new Set(['Failed', 'Error', 'Rejected']);

// NetApp Astra and Trident protect: every piece of work is an object with a state.
function assessWork(kind: string): Assess {
  return (live) => {
    const state = textAt(live, 'status', 'state');
    if (state === '') return health('Progressing', NO_STATUS);
    if (FAILED.has(state)) return health('Degraded', state);
    return health(DONE.has(state) ? 'Healthy' : 'Progressing', `${kind} ${state}`);
  };
}

function assessSwitch(kind: string): Assess {
  return (live) => {
    const enabled = fieldAt(live, 'spec', 'enabled');
    if (enabled === undefined) return health('Progressing', NO_STATUS);
    return enabled === true ? health('Healthy', `${kind} enabled`) : health('Suspended', `${kind} disabled`);
  };
}

function assessVault(live: KubeObject): Health {
  const state = textAt(live, 'status', 'state').toLowerCase();
  if (state === '') return health('Progressing', NO_STATUS);
  if (state === 'available') return health('Healthy', 'AppVault Available');
  return state === 'failed' || state === 'error' ? health('Degraded', 'AppVault Failed') : health('Progressing', `AppVault ${state}`);
}

function assessApplication(live: KubeObject): Health {
  const protection = textAt(live, 'status', 'protectionState');
  const ready = conditionOf(live, 'Ready');
  if (ready?.status === 'False') return health('Degraded', ready.message);
  if (protection === '') return health('Progressing', NO_STATUS);
  return health('Healthy', `Application protection ${protection}`);
}

const WORK = [
  'AppMirrorRelationship',
  'AppMirrorUpdate',
  'AutoSupportBundle',
  'Backup',
  'BackupInplaceRestore',
  'BackupRestore',
  'ExecHooksRun',
  'KopiaVolumeBackup',
  'KopiaVolumeRestore',
  'PVCCopy',
  'PVCErase',
  'ResourceBackup',
  'ResourceDelete',
  'ResourceRestore',
  'ResticVolumeBackup',
  'ResticVolumeRestore',
  'ShutdownSnapshot',
  'Snapshot',
  'SnapshotInplaceRestore',
  'SnapshotRestore',
];

function protectRules(group: string): RuleTable {
  return {
    ...forKinds(group, WORK, assessWork),
    ...forKinds(group, ['ExecHook', 'Schedule'], assessSwitch),
    [`${group}/AppVault`]: assessVault,
    [`${group}/Application`]: assessApplication,
  };
}

/** NetApp: Astra, Trident protect (the same API under its newer group), Trident. */
export const netAppRules: RuleTable = {
  ...protectRules('astra.netapp.io'),
  ...protectRules('protect.trident.netapp.io'),
  'trident.netapp.io/TridentBackendConfig': (live) => {
    const outcome = textAt(live, 'status', 'lastOperationStatus');
    if (outcome === 'Failed') return health('Degraded', textAt(live, 'status', 'message'));
    return outcome === 'Success' ? health('Healthy', textAt(live, 'status', 'message')) : health('Progressing', 'Waiting for backend creation');
  },
  'trident.netapp.io/TridentOrchestrator': (live) => {
    const status = textAt(live, 'status', 'status');
    if (status === 'Error' || status === 'Failed') return health('Degraded', textAt(live, 'status', 'message'));
    return status === 'Installed' ? health('Healthy', textAt(live, 'status', 'message')) : health('Progressing', 'Waiting for trident installation');
  },
};
