import { BOOL, listOf, STRING, type CelType, type CompileOptions } from '@tiphys/kube-cel';
import type { admissionregistrationv1 } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../../draft.ts';
import { problem, type FieldProblem } from '../../failures.ts';
import { compileExpression, compileVariables } from './expressions.ts';
import { ANNOTATION_RESULTS, JSON_PATCH, OBJECT, PATCH_FUNCTIONS, patchType, type MutatingSpec } from './policy.ts';
import { variableTypes } from './variables.ts';

type Spec = admissionregistrationv1.ValidatingAdmissionPolicySpec;

const MAX_CONDITIONS = 64;
const MAX_ANNOTATIONS = 20;

/** What is wrong with an admission policy or binding (kubernetes pkg/apis/admissionregistration/validation); empty for other kinds. */
export function validatePolicy(draft: Draft): readonly FieldProblem[] {
  switch (draft.kind) {
    case 'ValidatingAdmissionPolicy':
      return validating(draftAs<admissionregistrationv1.ValidatingAdmissionPolicy>(draft).spec ?? {});
    case 'MutatingAdmissionPolicy':
      return mutating((draft.spec ?? {}) as MutatingSpec); // The body was read by the kind's schema.
    case 'ValidatingAdmissionPolicyBinding':
    case 'MutatingAdmissionPolicyBinding':
      return binding(draftAs<admissionregistrationv1.ValidatingAdmissionPolicyBinding>(draft).spec ?? {}, draft.kind === 'ValidatingAdmissionPolicyBinding');
    default:
      return [];
  }
}

interface Contexts {
  /** With the authorizer: conditions, validations, mutations. */
  readonly main: CompileOptions;
  /** Without: messages and annotations. */
  readonly quiet: CompileOptions;
}

function contextsOf(spec: Omit<MutatingSpec, 'mutations'>): { readonly contexts: Contexts; readonly problems: readonly FieldProblem[] } {
  const has = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true, hasNamespace: true };
  const types = variableTypes(has);
  const { type, compiled } = compileVariables(spec.variables ?? [], { variables: types });
  const problems = (spec.variables ?? []).flatMap(({ name, expression }, index) => {
    const at = `spec.variables[${index}]`;
    const one = compiled.get(name);
    return [
      ...(name === '' ? [problem.required(`${at}.name`, 'name is not specified')] : []),
      ...(name !== '' && !/^[A-Za-z_]\w*$/.test(name) ? [problem.invalid(`${at}.name`, name, 'name is not a valid CEL identifier')] : []),
      ...(expression.trim() === '' ? [problem.required(`${at}.expression`, 'expression is not specified')] : []),
      ...(expression.trim() !== '' && one?.kind === 'problem' ? [problem.invalid(`${at}.expression`, expression, one.problem)] : []),
      ...((spec.variables ?? []).findIndex((other) => other.name === name) < index ? [problem.duplicate(`${at}.name`, name)] : []),
    ];
  });
  const quiet = variableTypes({ ...has, hasAuthorizer: false });
  return { contexts: { main: { variables: { ...types, variables: type } }, quiet: { variables: { ...quiet, variables: type } } }, problems };
}

function expressionProblems(path: string, expression: string | undefined, results: readonly CelType[], options: CompileOptions): readonly FieldProblem[] {
  const text = expression ?? '';
  if (text.trim() === '') return [problem.required(path, `${path.slice(path.lastIndexOf('.') + 1)} is not specified`)];
  const compiled = compileExpression(text, results, options);
  return compiled.kind === 'program' ? [] : [problem.invalid(path, text, compiled.problem)];
}

