import {
  BOOL,
  listOf,
  NULL,
  objectType,
  overloads,
  functionTable,
  DYN,
  STRING,
  type CelType,
  type CompileOptions,
  type FunctionTable,
  type ObjectType,
} from '@tiphys/kube-cel';
import { selectorOf, type admissionregistrationv1, type KubeObject, type metav1, type Selector } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import { draftAs, type Draft } from '../../draft.ts';
import { createView } from '../view.ts';
import type { MatchTarget } from '../webhooks/match.ts';
import { compileConditions, compileExpression, compileVariables, type Compiled, type MatchCondition, type Variables } from './expressions.ts';
import { variableTypes, type VariableOptions } from './variables.ts';

type MatchResources = admissionregistrationv1.MatchResources;

/** A MutatingAdmissionPolicy of v1alpha1, as far as it is read (k8s.io/api/admissionregistration/v1alpha1). */
export interface MutatingPolicyObject extends KubeObject {
  readonly spec?: CommonSpec & {
    readonly mutations?: readonly {
      readonly patchType?: string;
      readonly applyConfiguration?: { readonly expression?: string };
      readonly jsonPatch?: { readonly expression?: string };
    }[];
    readonly reinvocationPolicy?: string;
  };
}

/** What the specs of both kinds have. */
export type CommonSpec = Pick<
  admissionregistrationv1.ValidatingAdmissionPolicySpec,
  'paramKind' | 'matchConstraints' | 'variables' | 'failurePolicy' | 'matchConditions'
>;

/** What both kinds of policies have. */
export interface PolicyBase {
  readonly name: string;
  readonly target: MatchTarget;
  readonly paramKind: admissionregistrationv1.ParamKind | undefined;
  readonly ignoresFailures: boolean;
  readonly conditions: readonly MatchCondition[];
  readonly variables: Variables;
  readonly bindings: readonly Binding[];
}

/** A ValidatingAdmissionPolicy with its bindings, ready to be asked. */
export interface ValidatingPolicy extends PolicyBase {
  readonly validations: readonly Validation[];
  readonly annotations: readonly { readonly key: string; readonly expression: string; readonly compiled: Compiled }[];
}

/** One validation of a policy. */
export interface Validation {
  readonly expression: string;
  readonly message: string;
  readonly reason: string | undefined;
  readonly compiled: Compiled;
  readonly messageCompiled: Compiled | undefined;
}

/** A MutatingAdmissionPolicy with its bindings. */
export interface MutatingPolicy extends PolicyBase {
  readonly mutations: readonly { readonly kind: 'apply' | 'jsonPatch'; readonly compiled: Compiled }[];
  readonly reinvokes: boolean;
}

/** A binding of a policy. */
export interface Binding {
  readonly name: string;
  readonly target: MatchTarget | undefined;
  readonly paramRef: admissionregistrationv1.ParamRef | undefined;
  readonly actions: readonly string[];
}

const PREFIX = '/admissionregistration.k8s.io/';
const NOTHING: admissionregistrationv1.MatchResources = {};

const bindingsOf = createView((objects) => {
  const byPolicy = new Map<string, Binding[]>();
  for (const object of objects) {
    const { metadata, spec } = draftAs<admissionregistrationv1.ValidatingAdmissionPolicyBinding>(object);
    const known = byPolicy.get(spec?.policyName ?? '') ?? [];
    byPolicy.set(spec?.policyName ?? '', known);
    known.push({
      name: metadata.name ?? '',
      target: spec?.matchResources === undefined ? undefined : targetOf(spec.matchResources, true),
      paramRef: spec?.paramRef,
      actions: spec?.validationActions ?? [],
    });
  }
  return byPolicy;
});

const validatingOf = createView((objects) => objects.map((object) => compiledOnce(object, compileValidating)));
const mutatingOf = createView((objects) => objects.map((object) => compiledOnce(object, compileMutating)));

/** The policies that have bindings, in the order of their names. */
export function validatingPolicies(core: Core): readonly ValidatingPolicy[] {
  return bound(core, validatingOf(core, `${PREFIX}validatingadmissionpolicies/`), 'validatingadmissionpolicybindings');
}

/** The mutating policies that have bindings, in the order of their names. */
export function mutatingPolicies(core: Core): readonly MutatingPolicy[] {
  return bound(core, mutatingOf(core, `${PREFIX}mutatingadmissionpolicies/`), 'mutatingadmissionpolicybindings');
}

function bound<T extends PolicyBase>(core: Core, policies: readonly T[], resource: string): readonly T[] {
  if (policies.length === 0) return policies;
  const bindings = bindingsOf(core, `${PREFIX}${resource}/`);
  return policies.flatMap((policy) => {
    const own = bindings.get(policy.name);
    return own === undefined ? [] : [{ ...policy, bindings: own }];
  });
}

// Compiled policies by uid and generation, the oldest forgotten first: a view is derived anew whenever one of them changes.
const MAX_COMPILED = 1_000;
const compiled = new Map<string, PolicyBase>();

