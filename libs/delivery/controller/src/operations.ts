import {
  applicationType,
  instanceKey,
  isAutomated,
  isFinished,
  PIN_ANNOTATION,
  sourcesOf,
  syncRunType,
  type Application,
  type Pin,
  type SyncRun,
} from '@tiphys/delivery-applications';
import type { Clock } from '@tiphys/kernel';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import { isStatus } from '@tiphys/kube-model';
import type { RollbackRequest, SyncRequest, SyncWindowsState } from './controller-types.ts';
import { DeliveryError } from './delivery-error.ts';
import { resolveTarget, type GatherDeps } from './gather.ts';
import { mustAdmitManifests } from './local-manifests.ts';
import { currentRevisions } from './revisions.ts';
import { rollbackTarget } from './rollback-target.ts';
import { createRun, runsOf } from './runs.ts';
import { judgeWindows, windowAnswer, windowsOf } from './sync-windows.ts';

/** What operations work with. */
export interface OperationsDeps extends GatherDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly runs: Lister<SyncRun>;
  /** Throws DeliveryError `notFound`. */
  readonly application: (instance: string) => Application;
  readonly onRun: (run: SyncRun) => void;
}

/** What people ask of applications: sync, roll back, end what runs. Each becomes a durable run before anything else happens. */
export class Operations {
  readonly #deps: OperationsDeps;

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
  }

  /** Throws DeliveryError `invalidSpec` or `blocked`. */
  async sync(instance: string, request: SyncRequest, signal: AbortSignal): Promise<SyncRun> {
    const application = this.#deps.application(instance);
    const { options = {} } = request;
    mustAdmitManifests(application, options);
    this.#mustBeOpen(application, options.dryRun === true);
    const sources = sourcesOf(application.spec);
    const wanted = sources.map((source, index) => ({ ...source, targetRevision: request.revisions?.[index] ?? source.targetRevision ?? '' }));
    // Without a word about retries the application's own hold (application.go Sync).
    const { retry } = application.spec.syncPolicy ?? {};
    const run = await this.#create(
      application,
      {
        cause: 'manual',
        actor: request.actor,
        sources,
        revisions: currentRevisions(wanted, this.#deps),
        targetRevisions: wanted.map(({ targetRevision }) => targetRevision),
        options: { ...(retry === undefined || options.dryRun === true ? {} : { retry }), ...options },
        ...(request.info === undefined ? {} : { info: request.info }),
      },
      signal,
    );
    this.#deps.onRun(run);
    return run;
  }

  /** Throws DeliveryError `notFound` or `blocked`. */
  async rollback(instance: string, request: RollbackRequest, signal: AbortSignal): Promise<SyncRun> {
    const { client, runs, namespace, onRun } = this.#deps;
    const application = this.#deps.application(instance);
    const target = rollbackTarget(instance, application, request, (run) => runs.get(run, namespace));
    const prune = request.prune ?? application.spec.syncPolicy?.automated?.prune ?? false;
    const isDry = request.dryRun === true;
    this.#mustBeOpen(application, isDry);
    const reason = request.reason === undefined || request.reason === '' ? undefined : request.reason;
    const run = await this.#create(
      application,
      {
        cause: 'rollback',
        actor: request.actor,
        ...target,
        options: { prune, skipHooks: true, ...(isDry ? { dryRun: true } : {}) },
        ...(request.historyId === undefined ? {} : { rollbackTo: request.historyId }),
        ...(reason === undefined ? {} : { info: [{ name: 'Reason', value: reason }] }),
      },
      signal,
    );
    // The pin stands before the run is rung for: automation never sees a rollback without it.
    if (!isDry && isAutomated(application.spec)) {
      const pin: Pin = {
        revision: target.revisions.join(),
        heldRevision: currentRevisions(sourcesOf(application.spec), this.#deps).join(),
        reason: reason ?? `rolled back by ${request.actor}`,
        until: request.until ?? 'next-commit',
        run: run.metadata.name ?? '',
      };
      const patch = { metadata: { annotations: { [PIN_ANNOTATION]: JSON.stringify(pin) } } };
      await client.patch(applicationType, instanceKey(instance, namespace), patch, { type: 'merge', fieldManager: 'tiphys-controller', signal });
    }
    onRun(run);
    return run;
  }

  /** Ends the oldest run that has not ended; undefined when there is none. */
  async terminate(instance: string, signal: AbortSignal): Promise<SyncRun | undefined> {
    const { client, runs, namespace } = this.#deps;
    const run = runsOf(instance, runs).findLast((candidate) => !isFinished(candidate));
    if (run === undefined) return undefined;
    const name = run.metadata.name ?? '';
    const ended = await client.patch<SyncRun>(
      syncRunType,
      { name, namespace },
      { spec: { terminate: true } },
      { type: 'merge', fieldManager: 'tiphys-api', signal },
    );
    const { operationState } = this.#deps.application(instance).status ?? {};
    if (operationState?.run === name && operationState.finishedAt === undefined) await this.#showTerminating(instance, operationState.startedAt, signal);
    return ended;
  }

  // Only the start it was read with: an operation that began meanwhile is another one.
  async #showTerminating(instance: string, startedAt: string, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#deps;
    const patch = [
      { op: 'test', path: '/status/operationState/startedAt', value: startedAt },
      { op: 'test', path: '/status/operationState/phase', value: 'Running' },
      { op: 'replace', path: '/status/operationState/phase', value: 'Terminating' },
    ];
    try {
      await client.patch(applicationType, instanceKey(instance, namespace), patch, { type: 'json', fieldManager: 'tiphys-api', signal });
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict', 'Invalid', 'BadRequest')) throw error;
    }
  }

  /** How the sync windows of an application stand. Throws DeliveryError when its project or cluster is unknown. */
  windows(instance: string): SyncWindowsState {
    const application = this.#deps.application(instance);
    const { project, cluster } = resolveTarget(application, this.#deps);
    const nowMs = this.#deps.clock.now();
    const windows = windowsOf(project, application, cluster);
    const { allowsManual, allowsAutomatic } = judgeWindows(windows, nowMs);
    const assignedWindows = windows.map((window) => windowAnswer(window, nowMs));
    return { assignedWindows, activeWindows: assignedWindows.filter(({ isActive }) => isActive), canSync: allowsManual, canAutoSync: allowsAutomatic };
  }

  #create(application: Application, request: Parameters<typeof createRun>[1], signal: AbortSignal): Promise<SyncRun> {
    const { client, namespace } = this.#deps;
    if (application.metadata.deletionTimestamp !== undefined)
      throw new DeliveryError({ code: 'invalidSpec' }, `application ${application.metadata.name ?? ''}: is being deleted`);
    return createRun(application, request, { client, namespace, random: Math.random }, signal);
  }

  #mustBeOpen(application: Application, isDry: boolean): void {
    if (isDry) return;
    const { project, cluster } = resolveTarget(application, this.#deps);
    const { allowsManual, message } = judgeWindows(windowsOf(project, application, cluster), this.#deps.clock.now());
    if (allowsManual) return;
    throw new DeliveryError({ code: 'blocked' }, `application ${application.metadata.name ?? ''}: cannot sync: blocked by sync window: ${message}`, {
      hint: 'tiphys proj windows list shows when it opens; manualSync on the window lets people sync',
    });
  }
}