function common(spec: Omit<MutatingSpec, 'mutations'>, contexts: Contexts): readonly FieldProblem[] {
  const { matchConstraints, paramKind, failurePolicy, matchConditions = [] } = spec;
  const rules = matchConstraints?.resourceRules ?? [];
  return [
    ...(failurePolicy === undefined || ['Fail', 'Ignore'].includes(failurePolicy)
      ? []
      : [problem.notSupported('spec.failurePolicy', failurePolicy, ['Fail', 'Ignore'])]),
    ...(paramKind === undefined ? [] : paramKindProblems(paramKind)),
    ...(matchConstraints === undefined
      ? [problem.required('spec.matchConstraints')]
      : rules.length === 0
        ? [problem.required('spec.matchConstraints.resourceRules')]
        : rules.flatMap((rule, index) => ruleProblems(rule, `spec.matchConstraints.resourceRules[${index}]`))),
    ...(matchConditions.length > MAX_CONDITIONS
      ? [
          {
            field: 'spec.matchConditions',
            reason: 'FieldValueTooMany',
            message: `Too many: ${matchConditions.length}: must have at most ${MAX_CONDITIONS} items`,
          } as const,
        ]
      : []),
    ...matchConditions.flatMap(({ name, expression }, index) => {
      const at = `spec.matchConditions[${index}]`;
      return [
        ...expressionProblems(`${at}.expression`, expression, [BOOL], contexts.main),
        ...(name === '' ? [problem.required(`${at}.name`)] : []),
        ...(matchConditions.findIndex((other) => other.name === name) < index ? [problem.duplicate(`${at}.name`, name)] : []),
      ];
    }),
  ];
}

function paramKindProblems({ apiVersion = '', kind = '' }: admissionregistrationv1.ParamKind): readonly FieldProblem[] {
  return [
    ...(apiVersion === ''
      ? [problem.required('spec.paramKind.apiVersion')]
      : apiVersion.split('/').length > 2
        ? [problem.invalid('spec.paramKind.apiVersion', apiVersion, `unexpected GroupVersion string: ${apiVersion}`)]
        : []),
    ...(kind === '' ? [problem.required('spec.paramKind.kind')] : []),
  ];
}

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

function ruleProblems(rule: admissionregistrationv1.RuleWithOperations, path: string): readonly FieldProblem[] {
  return [
    ...(['operations', 'apiGroups', 'apiVersions', 'resources'] as const).flatMap((field) => {
      const list = rule[field] ?? [];
      if (list.length === 0) return [problem.required(`${path}.${field}`)];
      return list.length > 1 && list.includes('*') ? [problem.invalid(`${path}.${field}`, list, "if '*' is present, must not specify other values")] : [];
    }),
    ...(rule.operations ?? []).flatMap((operation, index) =>
      OPERATIONS.includes(operation) ? [] : [problem.notSupported(`${path}.operations[${index}]`, operation, OPERATIONS)],
    ),
  ];
}

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];

function validating(spec: Spec): readonly FieldProblem[] {
  const { contexts, problems } = contextsOf(spec);
  const [validations, annotations] = [spec.validations ?? [], spec.auditAnnotations ?? []];
  const nothing = 'validations or auditAnnotations must contain at least one item';
  return [
    ...common(spec, contexts),
    ...problems,
    ...(validations.length === 0 && annotations.length === 0
      ? [problem.required('spec.validations', nothing), problem.required('spec.auditAnnotations', nothing)]
      : []),
    ...validations.flatMap((validation, index) => validationProblems(validation, `spec.validations[${index}]`, contexts)),
    ...(annotations.length > MAX_ANNOTATIONS
      ? [
          {
            field: 'spec.auditAnnotations',
            reason: 'FieldValueTooMany',
            message: `Too many: ${annotations.length}: must have at most ${MAX_ANNOTATIONS} items`,
          } as const,
        ]
      : []),
    ...annotations.flatMap(({ key, valueExpression }, index) => {
      const at = `spec.auditAnnotations[${index}]`;
      return [
        ...(key === '' ? [problem.required(`${at}.key`)] : []),
        ...(annotations.findIndex((other) => other.key === key) < index ? [problem.duplicate(`${at}.key`, key)] : []),
        ...expressionProblems(`${at}.valueExpression`, valueExpression, ANNOTATION_RESULTS, contexts.quiet),
      ];
    }),
  ];
}

function validationProblems(validation: admissionregistrationv1.Validation, path: string, contexts: Contexts): readonly FieldProblem[] {
  const { expression, message, messageExpression, reason } = validation;
  const trimmed = message?.trim();
  return [
    ...expressionProblems(`${path}.expression`, expression, [BOOL], contexts.main),
    ...((messageExpression ?? '') === '' ? [] : expressionProblems(`${path}.messageExpression`, messageExpression, [STRING], contexts.quiet)),
    ...(message !== undefined && message !== '' && trimmed === ''
      ? [problem.invalid(`${path}.message`, message, 'message must be non-empty if specified')]
      : []),
    ...(trimmed?.includes('\n') === true ? [problem.invalid(`${path}.message`, message, 'message must not contain line breaks')] : []),
    ...(expression?.includes('\n') === true && (trimmed ?? '') === ''
      ? [problem.required(`${path}.message`, 'message must be specified if expression contains line breaks')]
      : []),
    ...(reason === undefined || REASONS.includes(reason) ? [] : [problem.notSupported(`${path}.reason`, reason, REASONS)]),
  ];
}

