import { DomainError } from '@tiphys/kernel';
import { isJsonObject } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';

/** How much of a request is recorded, from nothing to both bodies. */
export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
/** When an event is recorded. */
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

/** A rule of a policy (audit.k8s.io/v1 PolicyRule). Empty lists match everything. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly { readonly group: string; readonly resources: readonly string[]; readonly resourceNames: readonly string[] }[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly string[];
  readonly omitManagedFields: boolean;
}

/** Which requests are recorded: the first rule that matches says how. */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
}

/** A policy that cannot be used. */
class AuditPolicyError extends DomainError<{ readonly code: 'invalid'; readonly field: string }> {
  override readonly name = 'AuditPolicyError';
}

const LEVELS: readonly string[] = ['None', 'Metadata', 'Request', 'RequestResponse'] satisfies readonly AuditLevel[];
const STAGES: readonly string[] = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] satisfies readonly AuditStage[];

/** Reads a policy file. Throws AuditPolicyError, which names the field. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const { values, problems } = parseDocuments(text, { source: 'audit policy' });
  const [problem] = problems;
  if (problem !== undefined) throw invalid('', problem.message);
  const policy = values[0]?.value;
  if (!isJsonObject(policy) || values.length > 1) throw invalid('', 'must be one document');
  if (policy['kind'] !== 'Policy' || policy['apiVersion'] !== 'audit.k8s.io/v1') throw invalid('kind', 'must be Policy of audit.k8s.io/v1');
  const omitStages = textsOf(policy, 'omitStages', STAGES);
  const omitManagedFields = policy['omitManagedFields'] === true;
  const rules = listOf(policy, 'rules', '').map((rule, index) => ruleOf(rule, `rules[${index}]`, omitStages, omitManagedFields));
  if (rules.length === 0) throw invalid('rules', 'must have at least one rule');
  return { rules };
}

function ruleOf(value: unknown, at: string, omitStages: readonly string[], omitManagedFields: boolean): AuditRule {
  if (!isJsonObject(value)) throw invalid(at, 'must be an object');
  const { level } = value;
  if (typeof level !== 'string' || !LEVELS.includes(level)) throw invalid(`${at}.level`, `must be one of ${LEVELS.join(', ')}`);
  const nonResourceURLs = textsOf(value, 'nonResourceURLs', undefined, at);
  const resources = listOf(value, 'resources', at).map((each, index) => resourceOf(each, `${at}.resources[${index}]`));
  if (nonResourceURLs.length > 0 && resources.length > 0) throw invalid(`${at}.nonResourceURLs`, 'cannot stand beside resources');
  return {
    level: level as AuditLevel, // One of LEVELS.
    users: textsOf(value, 'users', undefined, at),
    userGroups: textsOf(value, 'userGroups', undefined, at),
    verbs: textsOf(value, 'verbs', undefined, at),
    resources,
    namespaces: textsOf(value, 'namespaces', undefined, at),
    nonResourceURLs,
    omitStages: [...omitStages, ...textsOf(value, 'omitStages', STAGES, at)],
    omitManagedFields: typeof value['omitManagedFields'] === 'boolean' ? value['omitManagedFields'] : omitManagedFields,
  };
}

function resourceOf(value: unknown, at: string): AuditRule['resources'][number] {
  if (!isJsonObject(value)) throw invalid(at, 'must be an object');
  const group = value['group'] ?? '';
  if (typeof group !== 'string') throw invalid(`${at}.group`, 'must be text');
  return { group, resources: textsOf(value, 'resources', undefined, at), resourceNames: textsOf(value, 'resourceNames', undefined, at) };
}

function listOf(map: Readonly<Record<string, unknown>>, field: string, at: string): readonly unknown[] {
  const value = map[field] ?? [];
  if (!Array.isArray(value)) throw invalid(at === '' ? field : `${at}.${field}`, 'must be a list');
  return value;
}

function textsOf(map: Readonly<Record<string, unknown>>, field: string, allowed: readonly string[] | undefined, at: string = ''): readonly string[] {
  return listOf(map, field, at).map((item, index) => {
    const where = `${at === '' ? '' : `${at}.`}${field}[${index}]`;
    if (typeof item !== 'string') throw invalid(where, 'must be text');
    if (allowed !== undefined && !allowed.includes(item)) throw invalid(where, `must be one of ${allowed.join(', ')}`);
    return item;
  });
}

function invalid(field: string, why: string): AuditPolicyError {
  return new AuditPolicyError({ code: 'invalid', field }, `audit policy: ${field === '' ? '' : `${field}: `}${why}`, { hint: 'see audit.k8s.io/v1 Policy' });
}

/** What of a request a policy looks at. */
export interface AuditSubject {
  readonly username: string;
  readonly groups: readonly string[];
  readonly verb: string;
  readonly path: string;
  /** Undefined for a path that is no resource. */
  readonly resource:
    | { readonly group: string; readonly resource: string; readonly subresource: string; readonly namespace: string; readonly name: string }
    | undefined;
}

/** The rule that says how a request is recorded; undefined when none matches, and then it is not. */
export function matchRule(policy: AuditPolicy, subject: AuditSubject): AuditRule | undefined {
  return policy.rules.find((rule) => matches(rule, subject));
}

function matches(rule: AuditRule, { username, groups, verb, path, resource }: AuditSubject): boolean {
  if (rule.users.length > 0 && !rule.users.includes(username)) return false;
  if (rule.userGroups.length > 0 && !rule.userGroups.some((group) => groups.includes(group))) return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return resource !== undefined && matchesResource(rule, resource);
  if (rule.nonResourceURLs.length === 0) return true;
  return (
    resource === undefined &&
    rule.nonResourceURLs.some((pattern) => pattern === path || pattern === '*' || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1))))
  );
}

function matchesResource(rule: AuditRule, target: NonNullable<AuditSubject['resource']>): boolean {
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(target.namespace)) return false;
  if (rule.resources.length === 0) return true;
  const { group, resource, subresource, name } = target;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return rule.resources.some(
    (each) =>
      each.group === group &&
      (each.resources.length === 0 ||
        each.resources.some((wanted) => wanted === full || wanted === '*' || wanted === `${resource}/*` || wanted === `*/${subresource}`)) &&
      (each.resourceNames.length === 0 || each.resourceNames.includes(name)),
  );
}
