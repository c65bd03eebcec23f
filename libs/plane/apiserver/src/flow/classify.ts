import type { flowcontrolv1 } from '@tiphys/kube-model';
import type { UserInfo } from '../core.ts';
import type { RequestInfo } from '../http/request-info.ts';

/** What of a request decides how it is treated under load. */
export interface FlowSubject {
  readonly user: UserInfo;
  readonly path: string;
  readonly info: RequestInfo;
}

/** A rule as it may be stored: every request is matched against it, so nothing of it is taken for granted. */
type StoredRule = Partial<flowcontrolv1.PolicyRulesWithSubjects>;

/** Whether a flow schema is about a request (apiserver util/flowcontrol/rule.go). */
export function matchesSchema(schema: flowcontrolv1.FlowSchema, subject: FlowSubject): boolean {
  return (schema.spec?.rules ?? []).some(
    ({ subjects = [], resourceRules = [], nonResourceRules = [] }: StoredRule) =>
      subjects.some((each) => isSubject(each, subject.user)) &&
      (subject.info.target === undefined
        ? nonResourceRules.some((each) => matchesPath(each, subject))
        : resourceRules.some((each) => matchesResource(each, subject.info))),
  );
}

function isSubject(subject: flowcontrolv1.Subject, { username, groups }: UserInfo): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === username;
    case 'Group':
      return subject.group?.name === '*' || groups.includes(subject.group?.name ?? '');
    case 'ServiceAccount': {
      const { namespace = '', name = '' } = subject.serviceAccount ?? {};
      const prefix = `system:serviceaccount:${namespace}:`;
      return name === '*' ? username.startsWith(prefix) : username === `${prefix}${name}`;
    }
    default:
      return false;
  }
}

const has = (list: readonly string[] | undefined, value: string): boolean => (list ?? []).some((item) => item === '*' || item === value);

function matchesPath({ verbs, nonResourceURLs = [] }: Partial<flowcontrolv1.NonResourcePolicyRule>, { path, info }: FlowSubject): boolean {
  return (
    has(verbs, info.verb) &&
    nonResourceURLs.some((pattern) => pattern === '*' || pattern === path || (pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1))))
  );
}

function matchesResource(rule: flowcontrolv1.ResourcePolicyRule, { target, verb, namespace }: RequestInfo): boolean {
  if (target === undefined) return false;
  const full = target.subresource === undefined ? target.resource : `${target.resource}/${target.subresource}`;
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, target.group) || !has(rule.resources, full)) return false;
  return namespace === '' ? rule.clusterScope === true : has(rule.namespaces, namespace);
}

/** Names the flow of a request inside its schema: requests of one flow wait behind each other. */
export function flowOf(schema: flowcontrolv1.FlowSchema, { user, info }: FlowSubject): string {
  const { name = '' } = schema.metadata;
  const by = schema.spec?.distinguisherMethod?.type;
  if (by === 'ByUser') return `${name}/${user.username}`;
  return by === 'ByNamespace' ? `${name}/${info.namespace}` : name;
}
