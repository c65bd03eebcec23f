import type { apiregistrationv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { dnsLabel1035, dnsSubdomain } from './formats.ts';
import { between, format, portNumber } from './checks.ts';
import { kindRules, type KindRules } from './kind-rules.ts';

type ApiService = apiregistrationv1.APIService;

const MAX_GROUP_PRIORITY = 20_000;
const MAX_VERSION_PRIORITY = 1_000;

/** Rules of APIServices (kube-aggregator pkg/apis/apiregistration/validation). */
export const apiService: KindRules = kindRules<ApiService>({
  rows: [
    ['spec.version', format(dnsLabel1035), 'required'],
    ['spec.group', format(dnsSubdomain)],
    ['spec.groupPriorityMinimum', between(1, MAX_GROUP_PRIORITY), 'required'],
    ['spec.versionPriority', between(1, MAX_VERSION_PRIORITY), 'required'],
    ['spec.service.port', portNumber],
  ],
  check: ({ metadata, spec }, problems) => {
    if (spec === undefined) return void problems.push(problem.required('spec'));
    const { group = '', version = '', service } = spec;
    const name = `${version}.${group}`;
    if (metadata.name !== name)
      problems.push(problem.invalid('metadata.name', metadata.name ?? '', `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`));
    if (service === undefined) checkLocal(spec, problems);
    else checkRemote(spec, service, problems);
  },
});

function checkLocal({ insecureSkipTLSVerify, caBundle }: apiregistrationv1.APIServiceSpec, problems: FieldProblem[]): void {
  if ((caBundle ?? '') !== '') problems.push(problem.invalid('spec.caBundle', '<bundle>', 'local APIServices may not have a caBundle'));
  if (insecureSkipTLSVerify === true)
    problems.push(problem.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
}

function checkRemote(spec: apiregistrationv1.APIServiceSpec, service: apiregistrationv1.ServiceReference, problems: FieldProblem[]): void {
  if ((spec.group ?? '') === '') problems.push(problem.required('spec.group', 'only v1 may have an empty group and it must be a local APIService'));
  if ((service.namespace ?? '') === '') problems.push(problem.required('spec.service.namespace'));
  if ((service.name ?? '') === '') problems.push(problem.required('spec.service.name'));
  if (spec.insecureSkipTLSVerify === true && (spec.caBundle ?? '') !== '')
    problems.push(problem.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
}
