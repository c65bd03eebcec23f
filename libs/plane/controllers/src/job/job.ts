import type { Service } from '@tiphys/kernel';
import { cloneMutable, controllerOf, deepEqual, keyOf, parseKey, selectorOf, toKey, type batchv1, type corev1 } from '@tiphys/kube-model';
import { claim } from '../claim.ts';
import { createController, DONE, type ReconcileResult } from '../controller.ts';
import { KINDS, type ControllerDeps } from '../kinds.ts';
import { PendingWrites } from '../pending-writes.ts';
import { podFromTemplate } from '../pods.ts';
import { indexByOwner, orphansAndOwned, slowStart } from '../replicas.ts';
import { finishedCondition, INDEX_KEY, planJob } from './plan.ts';
import { deleteSame } from '../delete-same.ts';

/** Runs Jobs to completion or failure, and removes finished ones after their time to live. */
export function createJobController(deps: ControllerDeps): Service {
  const { client, informers, clock, logger } = deps;
  const jobs = informers.informer<batchv1.Job>({ type: KINDS.job });
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  indexByOwner(pods);
  const pending = new PendingWrites(pods);

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const job = jobs.get(name, namespace);
    if (job?.spec === undefined) {
      pending.forget(key);
      return DONE;
    }
    if (job.metadata.deletionTimestamp !== undefined || !pending.isSettled(key, clock.now())) return DONE;
    if (finishedCondition(job) !== undefined) return expire(job, signal);
    // The selector is made by the API server; without one only owned pods count.
    const selector = job.spec.selector === undefined ? [] : selectorOf(job.spec.selector);
    const candidates = selector.length === 0 ? [] : orphansAndOwned(pods, job, selector);
    const owned = await claim({ client, type: KINDS.pod, owner: job, ownerType: KINDS.job, selector, candidates, signal });
    const plan = planJob(job, owned, clock.now());
    const indexes = plan.create.slice();
    const failure = await slowStart(indexes.length, async () => {
      const index = indexes.shift();
      pending.created(key, await client.create<corev1.Pod>(KINDS.pod, jobPod(job, index), { signal }), clock.now());
    });
    for (const pod of plan.remove) await removePod(key, pod, signal);
    if (!deepEqual(plan.status, job.status)) await client.update(KINDS.job, { ...job, status: plan.status }, { subresource: 'status', signal });
    if (failure !== undefined) throw failure;
    return plan.requeueAfterMs === undefined ? DONE : { requeueAfterMs: plan.requeueAfterMs };
  }

  async function removePod(key: string, pod: corev1.Pod, signal: AbortSignal): Promise<void> {
    await deleteSame(client, KINDS.pod, pod, { signal });
    pending.deleted(key, pod, clock.now());
  }

  async function expire(job: batchv1.Job, signal: AbortSignal): Promise<ReconcileResult> {
    const ttl = job.spec?.ttlSecondsAfterFinished;
    const finishedAt = finishedCondition(job)?.lastTransitionTime;
    if (ttl === undefined || finishedAt === undefined) return DONE;
    const leftMs = Date.parse(finishedAt) + ttl * 1_000 - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await deleteSame(client, KINDS.job, job, { propagationPolicy: 'Foreground', signal });
    return DONE;
  }

  return createController({
    name: 'job',
    clock,
    logger,
    informers: [jobs, pods],
    reconcile,
    subscribe: (queue) => [
      jobs.onEvent(({ object }) => queue.add(keyOf(object))),
      pods.onEvent(({ object }) => {
        const owner = controllerOf(object);
        if (owner?.kind === 'Job') queue.add(toKey({ namespace: object.metadata.namespace, name: owner.name }));
      }),
    ],
  });
}

/** A pod of a Job; an indexed one is told its index by annotation, label, host name and environment. */
function jobPod(job: batchv1.Job, index: number | undefined): corev1.Pod {
  const pod = cloneMutable(podFromTemplate(job.spec?.template ?? {}, job));
  const { uid = '', name = '' } = job.metadata;
  pod.metadata.labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
    ...pod.metadata.labels,
  };
  if (index === undefined || pod.spec === undefined) return pod;
  pod.metadata.generateName = `${name}-${index}-`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [INDEX_KEY]: String(index) };
  pod.metadata.labels = { ...pod.metadata.labels, [INDEX_KEY]: String(index) };
  pod.spec.hostname ??= `${name}-${index}`;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    container.env = [...(container.env ?? []).filter((entry) => entry.name !== 'JOB_COMPLETION_INDEX'), { name: 'JOB_COMPLETION_INDEX', value: String(index) }];
  }
  return pod;
}
