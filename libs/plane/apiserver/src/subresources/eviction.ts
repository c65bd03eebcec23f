import { toTimestamp } from '@tiphys/kernel';
import { isStatus, matchesSelector, selectorOf, statusError, type corev1, type policyv1, type StatusError } from '@tiphys/kube-model';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import { createView } from '../admission/view.ts';
import type { Core, Scope } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { forbidden } from '../failures.ts';
import { mustGetEntry, parseStored, putObject, readAs } from '../registry/objects.ts';
import { deleteAdmitted, type DeleteRequest } from '../verbs/delete.ts';

type Budget = policyv1.PodDisruptionBudget;
type Pod = ReturnType<typeof draftAs<corev1.Pod>>;

const PREFIX = '/policy/poddisruptionbudgets/';
const RETRY_SECONDS = 10;
const ATTEMPTS = 20;
const MAX_DISRUPTED_PODS = 2_000;

const budgetsOf = createView((objects) => objects.map((object) => draftAs<Budget>(object) as Budget)); // Read only.

/** Deletes a pod unless a disruption budget forbids it (`pods/eviction`, registry/core/pod/storage/eviction.go). */
export async function evictPod(core: Core, scope: Scope, eviction: Draft, request: DeleteRequest): Promise<unknown> {
  const attributes = admissionRequest('CREATE', scope, { warn: () => undefined, ...request.notes, dryRun: request.dryRun }, { object: eviction });
  await admitMutating(core, attributes);
  await admitWrite(core, attributes, () => evict(core, scope, request));
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

async function evict(core: Core, scope: Scope, request: DeleteRequest): Promise<void> {
  const pod = draftAs<corev1.Pod>(readAs(scope.served, mustGetEntry(core, scope).value));
  if (!isEndedAnyway(pod)) await askBudget(core, scope, pod, request.dryRun);
  if (!request.dryRun) await markDisrupted(core, scope);
  await deleteAdmitted(core, scope, request);
}

// Who has ended, is ending or has not begun is no loss.
function isEndedAnyway({ status, metadata }: Pod): boolean {
  return ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '') || metadata.deletionTimestamp !== undefined;
}

async function askBudget(core: Core, scope: Scope, pod: Pod, dryRun: boolean): Promise<void> {
  const matching = budgetsOf(core, `${PREFIX}${scope.namespace ?? ''}/`).filter(
    ({ spec }) => spec?.selector !== undefined && matchesSelector(selectorOf(spec.selector), pod.metadata.labels),
  );
  if (matching.length > 1)
    throw statusError('InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  const [budget] = matching;
  if (budget === undefined || isNoLoss(budget, pod)) return;
  await takeOne(core, scope, budget.metadata.name ?? '', dryRun);
}

// A pod that is not ready anyway may go: always, or as long as the others are enough (KEP-3017).
function isNoLoss({ spec, status }: Budget, pod: Pod): boolean {
  if (pod.status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** Counts one disruption down, so that two evictions at once do not both take the last. Throws 429 when none is left. */
async function takeOne(core: Core, scope: Scope, name: string, dryRun: boolean): Promise<void> {
  const served = core.catalog.find('policy', 'v1', 'poddisruptionbudgets');
  if (served === undefined) return;
  const budgetScope: Scope = { ...scope, served, name, subresource: 'status' };
  for (let attempt = 1; ; attempt += 1) {
    const entry = core.store.get(`${PREFIX}${scope.namespace ?? ''}/${name}`);
    if (entry === undefined) return;
    const draft = structuredClone(parseStored(entry.value));
    const budget = draftAs<Budget>(draft);
    const { generation = 0 } = budget.metadata;
    const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = budget.status ?? {};
    if (observedGeneration < generation) throw tooMany(`The disruption budget ${name} is still being processed by the server.`);
    if (disruptionsAllowed < 0) throw forbidden(budgetScope.served, name, 'pdb disruptions allowed is negative');
    if (Object.keys(disruptedPods).length > MAX_DISRUPTED_PODS)
      throw forbidden(budgetScope.served, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
    if (disruptionsAllowed === 0)
      throw tooMany(
        `The disruption budget ${name} needs ${budget.status?.desiredHealthy ?? 0} healthy pods and has ${budget.status?.currentHealthy ?? 0} currently`,
      );
    if (dryRun) return;
    draft.status = {
      ...budget.status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [scope.name]: toTimestamp(core.clock.now()) },
    };
    try {
      await putObject(core, budgetScope, draft, entry);
      return;
    } catch (error) {
      if (attempt >= ATTEMPTS || !isStatus(error, 'Conflict')) throw error;
    }
  }
}

function tooMany(message: string): StatusError {
  return statusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
    retryAfterSeconds: RETRY_SECONDS,
  });
}

// Who watches the pod can tell an eviction from a failure (KEP-3329).
async function markDisrupted(core: Core, scope: Scope): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const entry = mustGetEntry(core, scope);
    const draft = structuredClone(parseStored(entry.value));
    const pod = draftAs<corev1.Pod>(draft);
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
    const lastTransitionTime = toTimestamp(core.clock.now());
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', lastTransitionTime };
    pod.status = { ...pod.status, conditions: [...conditions, condition] };
    try {
      await putObject(core, { ...scope, subresource: 'status' }, draft, entry);
      return;
    } catch (error) {
      if (attempt >= ATTEMPTS || !isStatus(error, 'Conflict')) throw error;
    }
  }
}
