import type { corev1 } from '@tiphys/kube-model';
import { asMap } from '../../draft.ts';
import { problem, type FieldProblem } from '../../failures.ts';
import {
  absolutePath,
  all,
  between,
  fileMode,
  format,
  givenFields,
  maxBytes,
  noBackSteps,
  notEmpty,
  oneOf,
  projectedPath,
  quantity,
  type Check,
} from '../checks.ts';
import { checkClaimSpec } from '../core/claim-spec.ts';
import { dnsLabel, dnsSubdomain } from '../formats.ts';
import { table, type Row } from '../rows.ts';
import { checkFieldRef, checkResourceRef } from './env.ts';

const HOST_PATH_TYPES = ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'];
const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;

const hostPathType: Check = (value, field, problems) => {
  if (typeof value === 'string' && !HOST_PATH_TYPES.includes(value)) problems.push(problem.notSupported(field, value, HOST_PATH_TYPES.toSorted()));
};

const tokenSeconds: Check = (value, field, problems) => {
  if (typeof value !== 'number') return;
  if (value < MIN_TOKEN_SECONDS) problems.push(problem.invalid(field, value, 'may not specify a duration less than 10 minutes'));
  if (value > MAX_TOKEN_SECONDS) problems.push(problem.invalid(field, value, 'may not specify a duration larger than 2^32 seconds'));
};

const items = (path: string): readonly Row[] => [
  [`${path}.items[].key`, notEmpty(), 'required'],
  [`${path}.items[].path`, projectedPath, 'required'],
  [`${path}.items[].mode`, fileMode],
];

/** Rules about volume sources that PersistentVolumes have too. */
export const SHARED_SOURCES: readonly Row[] = [
  ['hostPath.path', noBackSteps, 'required'],
  ['hostPath.type', hostPathType],
  ['nfs.server', undefined, 'required'],
  ['nfs.path', absolutePath, 'required'],
  ['iscsi.targetPortal', undefined, 'required'],
  ['iscsi.iqn', undefined, 'required'],
  ['fc.lun', between(0, 255)],
  ['rbd.monitors', notEmpty(), 'required'],
  ['rbd.image', undefined, 'required'],
  ['csi.driver', maxBytes(63), 'required'],
];

const sources = table([
  ['emptyDir.sizeLimit', quantity],
  ...SHARED_SOURCES,
  ['secret.secretName', undefined, 'required'],
  ['secret.defaultMode', fileMode],
  ...items('secret'),
  ['configMap.name', undefined, 'required'],
  ['configMap.defaultMode', fileMode],
  ...items('configMap'),
  ['persistentVolumeClaim.claimName', format(dnsSubdomain), 'required'],
  ['downwardAPI.defaultMode', fileMode],
  ['downwardAPI.items[].path', projectedPath, 'required'],
  ['downwardAPI.items[].mode', fileMode],
  ['projected.defaultMode', fileMode],
  ['projected.sources[].secret.name', undefined, 'required'],
  ['projected.sources[].configMap.name', undefined, 'required'],
  ...items('projected.sources[].secret'),
  ...items('projected.sources[].configMap'),
  ['projected.sources[].downwardAPI.items[].path', projectedPath, 'required'],
  ['projected.sources[].downwardAPI.items[].mode', fileMode],
  ['projected.sources[].serviceAccountToken.expirationSeconds', tokenSeconds],
  ['projected.sources[].serviceAccountToken.path', projectedPath, 'required'],
  ['image.pullPolicy', oneOf('Always', 'IfNotPresent', 'Never')],
  ['gitRepo.repository', undefined, 'required'],
  ['gitRepo.directory', all(noBackSteps)],
]);

/** Problems of a pod's volumes; `podName` is undefined in a template. */
export function checkVolumes(volumes: readonly corev1.Volume[], podName: string | undefined, field: string, problems: FieldProblem[]): void {
  const names = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const at = `${field}[${index}]`;
    const name: string = volume.name ?? '';
    if (name === '') problems.push(problem.required(`${at}.name`));
    else {
      format(dnsLabel)(name, `${at}.name`, problems);
      if (names.has(name)) problems.push(problem.duplicate(`${at}.name`, name));
    }
    names.add(name);
    const given = givenFields(volume, ['name']);
    if (given.length === 0) problems.push(problem.required(at, 'must specify a volume type'));
    for (const source of given.slice(1)) problems.push(problem.forbidden(`${at}.${source}`, 'may not specify more than 1 volume type'));
    sources(volume, at, problems);
    checkDownward(volume.downwardAPI?.items ?? [], `${at}.downwardAPI`, problems);
    if (volume.projected !== undefined) checkProjected(volume.projected, `${at}.projected`, problems);
    if (volume.ephemeral !== undefined) checkEphemeral(volume.ephemeral, podName === undefined ? undefined : `${podName}-${name}`, `${at}.ephemeral`, problems);
  }
}

function checkDownward(files: readonly corev1.DownwardAPIVolumeFile[], field: string, problems: FieldProblem[]): void {
  for (const [index, { fieldRef, resourceFieldRef }] of files.entries()) {
    const at = `${field}.items[${index}]`;
    if (fieldRef !== undefined) {
      checkFieldRef(fieldRef, 'volume', `${at}.fieldRef`, problems);
      if (resourceFieldRef !== undefined) problems.push(problem.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    } else if (resourceFieldRef !== undefined) checkResourceRef(resourceFieldRef, 'volume', `${at}.resourceFieldRef`, problems);
    else problems.push(problem.required(at, 'one of fieldRef and resourceFieldRef is required'));
  }
}

function checkProjected({ sources: parts = [] }: corev1.ProjectedVolumeSource, field: string, problems: FieldProblem[]): void {
  const paths = new Set<string>();
  for (const [index, part] of parts.entries()) {
    const at = `${field}.sources[${index}]`;
    const given = givenFields(part);
    if (given.length === 0) problems.push(problem.required(at, 'must specify one of `secret`, `configMap`, `downwardAPI`, or `serviceAccountToken`'));
    for (const name of given.slice(1)) problems.push(problem.forbidden(`${at}.${name}`, 'may not specify more than 1 volume type'));
    checkDownward(part.downwardAPI?.items ?? [], `${at}.downwardAPI`, problems);
    const made = [...(part.secret?.items ?? []), ...(part.configMap?.items ?? []), ...(part.downwardAPI?.items ?? [])].map(({ path }) => path);
    for (const path of [...made, ...(part.serviceAccountToken === undefined ? [] : [part.serviceAccountToken.path])]) {
      if (path !== undefined && path !== '' && paths.has(path)) problems.push(problem.invalid(at, path, `conflicting duplicate paths`));
      paths.add(path);
    }
  }
}

function checkEphemeral(
  { volumeClaimTemplate: template }: corev1.EphemeralVolumeSource,
  claimName: string | undefined,
  field: string,
  problems: FieldProblem[],
): void {
  if (template === undefined) return void problems.push(problem.required(`${field}.volumeClaimTemplate`));
  if (claimName !== undefined) format(dnsSubdomain)(claimName, `${field}.name`, problems);
  if (asMap(template.spec) === undefined) problems.push(problem.required(`${field}.volumeClaimTemplate.spec`));
  else checkClaimSpec(template.spec, `${field}.volumeClaimTemplate.spec`, problems);
}