function mutating(spec: MutatingSpec): readonly FieldProblem[] {
  const { contexts, problems } = contextsOf(spec);
  const options: CompileOptions = { ...contexts.main, struct: patchType, functions: PATCH_FUNCTIONS };
  const mutations = spec.mutations ?? [];
  const { reinvocationPolicy } = spec;
  return [
    ...common(spec, contexts),
    ...problems,
    ...(mutations.length === 0 ? [problem.required('spec.mutations', 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((mutation, index) => mutationProblems(mutation, `spec.mutations[${index}]`, options)),
    ...(reinvocationPolicy === undefined
      ? [problem.required('spec.reinvocationPolicy')]
      : ['IfNeeded', 'Never'].includes(reinvocationPolicy)
        ? []
        : [problem.notSupported('spec.reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never'])]),
  ];
}

function mutationProblems(mutation: NonNullable<MutatingSpec['mutations']>[number], path: string, options: CompileOptions): readonly FieldProblem[] {
  const { patchType: type, applyConfiguration, jsonPatch } = mutation;
  if ((type ?? '') === '') return [problem.required(`${path}.patchType`)];
  const isPatch = type === 'JSONPatch';
  if (!isPatch && type !== 'ApplyConfiguration') return [problem.notSupported(`${path}.patchType`, type, ['ApplyConfiguration', 'JSONPatch'])];
  const [field, given, other] = isPatch ? ['jsonPatch', jsonPatch, applyConfiguration] : ['applyConfiguration', applyConfiguration, jsonPatch];
  const otherField = isPatch ? 'applyConfiguration' : 'jsonPatch';
  if (given === undefined) return [problem.required(`${path}.${field}`, `${field} must be specified when patchType is ${type}`)];
  return [
    ...(other === undefined ? [] : [problem.invalid(`${path}.${otherField}`, '{}', `${otherField} must not be specified when patchType is ${type}`)]),
    ...expressionProblems(`${path}.${field}.expression`, given.expression, isPatch ? [listOf(JSON_PATCH)] : [OBJECT], options),
  ];
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];

function binding(spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec, isValidating: boolean): readonly FieldProblem[] {
  const actions = spec.validationActions ?? [];
  return [
    ...((spec.policyName ?? '') === '' ? [problem.required('spec.policyName')] : []),
    ...(spec.paramRef === undefined ? [] : paramRefProblems(spec.paramRef)),
    ...(isValidating && actions.length === 0 ? [problem.required('spec.validationActions')] : []),
    ...actions.flatMap((action, index) => [
      ...(ACTIONS.includes(action) ? [] : [problem.notSupported(`spec.validationActions[${index}]`, action, ACTIONS)]),
      ...(actions.indexOf(action) < index ? [problem.duplicate(`spec.validationActions[${index}]`, action)] : []),
    ]),
    ...(actions.includes('Deny') && actions.includes('Warn')
      ? [
          problem.invalid(
            'spec.validationActions',
            actions,
            'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
          ),
        ]
      : []),
  ];
}

function paramRefProblems({ name = '', selector, parameterNotFoundAction }: admissionregistrationv1.ParamRef): readonly FieldProblem[] {
  const both = name !== '' && selector !== undefined;
  const neither = name === '' && selector === undefined;
  return [
    ...(both
      ? [
          problem.forbidden('spec.paramRef.name', 'name and selector are mutually exclusive'),
          problem.forbidden('spec.paramRef.selector', 'name and selector are mutually exclusive'),
        ]
      : []),
    ...(neither ? [problem.required('spec.paramRef', 'one of name or selector must be specified')] : []),
    ...(parameterNotFoundAction === undefined
      ? [problem.required('spec.paramRef.parameterNotFoundAction')]
      : ['Allow', 'Deny'].includes(parameterNotFoundAction)
        ? []
        : [problem.notSupported('spec.paramRef.parameterNotFoundAction', parameterNotFoundAction, ['Allow', 'Deny'])]),
  ];
}
