import { CEL_LIMITS } from '@tiphys/kube-cel';
import { StatusError } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { refuse } from '../refuse.ts';
import { isDecidable } from '../webhooks/match.ts';
import { holdAll, Run, type Outcome } from './expressions.ts';
import { invocationsOf, namespaceObject, versioned, type Invocation } from './invocations.ts';
import { validatingPolicies, type Binding, type Validation, type ValidatingPolicy } from './policy.ts';
import { variableValues, type Inputs } from './variables.ts';

/** Asks the validating policies about what will be stored (apiserver admission/plugin/policy/validating). */
export const validatingAdmissionPolicy: AdmissionPlugin = {
  name: 'ValidatingAdmissionPolicy',
  validate(core, request) {
    const policies = validatingPolicies(core);
    return policies.length === 0 || !isDecidable(request) ? undefined : judge(core, policies, request);
  },
};

/** What a policy says against a request. */
interface Denial {
  readonly policy: string;
  readonly binding: string;
  readonly message: string;
  readonly reason: string;
}

/** What is told about a request without refusing it. */
interface Findings {
  readonly denials: Denial[];
  readonly failures: object[];
  readonly annotations: Map<string, Set<string>>;
}

async function judge(core: Core, policies: readonly ValidatingPolicy[], request: AdmissionRequest): Promise<void> {
  const findings: Findings = { denials: [], failures: [], annotations: new Map() };
  for (const invocation of await invocationsOf(core, policies, request)) {
    const { policy, binding } = invocation;
    if ('message' in invocation) {
      if (!policy.ignoresFailures) findings.denials.push({ policy: policy.name, binding: binding.name, message: invocation.message, reason: '' });
    } else await invoke(core, invocation, request, findings);
  }
  publish(request, findings);
  const [first] = findings.denials;
  if (first !== undefined) throw denied(request, first);
}

async function invoke(core: Core, invocation: Invocation<ValidatingPolicy>, request: AdmissionRequest, findings: Findings): Promise<void> {
  const { policy, binding, version, params } = invocation;
  const { served } = request.scope;
  const inputs: Inputs = {
    request,
    version,
    params,
    object: await versioned(core, request.object, served, version),
    oldObject: await versioned(core, request.oldObject, served, version),
    namespace: namespaceObject(core, request),
  };
  const values = variableValues(core, inputs);
  const conditions = holdAll(policy.conditions, new Run(values, policy.variables, CEL_LIMITS.matchConditions));
  if (conditions.kind === 'noMatch') return;
  if (conditions.kind === 'failed') {
    if (!policy.ignoresFailures) act(policy, binding, { message: conditions.reason, reason: '', index: 0 }, request, findings);
    return;
  }
  const run = new Run(values, policy.variables, CEL_LIMITS.perRequest);
  for (const [index, validation] of policy.validations.entries()) {
    const verdict = judgeOne(policy, validation, run);
    if (verdict !== undefined) act(policy, binding, { ...verdict, index }, request, findings);
  }
  annotate(policy, binding, new Run(values, policy.variables, CEL_LIMITS.perRequest), findings);
}

function judgeOne(policy: ValidatingPolicy, validation: Validation, run: Run): { readonly message: string; readonly reason: string } | undefined {
  const outcome = run.evaluate(validation.compiled);
  if (outcome.kind === 'error') return policy.ignoresFailures ? undefined : { message: outcome.message, reason: '' };
  if (outcome.value === true) return undefined;
  return { message: messageOf(validation, run), reason: validation.reason ?? 'Invalid' };
}

function messageOf(validation: Validation, run: Run): string {
  const composed = validation.messageCompiled === undefined ? undefined : usable(run.evaluate(validation.messageCompiled));
  if (composed !== undefined) return composed;
  const message = validation.message.trim();
  return message === '' ? `failed expression: ${validation.expression.trim()}` : message;
}

// A message of several lines, of more than 5 KiB or without text gives way to the plain one.
function usable(outcome: Outcome): string | undefined {
  if (outcome.kind !== 'value' || typeof outcome.value !== 'string') return undefined;
  const text = outcome.value.trim();
  return text === '' || text.includes('\n') || Buffer.byteLength(text) > CEL_LIMITS.messageBytes ? undefined : text;
}

interface Verdict {
  readonly message: string;
  readonly reason: string;
  readonly index: number;
}

function act(policy: ValidatingPolicy, binding: Binding, { message, reason, index }: Verdict, request: AdmissionRequest, findings: Findings): void {
  for (const action of binding.actions) {
    if (action === 'Deny') findings.denials.push({ policy: policy.name, binding: binding.name, message, reason });
    else if (action === 'Warn') request.warn(`Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${message}`);
    else if (action === 'Audit')
      findings.failures.push({ message, policy: policy.name, binding: binding.name, expressionIndex: index, validationActions: binding.actions });
  }
}

const MAX_ANNOTATION = 10 * 1024;

function annotate(policy: ValidatingPolicy, binding: Binding, run: Run, findings: Findings): void {
  for (const { key, expression, compiled } of policy.annotations) {
    const outcome = run.evaluate(compiled);
    const deny = (message: string): void => void findings.denials.push({ policy: policy.name, binding: binding.name, message, reason: '' });
    if (outcome.kind === 'error') {
      if (!policy.ignoresFailures) deny(outcome.message);
    } else if (typeof outcome.value === 'string') {
      const text = outcome.value.trim().slice(0, MAX_ANNOTATION);
      if (text !== '') noteAnnotation(findings, `${policy.name}/${key}`, text);
    } else if (outcome.value !== null) deny(`valueExpression '${expression}' resulted in unsupported return type. Return type must be either string or null.`);
  }
}

function noteAnnotation({ annotations }: Findings, key: string, text: string): void {
  const texts = annotations.get(key) ?? new Set<string>();
  annotations.set(key, texts.add(text));
}

const MAX_FAILURES = 50;

function publish(request: AdmissionRequest, { annotations, failures }: Findings): void {
  for (const [key, texts] of annotations) request.annotate(key, [...texts].join(', '));
  if (failures.length > 0) request.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify(failures.slice(0, MAX_FAILURES)));
}

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413, Invalid: 422 };

function denied(request: AdmissionRequest, { policy, binding, message, reason }: Denial): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`;
  const { status } = refuse(request, text);
  const named = reason === '' ? 'Invalid' : reason;
  return new StatusError({
    ...status,
    reason: named,
    code: CODES[named] ?? 422,
    details: { ...status.details, causes: [{ message: text }] },
  });
}
