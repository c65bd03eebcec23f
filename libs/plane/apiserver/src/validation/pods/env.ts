import type { corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, givenFields } from '../checks.ts';
import { configKey, dnsSubdomain, envName, qualifiedName } from '../formats.ts';
import { table } from '../rows.ts';

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const VOLUME_FIELDS = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'metadata.labels', 'metadata.annotations'];
const RESOURCES = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/** Problems of a reference to a pod's field. A file may show all labels, a variable only one. */
export function checkFieldRef(ref: corev1.ObjectFieldSelector, place: 'env' | 'volume', field: string, problems: FieldProblem[]): void {
  if ((ref.apiVersion ?? '') === '') problems.push(problem.required(`${field}.apiVersion`));
  if ((ref.fieldPath ?? '') === '') return void problems.push(problem.required(`${field}.fieldPath`));
  const [, , key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(ref.fieldPath) ?? [];
  const supported = place === 'env' ? ENV_FIELDS : VOLUME_FIELDS;
  if (key !== undefined) format(qualifiedName, 'refused')(ref.fieldPath.startsWith('metadata.annotations') ? key.toLowerCase() : key, field, problems);
  else if (!supported.includes(ref.fieldPath)) problems.push(problem.notSupported(`${field}.fieldPath`, ref.fieldPath, supported.toSorted()));
}

/** Problems of a reference to a container's resources. */
export function checkResourceRef(ref: corev1.ResourceFieldSelector, place: 'env' | 'volume', field: string, problems: FieldProblem[]): void {
  if (place === 'volume' && (ref.containerName ?? '') === '') problems.push(problem.required(`${field}.containerName`));
  if ((ref.resource ?? '') === '') problems.push(problem.required(`${field}.resource`));
  else if (!RESOURCES.test(ref.resource))
    problems.push(
      problem.notSupported(`${field}.resource`, ref.resource, [
        'limits.cpu',
        'limits.ephemeral-storage',
        'limits.memory',
        'requests.cpu',
        'requests.ephemeral-storage',
        'requests.memory',
      ]),
    );
}

const keyRefs = table([
  ['configMapKeyRef.key', format(configKey, 'refused'), 'required'],
  ['secretKeyRef.key', format(configKey, 'refused'), 'required'],
]);

/** Problems of a container's variables. */
export function checkEnv(env: readonly corev1.EnvVar[], field: string, problems: FieldProblem[]): void {
  for (const [index, variable] of env.entries()) {
    const at = `${field}[${index}]`;
    if ((variable.name ?? '') === '') problems.push(problem.required(`${at}.name`));
    else format(envName)(variable.name, `${at}.name`, problems);
    if (variable.valueFrom !== undefined) checkValueFrom(variable, variable.valueFrom, `${at}.valueFrom`, problems);
  }
}

function checkValueFrom(variable: corev1.EnvVar, source: corev1.EnvVarSource, field: string, problems: FieldProblem[]): void {
  const given = givenFields(source);
  if (given.length === 0) problems.push(problem.invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'));
  if (given.length > 0 && (variable.value ?? '') !== '') problems.push(problem.invalid(field, '', 'may not be specified when `value` is not empty'));
  if (given.length > 1) problems.push(problem.invalid(field, '', 'may not have more than one field specified at a time'));
  if (source.fieldRef !== undefined) checkFieldRef(source.fieldRef, 'env', `${field}.fieldRef`, problems);
  if (source.resourceFieldRef !== undefined) checkResourceRef(source.resourceFieldRef, 'env', `${field}.resourceFieldRef`, problems);
  keyRefs(source, field, problems);
}

/** Problems of the sources a container takes all variables from. */
export function checkEnvFrom(sources: readonly corev1.EnvFromSource[], field: string, problems: FieldProblem[]): void {
  for (const [index, source] of sources.entries()) {
    const at = `${field}[${index}]`;
    format(envName)(source.prefix, `${at}.prefix`, problems);
    const given = (['configMapRef', 'secretRef'] as const).filter((name) => source[name] !== undefined);
    if (given.length === 0) problems.push(problem.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    if (given.length > 1) problems.push(problem.invalid(at, '', 'may not have more than one field specified at a time'));
    for (const name of given) {
      const referred = source[name]?.name ?? '';
      if (referred === '') problems.push(problem.required(`${at}.${name}.name`));
      else format(dnsSubdomain)(referred, `${at}.${name}.name`, problems);
    }
  }
}
