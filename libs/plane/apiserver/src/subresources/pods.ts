import { toTimestamp } from '@tiphys/kernel';
import { fieldAt, type corev1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import { asText, draftAs, type Draft } from '../draft.ts';
import { conflict, invalid, problem } from '../failures.ts';
import { mustGetEntry, putObject, readAs } from '../registry/objects.ts';
import { withManagers } from '../verbs/managed.ts';

const success = (code: number): Record<string, unknown> => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code });

/** Gives a pod its node (`pods/binding`). */
export async function bindPod(core: Core, scope: Scope, binding: Draft, flags: WriteFlags): Promise<unknown> {
  checkTarget(scope, binding);
  const podScope: Scope = { ...scope, subresource: 'binding' };
  const request = admissionRequest('CREATE', podScope, flags, { object: binding });
  await admitMutating(core, request);
  await admitWrite(core, request, () => assignNode(core, podScope, binding, flags));
  return success(201);
}

function checkTarget(scope: Scope, binding: Draft): void {
  const kind = asText(fieldAt(binding, 'target', 'kind')) ?? '';
  const problems = [
    ...(kind === '' || kind === 'Node' ? [] : [problem.notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...((asText(fieldAt(binding, 'target', 'name')) ?? '') === '' ? [problem.required('target.name')] : []),
  ];
  if (problems.length > 0) throw invalid('', 'Binding', scope.name, problems);
}

async function assignNode(core: Core, scope: Scope, binding: Draft, flags: WriteFlags): Promise<void> {
  const node = asText(fieldAt(binding, 'target', 'name')) ?? '';
  const entry = mustGetEntry(core, scope);
  const live = readAs(scope.served, entry.value);
  const pod = draftAs<corev1.Pod>(structuredClone(live));
  const { uid = '', annotations } = binding.metadata;
  if (uid !== '' && uid !== pod.metadata.uid)
    throw conflict(scope.served, scope.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ''}`);
  if (pod.metadata.deletionTimestamp !== undefined)
    throw conflict(scope.served, scope.name, `pod ${scope.name} is being deleted, cannot be assigned to a host`);
  if ((pod.spec?.nodeName ?? '') !== '') throw conflict(scope.served, scope.name, `pod ${scope.name} is already assigned to node "${pod.spec?.nodeName}"`);
  if ((pod.spec?.schedulingGates ?? []).length > 0) throw conflict(scope.served, scope.name, `pod ${scope.name} has non-empty .spec.schedulingGates`);
  if (pod.spec !== undefined) pod.spec.nodeName = node;
  if (annotations !== undefined) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  const now = toTimestamp(core.clock.now());
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  pod.status = { ...pod.status, conditions: [...conditions, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }] };
  if (!flags.dryRun) await putObject(core, scope, withManagers(core, scope, flags, live, pod as unknown as Draft), entry); // A pod is a draft.
}
