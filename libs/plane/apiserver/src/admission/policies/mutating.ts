import { CEL_LIMITS } from '@tiphys/kube-cel';
import { schemaNodeOf, type SchemaNode } from '@tiphys/kube-patch';
import { deepEqual, StatusError } from '@tiphys/kube-model';
import { messageOf } from '@tiphys/kernel';
import type { Core } from '../../core.ts';
import type { Draft } from '../../draft.ts';
import type { ServedResource } from '../../registry/served.ts';
import { mergeSchemaOf } from '../../verbs/managed.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { refuse } from '../refuse.ts';
import { isReinvoked, roundsOf, wantReinvocation, type Rounds } from '../reinvocation.ts';
import { isDecidable } from '../webhooks/match.ts';
import { reshape } from '../webhooks/mutating.ts';
import { replaceDraft } from '../webhooks/review.ts';
import { holdAll, Run } from './expressions.ts';
import { invocationsOf, namespaceObject, versioned, type Invocation } from './invocations.ts';
import { applyConfiguration, applyPatchList } from './patches.ts';
import { mutatingPolicies, type MutatingPolicy } from './policy.ts';
import { variableValues } from './variables.ts';

/** Lets the mutating policies change the object, each seeing what those before it changed (apiserver admission/plugin/policy/mutating). */
export const mutatingAdmissionPolicy: AdmissionPlugin = {
  name: 'MutatingAdmissionPolicy',
  mutate(core, request) {
    const policies = mutatingPolicies(core);
    return policies.length === 0 || !isDecidable(request) ? undefined : mutateInTurn(core, policies, request);
  },
};

interface Refusal {
  readonly policy: MutatingPolicy;
  readonly binding: string;
  readonly message: string;
  readonly reason: string;
}

async function mutateInTurn(core: Core, policies: readonly MutatingPolicy[], request: AdmissionRequest): Promise<void> {
  const rounds = roundsOf(request, mutatingAdmissionPolicy.name);
  // A built-in plugin or webhook has changed what policies had seen.
  if (isReinvoked(request) && !deepEqual(rounds.output, request.object)) rounds.stale = new Set(rounds.asked);
  const refusals: Refusal[] = [];
  for (const invocation of await invocationsOf(core, policies, request)) {
    const { policy, binding } = invocation;
    const told = (message: string, reason: string): void => void refusals.push({ policy, binding: binding.name, message, reason });
    if ('message' in invocation) told(invocation.message, '');
    else for (const message of await invoke(core, invocation, request, rounds)) told(message, 'Invalid');
  }
  rounds.output = structuredClone(request.object);
  const counted = refusals.filter(({ policy }) => !policy.ignoresFailures);
  if (counted.length > 0) throw refused(request, counted);
}

async function invoke(core: Core, invocation: Invocation<MutatingPolicy>, request: AdmissionRequest, rounds: Rounds): Promise<readonly string[]> {
  const { policy, binding, params } = invocation;
  const key = JSON.stringify([policy.name, binding.name, params?.metadata.namespace ?? '', params?.metadata.name ?? '']);
  if (isReinvoked(request) && !rounds.stale.has(key)) return [];
  const before = structuredClone(request.object);
  const problems = await mutate(core, invocation, request);
  if (!deepEqual(before, request.object)) {
    wantReinvocation(request);
    rounds.stale = new Set(rounds.asked);
  }
  if (policy.reinvokes) rounds.asked.add(key);
  return problems;
}

async function mutate(core: Core, invocation: Invocation<MutatingPolicy>, request: AdmissionRequest): Promise<readonly string[]> {
  const { policy, version, params } = invocation;
  const { served } = request.scope;
  const oldObject = await versioned(core, request.oldObject, served, version);
  const problems: string[] = [];
  for (const [index, { kind, compiled }] of policy.mutations.entries()) {
    const object = structuredClone(await versioned(core, request.object, served, version));
    if (object === undefined || request.object === undefined) return problems;
    const values = variableValues(core, { request, version, params, object, oldObject, namespace: namespaceObject(core, request) });
    if (index === 0) {
      const conditions = holdAll(policy.conditions, new Run(values, policy.variables, CEL_LIMITS.matchConditions));
      if (conditions.kind === 'noMatch') return problems;
      if (conditions.kind === 'failed') return [conditions.reason];
    }
    const outcome = new Run(values, policy.variables, CEL_LIMITS.perRequest).evaluate(compiled);
    if (outcome.kind === 'error') {
      problems.push(outcome.message);
      continue;
    }
    const patched = kind === 'jsonPatch' ? applyPatchList(object, outcome.value) : applyConfiguration(object, outcome.value, nodeOf(version, object));
    const problem = typeof patched === 'string' ? patched : await accept(core, request, patched, version);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

// The object of a subresource, such as a Scale, is of a kind of its own.
function nodeOf(version: ServedResource, object: Draft): SchemaNode | undefined {
  return object.kind === version.kind ? mergeSchemaOf(version) : schemaNodeOf(object.apiVersion, object.kind);
}

// Makes the patched object the request's, unless it can no longer be read.
async function accept(core: Core, request: AdmissionRequest, patched: Draft, version: ServedResource): Promise<string | undefined> {
  const { object, scope } = request;
  if (object === undefined) return undefined;
  if (patched.kind !== object.kind) return `the patch changes the kind to ${patched.kind}`;
  const before = structuredClone(object);
  try {
    replaceDraft(object, structuredClone((await versioned(core, patched, version, scope.served)) ?? patched));
    reshape(request);
    return undefined;
  } catch (error) {
    replaceDraft(object, before);
    return messageOf(error);
  }
}

function refused(request: AdmissionRequest, refusals: readonly Refusal[]): StatusError {
  const texts = refusals.map(({ policy, binding, message }) => `policy '${policy.name}' with binding '${binding}' denied request: ${message}`);
  const { status } = refuse(request, 'admission request denied by policy');
  const reason = refusals[0]?.reason ?? '';
  return new StatusError({
    ...status,
    message: texts[0] ?? '',
    ...(reason === '' ? {} : { reason }),
    details: { ...status.details, causes: texts.map((message) => ({ message })) },
  });
}
