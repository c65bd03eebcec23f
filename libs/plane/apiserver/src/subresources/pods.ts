import { toTimestamp } from '@tiphys/kernel';
import { fieldAt, matchesSelector, selectorOf, statusError, type corev1, type policyv1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import { asText, draftAs, type Draft } from '../draft.ts';
import { conflict, invalid, problem } from '../failures.ts';
import { mustGetEntry, parseStored, putObject, readAs } from '../registry/objects.ts';
import { deleteAdmitted, type DeleteRequest } from '../verbs/delete.ts';
import { withManagers } from '../verbs/managed.ts';

const success = (code: number): Record<string, unknown> => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code });

/** Gives a pod its node (`pods/binding`). */
export async function bindPod(core: Core, scope: Scope, binding: Draft, flags: WriteFlags): Promise<unknown> {
  const node = asText(fieldAt(binding, 'target', 'name')) ?? '';
  if (node === '') throw invalid('', 'Binding', scope.name, [problem.required('target.name')]);
  const podScope: Scope = { ...scope, subresource: 'binding' };
  const request = admissionRequest('CREATE', podScope, flags, { object: binding });
  await admitMutating(core, request);
  await admitWrite(core, request, () => assignNode(core, podScope, binding, flags));
  return success(201);
}

async function assignNode(core: Core, scope: Scope, binding: Draft, flags: WriteFlags): Promise<void> {
  const node = asText(fieldAt(binding, 'target', 'name')) ?? '';
  const entry = mustGetEntry(core, scope);
  const live = readAs(scope.served, entry.value);
  const pod = draftAs<corev1.Pod>(structuredClone(live));
  if (pod.metadata.deletionTimestamp !== undefined)
    throw conflict(scope.served, scope.name, `pod ${scope.name} is being deleted, cannot be assigned to a host`);
  if ((pod.spec?.nodeName ?? '') !== '') throw conflict(scope.served, scope.name, `pod ${scope.name} is already assigned to node "${pod.spec?.nodeName}"`);
  if ((pod.spec?.schedulingGates ?? []).length > 0) throw conflict(scope.served, scope.name, `pod ${scope.name} has non-empty .spec.schedulingGates`);
  if (pod.spec !== undefined) pod.spec.nodeName = node;
  const now = toTimestamp(core.clock.now());
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  pod.status = { ...pod.status, conditions: [...conditions, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }] };
  if (!flags.dryRun) await putObject(core, scope, withManagers(core, scope, flags, live, pod as unknown as Draft), entry); // A pod is a draft.
}

const RETRY_SECONDS = 10;

/** Deletes a pod unless a disruption budget forbids it (`pods/eviction`). */
export async function evictPod(core: Core, scope: Scope, eviction: Draft, request: DeleteRequest): Promise<unknown> {
  const attributes = admissionRequest('CREATE', scope, { warn: () => undefined, ...request.notes, dryRun: request.dryRun }, { object: eviction });
  await admitMutating(core, attributes);
  return await admitWrite(core, attributes, () => evict(core, scope, request));
}

async function evict(core: Core, scope: Scope, request: DeleteRequest): Promise<unknown> {
  const pod = draftAs<corev1.Pod>(readAs(scope.served, mustGetEntry(core, scope).value));
  const isDone =
    pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || pod.status?.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined;
  if (!isDone) checkBudgets(core, scope, pod as unknown as Draft);
  await deleteAdmitted(core, scope, request);
  return success(201);
}

function checkBudgets(core: Core, scope: Scope, pod: Draft): void {
  const budgets = core.store
    .list({ prefix: `/policy/poddisruptionbudgets/${scope.namespace ?? ''}/` })
    .entries.map((entry) => draftAs<policyv1.PodDisruptionBudget>(parseStored(entry.value)));
  const matching = budgets.filter(
    ({ spec }) => spec?.selector !== undefined && matchesSelector(selectorOf(spec.selector as Parameters<typeof selectorOf>[0]), pod.metadata.labels),
  );
  if (matching.length > 1)
    throw statusError('InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  const [budget] = matching;
  if (budget === undefined || (budget.status?.disruptionsAllowed ?? 0) > 0) return;
  const { name = '' } = budget.metadata;
  throw statusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [
      {
        reason: 'DisruptionBudget',
        message: `The disruption budget ${name} needs ${budget.status?.desiredHealthy ?? 0} healthy pods and has ${budget.status?.currentHealthy ?? 0} currently`,
      },
    ],
    retryAfterSeconds: RETRY_SECONDS,
  });
}
