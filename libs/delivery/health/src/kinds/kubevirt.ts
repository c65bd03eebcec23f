import type { KubeObject } from '@tiphys/kube-model';
import { health, type Health, type HealthCode } from '../health.ts';
import { byConditions, byPhase, type RuleTable } from '../rules/rule.ts';
import { conditionOf, textAt } from '../rules/status.ts';

const NO_STATUS = 'No status available';

// KubeVirt (kubevirt.io api: VirtualMachinePrintableStatus).
const PRINTED: Readonly<Record<string, HealthCode>> = {
  Running: 'Healthy',
  Stopped: 'Suspended',
  Paused: 'Suspended',
  CrashLoopBackOff: 'Degraded',
  DataVolumeError: 'Degraded',
  ErrImagePull: 'Degraded',
  ErrorPvcNotFound: 'Degraded',
  ErrorUnschedulable: 'Degraded',
  ImagePullBackOff: 'Degraded',
  Unknown: 'Unknown',
};

function assessVirtualMachine(live: KubeObject): Health {
  const printed = textAt(live, 'status', 'printableStatus');
  if (printed === '') return health('Progressing', NO_STATUS);
  const code = PRINTED[printed] ?? 'Progressing';
  // Running is what the instance does; Ready is whether its guest answers.
  const isUnready = code === 'Healthy' && conditionOf(live, 'Ready')?.status === 'False';
  return health(isUnready ? 'Progressing' : code, printed);
}

const INSTANCE: Readonly<Record<string, HealthCode>> = { Running: 'Healthy', Succeeded: 'Suspended', Failed: 'Degraded', Unknown: 'Unknown' };

function assessInstance(live: KubeObject): Health {
  const phase = textAt(live, 'status', 'phase');
  if (phase === '') return health('Progressing', NO_STATUS);
  const paused = conditionOf(live, 'Paused');
  if (paused?.status === 'True') return health('Suspended', paused.message);
  const code = INSTANCE[phase] ?? 'Progressing';
  const ready = conditionOf(live, 'Ready');
  return code === 'Healthy' && ready?.status === 'False' ? health('Degraded', ready.message) : health(code, phase);
}

/** Virtual machines: KubeVirt, its importer and its operator. */
export const kubeVirtRules: RuleTable = {
  'kubevirt.io/VirtualMachine': assessVirtualMachine,
  'kubevirt.io/VirtualMachineInstance': assessInstance,
  'cdi.kubevirt.io/DataVolume': byPhase({
    at: ['status', 'phase'],
    phases: { Succeeded: 'Healthy', Failed: 'Degraded', Unknown: 'Unknown', Paused: 'Suspended', WaitForFirstConsumer: 'Suspended' },
    say: (phase, live) => [phase, textAt(live, 'status', 'progress')].filter((word) => word !== '' && word !== 'N/A').join(' '),
    waiting: NO_STATUS,
  }),
  'hco.kubevirt.io/HyperConverged': byConditions({
    clauses: [
      { type: 'Degraded', status: 'True', is: 'Degraded' },
      { type: 'Progressing', status: 'True', is: 'Progressing' },
      { type: 'Available', status: 'True', is: 'Healthy' },
      { type: 'Available', status: 'False', is: 'Degraded' },
    ],
    waiting: 'Waiting for HyperConverged status',
  }),
};
