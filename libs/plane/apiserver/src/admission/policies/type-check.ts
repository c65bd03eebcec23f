import type { CompileOptions, ObjectType } from '@tiphys/kube-cel';
import type { admissionregistrationv1 } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import { draftAs, type Draft } from '../../draft.ts';
import type { ServedResource } from '../../registry/served.ts';
import { compileExpression, compileVariables } from './expressions.ts';
import { objectTypeOf } from './object-types.ts';
import { variableTypes } from './variables.ts';

type Policy = admissionregistrationv1.ValidatingAdmissionPolicy;

// Resources a policy is checked against at most.
const MAX_TYPES = 10;

/**
 * Says in a policy's status what its expressions get wrong about the types they are matched with, once for each generation
 * (KEP-3488; apiserver policy/validating/typechecking.go). Warnings change nothing of what the policy does.
 */
export function settlePolicy(core: Core, draft: Draft): void {
  const policy = draftAs<Policy>(draft);
  const { generation = 0 } = policy.metadata;
  if (policy.status?.observedGeneration === generation && policy.status.typeChecking !== undefined) return;
  const warnings = checkTypes(core, policy);
  policy.status = { ...policy.status, observedGeneration: generation, typeChecking: warnings.length === 0 ? {} : { expressionWarnings: [...warnings] } };
}

interface Checked {
  readonly served: ServedResource;
  readonly options: CompileOptions;
}

function checkTypes(core: Core, policy: Policy): readonly admissionregistrationv1.ExpressionWarning[] {
  const contexts = typesOf(core, policy).map(({ served, type }) => ({ served, options: optionsFor(core, policy, type) }));
  const warn = (fieldRef: string, expression: string | undefined): readonly admissionregistrationv1.ExpressionWarning[] => {
    const warning = (expression ?? '') === '' ? '' : contexts.flatMap((context) => warningOf(context, expression ?? '')).join('\n');
    return warning === '' ? [] : [{ fieldRef, warning }];
  };
  return (policy.spec?.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    ...warn(`spec.validations[${index}].expression`, expression),
    ...warn(`spec.validations[${index}].messageExpression`, messageExpression),
  ]);
}

function warningOf({ served, options }: Checked, expression: string): readonly string[] {
  const compiled = compileExpression(expression, undefined, options);
  return compiled.kind === 'program' ? [] : [`${served.group}/${served.version}, Kind=${served.kind}: ${compiled.problem}\n`];
}

function optionsFor(core: Core, policy: Policy, object: ObjectType): CompileOptions {
  const { paramKind, variables = [] } = policy.spec ?? {};
  const params = paramKind === undefined ? undefined : core.catalog.findKind(paramKind.apiVersion ?? '', paramKind.kind ?? '');
  const types = variableTypes(
    { hasParams: paramKind !== undefined, hasAuthorizer: true, hasNamespace: true },
    { object, params: params === undefined ? undefined : objectTypeOf(params) },
  );
  return { variables: { ...types, variables: compileVariables(variables, { variables: types }).type } };
}

// Rules with wildcards name no types to check.
function typesOf(core: Core, policy: Policy): readonly { readonly served: ServedResource; readonly type: ObjectType }[] {
  const found = new Map<ServedResource, ObjectType>();
  for (const rule of policy.spec?.matchConstraints?.resourceRules ?? []) {
    const [groups, versions] = [rule.apiGroups ?? [], rule.apiVersions ?? []];
    if ([...groups, ...versions].some((text) => text.includes('*'))) continue;
    for (const resource of (rule.resources ?? []).filter((text) => !/[*/]/.test(text))) {
      for (const served of groups.flatMap((group) => versions.map((version) => core.catalog.find(group, version, resource)))) {
        const type = served === undefined ? undefined : objectTypeOf(served);
        if (served !== undefined && type !== undefined) found.set(served, type);
      }
    }
  }
  const key = ({ group, version, kind }: ServedResource): string => `${group} ${version} ${kind}`;
  return [...found]
    .toSorted(([a], [b]) => (key(a) < key(b) ? -1 : 1))
    .slice(0, MAX_TYPES)
    .map(([served, type]) => ({ served, type }));
}