function compiledOnce<T extends PolicyBase>(object: Draft, make: (object: Draft) => T): T {
  const { uid = '', generation = 0 } = object.metadata;
  const id = `${object.kind}/${uid}/${generation}`;
  // The id names the kind, and each kind has one function that makes it.
  const known = compiled.get(id) as T | undefined;
  if (known !== undefined) return known;
  const policy = make(object);
  const [oldest] = compiled.keys();
  if (compiled.size >= MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
  compiled.set(id, policy);
  return policy;
}

/** The results an audit annotation may have. */
export const ANNOTATION_RESULTS: readonly CelType[] = [STRING, NULL];

function compileValidating(object: Draft): ValidatingPolicy {
  const { metadata, spec } = draftAs<admissionregistrationv1.ValidatingAdmissionPolicy>(object);
  const base = compileBase(metadata.name ?? '', spec ?? {});
  const { options } = base;
  // Messages and annotations do not ask the authorizer.
  const quiet: CompileOptions = { variables: { ...variableTypes({ ...base.has, hasAuthorizer: false }), variables: base.policy.variables.type } };
  return {
    ...base.policy,
    validations: (spec?.validations ?? []).map(({ expression, message = '', messageExpression, reason }) => ({
      expression,
      message,
      reason,
      compiled: compileExpression(expression, [BOOL], options),
      messageCompiled: (messageExpression ?? '') === '' ? undefined : compileExpression(messageExpression ?? '', [STRING], quiet),
    })),
    annotations: (spec?.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: valueExpression,
      compiled: compileExpression(valueExpression, ANNOTATION_RESULTS, quiet),
    })),
  };
}

interface Base {
  readonly policy: PolicyBase;
  readonly options: CompileOptions;
  readonly has: VariableOptions;
}

function compileBase(name: string, spec: CommonSpec): Base {
  const has: VariableOptions = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true, hasNamespace: true };
  const plain: CompileOptions = { variables: variableTypes(has) };
  const variables = compileVariables(spec.variables ?? [], plain);
  const options: CompileOptions = { variables: { ...plain.variables, variables: variables.type } };
  const policy: PolicyBase = {
    name,
    target: targetOf(spec.matchConstraints ?? NOTHING, false),
    paramKind: spec.paramKind,
    ignoresFailures: spec.failurePolicy === 'Ignore',
    conditions: compileConditions(spec.matchConditions ?? [], options),
    variables,
    bindings: [],
  };
  return { policy, options, has };
}

/** The type of `Object{…}` and of its parts: fields of any name, told apart by where they stand (apiserver pkg/cel/mutation). */
export function patchType(name: string): ObjectType | undefined {
  if (name === 'JSONPatch') return JSON_PATCH;
  return name === 'Object' || name.startsWith('Object.') ? { kind: 'object', name, field: () => DYN } : undefined;
}

/** The type of one operation of a JSON patch. */
export const JSON_PATCH: ObjectType = objectType('JSONPatch', { op: STRING, path: STRING, from: STRING, value: DYN });
/** The type of what an apply configuration yields. */
export const OBJECT: ObjectType = { kind: 'object', name: 'Object', field: () => DYN };

/** What only patches have: the escaping of a key in a path. */
export const PATCH_FUNCTIONS: FunctionTable = functionTable(
  overloads('jsonpatch.escapeKey', ['(string): string'], ([key]) => String(key).replaceAll('~', '~0').replaceAll('/', '~1')),
);

function compileMutating(object: Draft): MutatingPolicy {
  const { metadata, spec } = draftAs<MutatingPolicyObject>(object);
  const base = compileBase(metadata.name ?? '', spec ?? {});
  const options: CompileOptions = { ...base.options, struct: patchType, functions: PATCH_FUNCTIONS };
  return {
    ...base.policy,
    mutations: (spec?.mutations ?? []).map(({ patchType: type, applyConfiguration, jsonPatch }) =>
      type === 'JSONPatch'
        ? { kind: 'jsonPatch', compiled: compileExpression(jsonPatch?.expression ?? '', [listOf(JSON_PATCH)], options) }
        : { kind: 'apply', compiled: compileExpression(applyConfiguration?.expression ?? '', [OBJECT], options) },
    ),
    reinvokes: spec?.reinvocationPolicy === 'IfNeeded',
  };
}

function targetOf(resources: MatchResources, isBinding: boolean): MatchTarget {
  const selector = (value: metav1.LabelSelector | undefined): Selector => selectorOf(value ?? {});
  return {
    namespaceSelector: selector(resources.namespaceSelector),
    objectSelector: selector(resources.objectSelector),
    rules: resources.resourceRules ?? [],
    excluded: resources.excludeResourceRules ?? [],
    isExact: resources.matchPolicy === 'Exact',
    // A binding without rules binds whatever its policy matches.
    matchesAll: isBinding && (resources.resourceRules ?? []).length === 0,
  };
}
