import { resourceSyncOptions, roleOf, RUN_ANNOTATION, waveOf, type HookPhase } from '@tiphys/delivery-applications';
import { fnv32a, refOf, type KubeObject } from '@tiphys/kube-model';
import { taskId, toSteps } from './order-steps.ts';
import type { PlanRequest, SyncPhase, SyncPlan, SyncTask } from './plan.ts';

/** Keeps a hook's object until its end has been recorded, whatever deletes it meanwhile (gitops-engine pkg/sync/hook HookFinalizer). */
export const HOOK_FINALIZER = 'argocd.argoproj.io/hook-finalizer';

type HookRequest = Pick<PlanRequest, 'application' | 'desired' | 'runId' | 'revision' | 'syncOptions' | 'isJudged'>;

/** The hooks among the desired objects that run in some of the phases. */
export function hookTasks(request: HookRequest, phases: readonly HookPhase[]): readonly SyncTask[] {
  return request.desired.flatMap((object) => {
    const role = roleOf(object);
    if (role.kind !== 'hook') return [];
    return role.phases
      .filter((phase) => phases.includes(phase))
      .map((phase) => {
        const hook = hookObject(object, phase, request);
        const ref = refOf(hook);
        return {
          id: taskId(phase, 'hook', ref),
          phase,
          action: 'hook',
          ref,
          wave: waveOf(object),
          object: hook,
          deletePolicies: role.deletePolicies,
          options: resourceSyncOptions(object, request.syncOptions),
        };
      });
  });
}

/** The hooks an application runs while it is deleted, before or after its objects go. */
export function planDeletionHooks(request: HookRequest, phase: 'PreDelete' | 'PostDelete'): SyncPlan {
  return { application: request.application, runId: request.runId, steps: toSteps(hookTasks(request, [phase])), onFailure: [], hash: '' };
}

// A hook is known by its run: a second start of the same run finds its own hooks instead of making new ones.
function hookObject(object: KubeObject, phase: SyncPhase, { runId, revision, isJudged }: HookRequest): KubeObject {
  const { generateName, ...metadata } = object.metadata;
  const suffix = fnv32a(runId).toString(36);
  const name = metadata.name ?? `${generateName ?? 'hook-'}${revision.slice(0, 7)}-${phase.toLowerCase()}-${suffix}`.slice(-63).replace(/^[^a-z0-9]+/, '');
  const annotations = { ...metadata.annotations, [RUN_ANNOTATION]: runId };
  // What is done as soon as it is there cannot vanish before its end is seen.
  const finalizers = isJudged(object) ? [...new Set([...(metadata.finalizers ?? []), HOOK_FINALIZER])] : metadata.finalizers;
  return { ...object, metadata: { ...metadata, name, annotations, ...(finalizers === undefined ? {} : { finalizers }) } };
}
