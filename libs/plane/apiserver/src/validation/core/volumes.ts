import { deepEqual, parseQuantity, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, givenFields, oneOf } from '../checks.ts';
import { dnsSubdomain } from '../formats.ts';
import { kindRules, type KindRules } from '../kind-rules.ts';
import { SHARED_SOURCES } from '../pods/volumes.ts';
import { nodeSelector } from '../selectors.ts';
import { checkAccessModes, checkClaimSpec } from './claim-spec.ts';

// What of a volume's spec is not its source.
const BESIDES_SOURCE = [
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
];

export const persistentVolume: KindRules = kindRules<corev1.PersistentVolume>({
  rows: [
    ['spec.persistentVolumeReclaimPolicy', oneOf('Delete', 'Recycle', 'Retain')],
    ['spec.volumeMode', oneOf('Block', 'Filesystem')],
    ['spec.storageClassName', format(dnsSubdomain)],
    ['spec.volumeAttributesClassName', format(dnsSubdomain)],
    ['spec.nodeAffinity.required', nodeSelector],
    ...SHARED_SOURCES.map(([path, check, presence]) => [`spec.${path}`, check, presence] as const),
    ['spec.csi.volumeHandle', undefined, 'required'],
    ['spec.local.path', undefined, 'required'],
  ],
  check: checkVolume,
  update: checkVolumeUpdate,
});

const sourceOf = (spec: corev1.PersistentVolumeSpec): unknown => Object.fromEntries(Object.entries(spec).filter(([field]) => !BESIDES_SOURCE.includes(field)));

function checkVolume({ spec }: corev1.PersistentVolume, problems: FieldProblem[]): void {
  if (spec === undefined) return void problems.push(problem.required('spec'));
  checkAccessModes(spec.accessModes ?? [], 'spec.accessModes', problems);
  const capacity = Object.entries(spec.capacity ?? {});
  if (capacity.length === 0) problems.push(problem.required('spec.capacity'));
  else if (capacity.length > 1 || spec.capacity?.['storage'] === undefined) problems.push(problem.notSupported('spec.capacity', spec.capacity, ['storage']));
  for (const [name, amount] of capacity)
    if ((parseQuantity(amount)?.nano ?? 0n) <= 0n) problems.push(problem.invalid(`spec.capacity[${name}]`, amount, 'must be greater than zero'));
  const sources = givenFields(spec, BESIDES_SOURCE);
  if (sources.length === 0) problems.push(problem.required('spec', 'must specify a volume type'));
  for (const source of sources.slice(1)) problems.push(problem.forbidden(`spec.${source}`, 'may not specify more than 1 volume type'));
  if (spec.local !== undefined && spec.nodeAffinity?.required === undefined)
    problems.push(problem.required('spec.nodeAffinity', 'Local volume requires node affinity'));
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
    problems.push(problem.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
}

function checkVolumeUpdate({ spec }: corev1.PersistentVolume, { spec: old }: corev1.PersistentVolume, problems: FieldProblem[]): void {
  if (spec === undefined || old === undefined) return;
  // The secret for growing may come later (KEP-1682).
  const fixed = (of: corev1.PersistentVolumeSpec): unknown => {
    const { controllerExpandSecretRef: _expand, ...csi } = of.csi ?? {};
    return { ...(sourceOf(of) as object), csi }; // An object of fields.
  };
  if (!deepEqual(fixed(spec), fixed(old)))
    problems.push(problem.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
  if (spec.volumeMode !== old.volumeMode) problems.push(problem.invalid('spec.volumeMode', spec.volumeMode, 'field is immutable'));
  if (old.nodeAffinity !== undefined && !deepEqual(spec.nodeAffinity, old.nodeAffinity))
    problems.push(problem.invalid('spec.nodeAffinity', spec.nodeAffinity ?? null, 'field is immutable'));
}

export const persistentVolumeClaim: KindRules = kindRules<corev1.PersistentVolumeClaim>({
  check: ({ spec }, problems) => (spec === undefined ? void problems.push(problem.required('spec')) : checkClaimSpec(spec, 'spec', problems)),
  update: checkClaimUpdate,
});

const CLAIM_TEXT = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

function checkClaimUpdate({ spec }: corev1.PersistentVolumeClaim, live: corev1.PersistentVolumeClaim, problems: FieldProblem[]): void {
  const { spec: old, status, metadata } = live;
  if (spec === undefined || old === undefined) return;
  const isBound = status?.phase === 'Bound';
  const { resources, volumeAttributesClassName, ...fixed } = spec;
  const { resources: oldResources, volumeAttributesClassName: _class, ...oldFixed } = old;
  // Both are set once: by whoever binds the claim, and for claims made before there was a default class.
  const expected = {
    ...oldFixed,
    ...((old.volumeName ?? '') === '' && spec.volumeName !== undefined ? { volumeName: spec.volumeName } : {}),
    ...(old.storageClassName === undefined && spec.storageClassName !== undefined ? { storageClassName: spec.storageClassName } : {}),
  };
  const hasOldClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined && old.storageClassName === undefined;
  const isSame =
    deepEqual(fixed, expected) || (hasOldClass && deepEqual({ ...fixed, storageClassName: undefined }, { ...expected, storageClassName: undefined }));
  const resized = !deepEqual(resources?.requests, oldResources?.requests);
  if (!isSame || !deepEqual(resources?.limits, oldResources?.limits) || (resized && !isBound)) {
    problems.push(problem.forbidden('spec', CLAIM_TEXT));
    return;
  }
  const nano = (text: string | undefined): bigint => parseQuantity(text ?? '0')?.nano ?? 0n;
  const [now, before, real] = [resources?.requests?.['storage'], oldResources?.requests?.['storage'], status?.capacity?.['storage']];
  if (resized && nano(now) < nano(before) && nano(now) <= nano(real))
    problems.push(problem.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  if (old.volumeAttributesClassName !== undefined && volumeAttributesClassName === undefined)
    problems.push(problem.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
}
