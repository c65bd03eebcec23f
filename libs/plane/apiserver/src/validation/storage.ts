import { deepEqual, type storagev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { atLeast, format, maxBytes, nonNegative, oneOf, quantity, unique, type Check } from './checks.ts';
import { dnsSubdomain, qualifiedName } from './formats.ts';
import { checkUnchanged, kindRules, type KindRules } from './kind-rules.ts';

const MAX_PARAMETERS = 512;
const MAX_PARAMETER_BYTES = 262_144;
const MAX_ERROR_BYTES = 1_024;

const provisioner: Check = (value, field, problems) => format(qualifiedName)(typeof value === 'string' ? value.toLowerCase() : value, field, problems);

export const storageClass: KindRules = kindRules<storagev1.StorageClass>({
  rows: [
    ['provisioner', provisioner, 'required'],
    ['reclaimPolicy', oneOf('Delete', 'Recycle', 'Retain')],
    ['volumeBindingMode', oneOf('Immediate', 'WaitForFirstConsumer'), 'required'],
  ],
  check: ({ parameters = {} }, problems) => {
    const entries = Object.entries(parameters);
    if (entries.length > MAX_PARAMETERS) problems.push(problem.tooLong('parameters', MAX_PARAMETERS));
    if (entries.some(([key]) => key === '')) problems.push(problem.invalid('parameters', '', 'field can not be empty.'));
    if (entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0) > MAX_PARAMETER_BYTES)
      problems.push(problem.tooLong('parameters', MAX_PARAMETER_BYTES));
  },
  update: (object, live, problems) => {
    const text = 'updates to parameters are forbidden.';
    if (!deepEqual(object.parameters ?? {}, live.parameters ?? {})) problems.push(problem.forbidden('parameters', text));
    if (object.provisioner !== live.provisioner) problems.push(problem.forbidden('provisioner', 'updates to provisioner are forbidden.'));
    if (object.reclaimPolicy !== live.reclaimPolicy) problems.push(problem.forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'));
    checkUnchanged(object, live, 'volumeBindingMode', problems);
  },
});

const attachmentError = (path: string): readonly (readonly [string, Check])[] => [[`${path}.message`, maxBytes(MAX_ERROR_BYTES)]];

export const volumeAttachment: KindRules = kindRules<storagev1.VolumeAttachment>({
  rows: [
    ['spec.attacher', maxBytes(63), 'required'],
    ['spec.nodeName', format(dnsSubdomain), 'required'],
    ...attachmentError('status.attachError'),
    ...attachmentError('status.detachError'),
  ],
  check: ({ spec }, problems) => {
    const { inlineVolumeSpec, persistentVolumeName = '' } = spec?.source ?? {};
    if (inlineVolumeSpec === undefined && persistentVolumeName === '')
      problems.push(problem.required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
    if (inlineVolumeSpec !== undefined && persistentVolumeName !== '')
      problems.push(problem.forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  },
  update: ({ spec }, { spec: old }, problems) => {
    if (!deepEqual(spec, old)) problems.push(problem.invalid('spec', spec, 'field is immutable'));
  },
});

export const csiNode: KindRules = kindRules<storagev1.CSINode>({
  rows: [
    ['spec.drivers', unique('name')],
    ['spec.drivers[].name', maxBytes(63), 'required'],
    ['spec.drivers[].nodeID', maxBytes(192), 'required'],
    ['spec.drivers[].allocatable.count', nonNegative],
    ['spec.drivers[].topologyKeys[]', format(qualifiedName, 'refused')],
  ],
  update: ({ spec }, { spec: old }, problems) => {
    for (const driver of old?.drivers ?? []) {
      const now = spec?.drivers?.find(({ name }) => name === driver.name);
      if (now !== undefined && !deepEqual(now, driver)) problems.push(problem.invalid('CSINodeDriver', now, 'field is immutable'));
    }
  },
});

export const csiDriver: KindRules = kindRules<storagev1.CSIDriver>({
  rows: [
    ['spec.attachRequired', undefined, 'required'],
    ['spec.podInfoOnMount', undefined, 'required'],
    ['spec.storageCapacity', undefined, 'required'],
    ['spec.fsGroupPolicy', oneOf('File', 'None', 'ReadWriteOnceWithFSType')],
    ['spec.volumeLifecycleModes[]', oneOf('Ephemeral', 'Persistent')],
    ['spec.tokenRequests', unique('audience')],
    ['spec.tokenRequests[].expirationSeconds', atLeast(600)],
  ],
  create: ({ metadata }, problems) => {
    if ((metadata.name ?? '').length > 63) problems.push(problem.tooLong('metadata.name', 63));
  },
  immutable: ['spec.attachRequired', 'spec.fsGroupPolicy', 'spec.volumeLifecycleModes'],
});

export const csiStorageCapacity: KindRules = kindRules<storagev1.CSIStorageCapacity>({
  rows: [
    ['storageClassName', format(dnsSubdomain), 'required'],
    ['capacity', quantity],
    ['maximumVolumeSize', quantity],
  ],
  immutable: ['nodeTopology', 'storageClassName'],
});

export const volumeAttributesClass: KindRules = kindRules<storagev1.StorageClass>({
  rows: [['driverName', provisioner, 'required']],
  update: (object, live, problems: FieldProblem[]) => {
    for (const field of ['driverName', 'parameters']) checkUnchanged(object, live, field, problems);
  },
});
