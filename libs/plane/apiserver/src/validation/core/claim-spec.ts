import { parseQuantity, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, oneOf } from '../checks.ts';
import { dnsSubdomain } from '../formats.ts';
import { table } from '../rows.ts';
import { labelSelector } from '../selectors.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** Problems of access modes: some, of the known ones, and ReadWriteOncePod alone. */
export function checkAccessModes(modes: readonly string[], field: string, problems: FieldProblem[]): void {
  if (modes.length === 0) problems.push(problem.required(field, 'at least 1 access mode is required'));
  for (const [index, mode] of modes.entries()) if (!ACCESS_MODES.includes(mode)) problems.push(problem.notSupported(`${field}[${index}]`, mode, ACCESS_MODES));
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) problems.push(problem.forbidden(field, 'may not use ReadWriteOncePod with other access modes'));
}

const spec = table([
  ['selector', labelSelector],
  ['volumeMode', oneOf('Block', 'Filesystem')],
  ['storageClassName', format(dnsSubdomain)],
  ['volumeAttributesClassName', format(dnsSubdomain)],
  ['dataSource.name', undefined, 'required'],
  ['dataSource.kind', undefined, 'required'],
  ['dataSourceRef.name', undefined, 'required'],
  ['dataSourceRef.kind', undefined, 'required'],
]);

/** Problems of a claim's spec: that of a PersistentVolumeClaim, of a template of a StatefulSet and of an ephemeral volume. */
export function checkClaimSpec(claim: corev1.PersistentVolumeClaimSpec, field: string, problems: FieldProblem[]): void {
  checkAccessModes(claim.accessModes ?? [], `${field}.accessModes`, problems);
  const storage = claim.resources?.requests?.['storage'];
  if (storage === undefined) problems.push(problem.required(`${field}.resources[storage]`));
  else if ((parseQuantity(storage)?.nano ?? 0n) <= 0n) problems.push(problem.invalid(`${field}.resources[storage]`, storage, 'must be greater than zero'));
  spec(claim, field, problems);
  const { dataSource, dataSourceRef } = claim;
  if (dataSourceRef?.namespace !== undefined && dataSourceRef.namespace !== '' && dataSource !== undefined)
    problems.push(problem.invalid(field, field, 'may not be specified when dataSourceRef.namespace is specified'));
}
