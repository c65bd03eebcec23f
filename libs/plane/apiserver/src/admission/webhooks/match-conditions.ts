import { CEL_LIMITS, type CompileOptions } from '@tiphys/kube-cel';
import type { Core } from '../../core.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';
import { compileConditions, compileVariables, holdAll, Run, type MatchCondition } from '../policies/expressions.ts';
import { variableTypes, variableValues } from '../policies/variables.ts';
import type { Hook } from './hooks.ts';
import { inVersion } from './review.ts';

/** Whether a webhook's match conditions hold for a request, or why that cannot be told. */
export type ConditionsVerdict = { readonly kind: 'match' } | { readonly kind: 'noMatch' } | { readonly kind: 'failed'; readonly reason: string };

/** What the match conditions of webhooks may name. */
export const WEBHOOK_CONTEXT: CompileOptions = { variables: variableTypes({ hasParams: false, hasAuthorizer: true, hasNamespace: false }) };
const NO_VARIABLES = compileVariables([], WEBHOOK_CONTEXT);
// Hooks live as long as their configuration stays as it is.
const compiled = new WeakMap<Hook, readonly MatchCondition[]>();

/** Evaluates the match conditions of a webhook (KEP-3716) on the object in the version the webhook sees. */
export function evaluateMatchConditions(core: Core, hook: Hook, request: AdmissionRequest, version: ServedResource): ConditionsVerdict {
  const given = hook.webhook.matchConditions ?? [];
  if (given.length === 0) return { kind: 'match' };
  const conditions = compiled.get(hook) ?? compileConditions(given, WEBHOOK_CONTEXT);
  compiled.set(hook, conditions);
  const { served } = request.scope;
  const values = variableValues(core, {
    request,
    version,
    object: inVersion(request.object, served, version),
    oldObject: inVersion(request.oldObject, served, version),
    params: undefined,
    namespace: undefined,
  });
  return holdAll(conditions, new Run(values, NO_VARIABLES, CEL_LIMITS.matchConditions));
}
