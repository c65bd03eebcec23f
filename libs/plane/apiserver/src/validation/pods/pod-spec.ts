import type { corev1, metav1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { all, between, format, maxItems, nonNegative, notEmpty, oneOf, unique, type Check } from '../checks.ts';
import { dnsLabel, dnsSubdomain, ipAddress, qualifiedName } from '../formats.ts';
import { table } from '../rows.ts';
import { labels } from '../selectors.ts';
import { checkContainer, type PodContext } from './containers.ts';
import { checkScheduling } from './scheduling.ts';
import { checkPodSecurity } from './security.ts';
import { checkVolumes } from './volumes.ts';

const INT32_MAX = 2_147_483_647;
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2_048;

const rows = table([
  ['restartPolicy', oneOf('Always', 'OnFailure', 'Never')],
  ['dnsPolicy', oneOf('ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None')],
  ['preemptionPolicy', oneOf('Never', 'PreemptLowerPriority')],
  ['terminationGracePeriodSeconds', nonNegative],
  ['activeDeadlineSeconds', between(1, INT32_MAX)],
  ['nodeName', format(dnsSubdomain)],
  ['serviceAccountName', format(dnsSubdomain)],
  ['priorityClassName', format(dnsSubdomain)],
  ['runtimeClassName', format(dnsSubdomain)],
  ['hostname', format(dnsLabel)],
  ['subdomain', format(dnsLabel)],
  ['hostAliases[].ip', format(ipAddress), 'required'],
  ['hostAliases[].hostnames[]', format(dnsSubdomain, 'refused')],
  ['imagePullSecrets[].name', notEmpty()],
  ['resourceClaims[].name', format(dnsLabel), 'required'],
  ['resourceClaims', unique('name')],
  ['dnsConfig.nameservers[]', format(ipAddress, 'refused')],
  ['dnsConfig.options[].name', undefined, 'required'],
  ['os.name', oneOf('linux', 'windows'), 'required'],
]);

/** Problems of a pod's spec; `name` is undefined in a template. */
export function checkPodSpec(spec: corev1.PodSpec, name: string | undefined, field: string, problems: FieldProblem[]): void {
  const context: PodContext = {
    spec,
    names: new Set(),
    volumes: new Map((spec.volumes ?? []).map((volume) => [volume.name, volume])),
    claims: new Set((spec.resourceClaims ?? []).map((claim) => claim.name)),
    hostPorts: new Set(),
  };
  checkVolumes(spec.volumes ?? [], name, `${field}.volumes`, problems);
  if ((spec.containers ?? []).length === 0) problems.push(problem.required(`${field}.containers`));
  for (const kind of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    for (const [index, container] of (spec[kind] ?? []).entries()) checkContainer(container, kind, `${field}.${kind}[${index}]`, context, problems);
  }
  rows(spec, field, problems);
  checkDns(spec, field, problems);
  checkScheduling(spec, field, problems);
  checkPodSecurity(spec, field, problems);
}

function checkDns({ dnsPolicy, dnsConfig }: corev1.PodSpec, field: string, problems: FieldProblem[]): void {
  const at = `${field}.dnsConfig`;
  const { nameservers = [], searches = [] } = dnsConfig ?? {};
  if (dnsPolicy === 'None' && nameservers.length === 0)
    problems.push(problem.required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  if (nameservers.length > MAX_NAMESERVERS)
    problems.push(problem.invalid(`${at}.nameservers`, nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`));
  if (searches.length > MAX_SEARCHES) problems.push(problem.invalid(`${at}.searches`, searches, `must not have more than ${MAX_SEARCHES} search paths`));
  if (searches.join(' ').length > MAX_SEARCH_CHARACTERS)
    problems.push(
      problem.invalid(`${at}.searches`, searches, `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`),
    );
  for (const [index, search] of searches.entries()) {
    const plain = search.replace(/\.$/, '');
    if (plain !== '') format(dnsSubdomain)(plain.replaceAll('_', '-'), `${at}.searches[${index}]`, problems);
  }
}

const annotations: Check = (value, field, problems) => {
  for (const key of Object.keys((value ?? {}) as object)) format(qualifiedName, 'refused')(key.toLowerCase(), field, problems); // A map after coercion.
};

const templateMeta = table([
  ['labels', labels],
  ['annotations', annotations],
  ['finalizers', all(maxItems(1_000))],
  ['finalizers[]', format(qualifiedName, 'refused')],
]);

/** Problems of a template of pods. */
export function checkTemplate(template: corev1.PodTemplateSpec | undefined, field: string, problems: FieldProblem[]): void {
  if (template === undefined) return void problems.push(problem.required(field));
  templateMeta(template.metadata as metav1.ObjectMeta | undefined, field, problems); // Absent metadata has no problems.
  if (template.spec === undefined) problems.push(problem.required(`${field}.spec.containers`));
  else checkPodSpec(template.spec, undefined, `${field}.spec`, problems);
  for (const [index] of (template.spec?.ephemeralContainers ?? []).entries())
    if (index === 0) problems.push(problem.forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
}

/** Problems of a template whose pods must run on for ever. */
export function checkRunningTemplate(template: corev1.PodTemplateSpec | undefined, kind: string, field: string, problems: FieldProblem[]): void {
  checkTemplate(template, field, problems);
  checkRunsOn(template, kind, field, problems);
}

function checkRunsOn(template: corev1.PodTemplateSpec | undefined, kind: string, field: string, problems: FieldProblem[]): void {
  const { restartPolicy = 'Always', activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== 'Always') problems.push(problem.notSupported(`${field}.spec.restartPolicy`, restartPolicy, ['Always']));
  if (activeDeadlineSeconds !== undefined)
    problems.push(problem.forbidden(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`));
}

/**
 * Problems of a StatefulSet's template. As upstream, its pods are looked at when they are made: their claims are volumes that do not
 * stand in the template (ValidatePodTemplateSpecForStatefulSet).
 */
export function checkStatefulTemplate(template: corev1.PodTemplateSpec | undefined, field: string, problems: FieldProblem[]): void {
  if (template === undefined) return void problems.push(problem.required(field));
  templateMeta(template.metadata, field, problems);
  checkRunsOn(template, 'StatefulSet', field, problems);
}
