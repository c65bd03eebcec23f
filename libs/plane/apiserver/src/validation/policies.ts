import { BOOL, listOf, STRING, type CelType } from '@tiphys/kube-cel';
import type { admissionregistrationv1 } from '@tiphys/kube-model';
import { compileVariables, type Variables } from '../admission/policies/expressions.ts';
import {
  ANNOTATION_RESULTS,
  JSON_PATCH,
  OBJECT,
  PATCH_FUNCTIONS,
  patchType,
  type CommonSpec,
  type MutatingPolicyObject,
} from '../admission/policies/policy.ts';
import { variableTypes } from '../admission/policies/variables.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { maxItems, notEmpty, oneOf, unique, type Check } from './checks.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import { checkExpression, checkMatchConditions, type ExpressionContext } from './match-conditions.ts';
import { checkMatchRule, matchRuleRows } from './match-rules.ts';
import type { Row } from './rows.ts';
import { labelSelector } from './selectors.ts';

// kubernetes pkg/apis/admissionregistration/validation

type BindingSpec = admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec;
type Mutation = NonNullable<NonNullable<MutatingPolicyObject['spec']>['mutations']>[number];

const groupVersion: Check = (value, field, problems) => {
  if (String(value).split('/').length > 2) problems.push(problem.invalid(field, value, `unexpected GroupVersion string: ${String(value)}`));
};

function matchRows(path: string): readonly Row[] {
  return [
    [`${path}.matchPolicy`, oneOf('Equivalent', 'Exact')],
    [`${path}.namespaceSelector`, labelSelector],
    [`${path}.objectSelector`, labelSelector],
    ...['resourceRules', 'excludeResourceRules'].flatMap((rules): readonly Row[] => [
      ...matchRuleRows(`${path}.${rules}[]`),
      [`${path}.${rules}[].resourceNames`, unique()],
    ]),
  ];
}

const POLICY_ROWS: readonly Row[] = [
  ['spec.failurePolicy', oneOf('Fail', 'Ignore')],
  ['spec.paramKind.apiVersion', groupVersion, 'required'],
  ['spec.paramKind.kind', undefined, 'required'],
  ['spec.matchConstraints', undefined, 'required'],
  ['spec.matchConstraints.resourceRules', notEmpty(), 'required'],
  ...matchRows('spec.matchConstraints'),
];

const identifier: Check = (value, field, problems) => {
  if (!/^[A-Za-z_]\w*$/.test(String(value))) problems.push(problem.invalid(field, value, 'name is not a valid CEL identifier'));
};

const noLines: Check = (value, field, problems) => {
  const text = String(value);
  if (text === '') return;
  if (text.trim() === '') problems.push(problem.invalid(field, text, 'message must be non-empty if specified'));
  else if (text.trim().includes('\n')) problems.push(problem.invalid(field, text, 'message must not contain line breaks'));
};

export const validatingAdmissionPolicy: KindRules = kindRules<admissionregistrationv1.ValidatingAdmissionPolicy>({
  rows: [
    ...POLICY_ROWS,
    ['spec.variables', unique('name')],
    ['spec.variables[].name', identifier, { required: 'name is not specified' }],
    ['spec.validations[].message', noLines],
    ['spec.validations[].reason', oneOf('Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized')],
    ['spec.auditAnnotations', maxItems(20)],
    ['spec.auditAnnotations', unique('key')],
    ['spec.auditAnnotations[].key', undefined, 'required'],
  ],
  check: ({ spec = {} }, problems) => {
    const contexts = checkCommon(spec, problems);
    const { validations = [], auditAnnotations = [] } = spec;
    if (validations.length === 0 && auditAnnotations.length === 0)
      for (const list of ['validations', 'auditAnnotations'])
        problems.push(problem.required(`spec.${list}`, 'validations or auditAnnotations must contain at least one item'));
    for (const [index, validation] of validations.entries()) checkValidation(validation, `spec.validations[${index}]`, contexts, problems);
    for (const [index, { valueExpression }] of auditAnnotations.entries())
      checkExpression(
        valueExpression,
        `spec.auditAnnotations[${index}].valueExpression`,
        contexts.quiet(ANNOTATION_RESULTS),
        problems,
        'valueExpression is not specified',
      );
  },
});

export const mutatingAdmissionPolicy: KindRules = kindRules<MutatingPolicyObject>({
  rows: [
    ...POLICY_ROWS,
    ['spec.variables', unique('name')],
    ['spec.variables[].name', identifier, { required: 'name is not specified' }],
    ['spec.mutations', notEmpty('mutations must contain at least one item'), { required: 'mutations must contain at least one item' }],
    ['spec.mutations[].patchType', oneOf('ApplyConfiguration', 'JSONPatch'), 'required'],
    ['spec.reinvocationPolicy', oneOf('IfNeeded', 'Never'), 'required'],
  ],
  check: ({ spec = {} }, problems) => {
    const contexts = checkCommon(spec, problems);
    for (const [index, mutation] of (spec.mutations ?? []).entries()) checkMutation(mutation, `spec.mutations[${index}]`, contexts, problems);
  },
});

const BINDING_ROWS: readonly Row[] = [
  ['spec.policyName', undefined, 'required'],
  ['spec.paramRef.parameterNotFoundAction', oneOf('Allow', 'Deny'), 'required'],
  ['spec.paramRef.selector', labelSelector],
  ...matchRows('spec.matchResources'),
];

