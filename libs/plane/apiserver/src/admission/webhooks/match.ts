import { matchesSelector, type admissionregistrationv1, type Labels, type Selector } from '@tiphys/kube-model';
import { SERVER_USER, type Core } from '../../core.ts';
import type { Draft } from '../../draft.ts';
import { parseStored } from '../../registry/objects.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';
import type { Hook } from './hooks.ts';

// What decides about admission is not decided about by it: a bad webhook could never be removed.
const CONFIGURATIONS: ReadonlySet<string> = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
]);

/** Whether policies and webhooks are asked about a request at all. */
export function isDecidable({ scope }: AdmissionRequest): boolean {
  if (scope.user === SERVER_USER) return false;
  return scope.served.group !== 'admissionregistration.k8s.io' || !CONFIGURATIONS.has(scope.served.resource);
}

/** What a webhook, policy or binding wants to see. */
export interface MatchTarget {
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
  readonly rules: readonly MatchRule[];
  readonly excluded: readonly MatchRule[];
  /** Only the versions the rules name, rather than any version of the same objects. */
  readonly isExact: boolean;
  /** Whatever the rules say. */
  readonly matchesAll: boolean;
}

/** A rule; policies may also name objects. */
type MatchRule = admissionregistrationv1.RuleWithOperations & { readonly resourceNames?: readonly string[] };

/** The version of the request's resource a webhook wants to see; undefined when it wants none of them. */
export function matchHook(core: Core, { webhook, namespaceSelector, objectSelector }: Hook, request: AdmissionRequest): ServedResource | undefined {
  const rules = webhook.rules ?? [];
  return matchTarget(core, { namespaceSelector, objectSelector, rules, excluded: [], isExact: webhook.matchPolicy === 'Exact', matchesAll: false }, request);
}

/** The version of the request's resource that is wanted; undefined when none is (apiserver policy/matching/matching.go). */
export function matchTarget(core: Core, target: MatchTarget, request: AdmissionRequest): ServedResource | undefined {
  const { namespaceSelector, objectSelector, rules, excluded } = target;
  if (!matchesNamespace(core, request, namespaceSelector)) return undefined;
  if (
    objectSelector.length > 0 &&
    ![request.object, request.oldObject].some((object) => object !== undefined && matchesSelector(objectSelector, object.metadata.labels))
  )
    return undefined;
  const { served } = request.scope;
  const isAny = (list: readonly MatchRule[], version: ServedResource): boolean => list.some((rule) => matchesRule(rule, version, request));
  const versions = target.isExact ? [served] : [served, ...equivalents(core, served)];
  if (versions.some((version) => isAny(excluded, version))) return undefined;
  return target.matchesAll ? served : versions.find((version) => isAny(rules, version));
}

// Other versions the same stored objects are served in.
function equivalents(core: Core, served: ServedResource): readonly ServedResource[] {
  return core.catalog.all().filter((other) => other !== served && other.keyPrefix === served.keyPrefix);
}

function matchesRule(rule: MatchRule, { group, version, resource }: ServedResource, request: AdmissionRequest): boolean {
  const { scope, operation } = request;
  const has = (list: readonly string[] | undefined, value: string): boolean => list?.some((item) => item === '*' || item === value) === true;
  if (!has(rule.operations, operation) || !has(rule.apiGroups, group) || !has(rule.apiVersions, version) || !matchesScope(rule, request)) return false;
  const names = rule.resourceNames ?? [];
  if (names.length > 0 && !names.includes(request.object?.metadata.name ?? scope.name)) return false;
  return (rule.resources ?? []).some((pattern) => {
    const [name = '', sub = ''] = pattern.split('/');
    return (name === '*' || name === resource) && (sub === '*' || sub === (scope.subresource ?? ''));
  });
}

// The namespace object itself is cluster-scoped.
function matchesScope({ scope = '*' }: MatchRule, request: AdmissionRequest): boolean {
  if (scope === '*') return true;
  return (scope === 'Namespaced') === (request.scope.namespace !== undefined && request.scope.served.namespaced);
}

function matchesNamespace(core: Core, request: AdmissionRequest, selector: Hook['namespaceSelector']): boolean {
  if (selector.length === 0) return true;
  const labels = namespaceLabels(core, request);
  return labels === undefined || matchesSelector(selector, labels.labels);
}

// Undefined for what lives in no namespace.
function namespaceLabels(core: Core, { scope, object, oldObject }: AdmissionRequest): { readonly labels: Labels | undefined } | undefined {
  if (scope.served.group === '' && scope.served.resource === 'namespaces' && scope.subresource === undefined)
    return { labels: (object ?? oldObject)?.metadata.labels };
  if (!scope.served.namespaced || scope.namespace === undefined) return undefined;
  return { labels: storedNamespace(core, scope.namespace)?.metadata.labels };
}

function storedNamespace(core: Core, name: string): Draft | undefined {
  const entry = core.store.get(`/core/namespaces/${name}`);
  return entry === undefined ? undefined : parseStored(entry.value);
}