const BOTH_ACTIONS =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';

export const validatingAdmissionPolicyBinding: KindRules = kindRules<admissionregistrationv1.ValidatingAdmissionPolicyBinding>({
  rows: [
    ...BINDING_ROWS,
    ['spec.validationActions', notEmpty(), 'required'],
    ['spec.validationActions', unique()],
    ['spec.validationActions[]', oneOf('Audit', 'Deny', 'Warn')],
  ],
  check: ({ spec = {} }, problems) => {
    const { validationActions: actions = [] } = spec;
    checkBinding(spec, problems);
    if (actions.includes('Deny') && actions.includes('Warn')) problems.push(problem.invalid('spec.validationActions', actions, BOTH_ACTIONS));
  },
});

export const mutatingAdmissionPolicyBinding: KindRules = kindRules<admissionregistrationv1.ValidatingAdmissionPolicyBinding>({
  rows: BINDING_ROWS,
  check: ({ spec = {} }, problems) => checkBinding(spec, problems),
});

// Bodies may leave out what the types have.
const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === '';

interface Contexts {
  /** With the authorizer: conditions, validations, mutations. */
  readonly main: (results: readonly CelType[]) => ExpressionContext;
  /** Without: messages and annotations. */
  readonly quiet: (results: readonly CelType[]) => ExpressionContext;
}

function checkCommon(spec: CommonSpec, problems: FieldProblem[]): Contexts {
  const { matchConstraints = {}, matchConditions = [] } = spec;
  checkMatchRules(matchConstraints, 'spec.matchConstraints', problems);
  const has = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true, hasNamespace: true };
  const types = variableTypes(has);
  const variables = compileVariables(spec.variables ?? [], { variables: types });
  const main = { variables: { ...types, variables: variables.type } };
  const quiet = { variables: { ...variableTypes({ ...has, hasAuthorizer: false }), variables: variables.type } };
  checkMatchConditions(matchConditions, 'spec.matchConditions', main, problems);
  checkVariables(spec, variables, problems);
  return { main: (results) => ({ options: main, results }), quiet: (results) => ({ options: quiet, results }) };
}

function checkVariables(spec: CommonSpec, { compiled }: Variables, problems: FieldProblem[]): void {
  for (const [index, { name, expression }] of (spec.variables ?? []).entries()) {
    const at = `spec.variables[${index}].expression`;
    const one = compiled.get(name);
    if (isBlank(expression)) problems.push(problem.required(at, 'expression is not specified'));
    else if (one?.kind === 'problem') problems.push(problem.invalid(at, expression, one.problem));
  }
}

function checkMatchRules(resources: admissionregistrationv1.MatchResources, at: string, problems: FieldProblem[]): void {
  for (const list of ['resourceRules', 'excludeResourceRules'] as const)
    for (const [index, rule] of (resources[list] ?? []).entries()) checkMatchRule(rule, `${at}.${list}[${index}]`, problems);
}

function checkValidation(
  { expression, message, messageExpression }: admissionregistrationv1.Validation,
  at: string,
  { main, quiet }: Contexts,
  problems: FieldProblem[],
): void {
  checkExpression(expression, `${at}.expression`, main([BOOL]), problems, 'expression is not specified');
  if ((messageExpression ?? '') !== '')
    checkExpression(messageExpression, `${at}.messageExpression`, quiet([STRING]), problems, 'must be non-empty if specified');
  if (expression?.includes('\n') === true && isBlank(message))
    problems.push(problem.required(`${at}.message`, 'message must be specified if expression contains line breaks'));
}

function checkMutation(mutation: Mutation, at: string, { main }: Contexts, problems: FieldProblem[]): void {
  const { patchType: type, applyConfiguration, jsonPatch } = mutation;
  if (type !== 'ApplyConfiguration' && type !== 'JSONPatch') return; // Refused by its row.
  const isPatch = type === 'JSONPatch';
  const [field, other] = isPatch ? (['jsonPatch', 'applyConfiguration'] as const) : (['applyConfiguration', 'jsonPatch'] as const);
  const given = isPatch ? jsonPatch : applyConfiguration;
  if (given === undefined) return void problems.push(problem.required(`${at}.${field}`, `${field} must be specified when patchType is ${type}`));
  if (mutation[other] !== undefined) problems.push(problem.invalid(`${at}.${other}`, '{}', `${other} must not be specified when patchType is ${type}`));
  const { options, results } = main(isPatch ? [listOf(JSON_PATCH)] : [OBJECT]);
  const context = { options: { ...options, struct: patchType, functions: PATCH_FUNCTIONS }, results };
  checkExpression(given.expression, `${at}.${field}.expression`, context, problems, 'expression is not specified');
}

function checkBinding({ paramRef, matchResources = {} }: BindingSpec, problems: FieldProblem[]): void {
  checkMatchRules(matchResources, 'spec.matchResources', problems);
  if (paramRef === undefined) return;
  const { name = '', selector } = paramRef;
  if (name === '' && selector === undefined) problems.push(problem.required('spec.paramRef', 'one of name or selector must be specified'));
  if (name !== '' && selector !== undefined)
    for (const field of ['name', 'selector']) problems.push(problem.forbidden(`spec.paramRef.${field}`, 'name and selector are mutually exclusive'));
}
