import { randomBytes, randomUUID } from 'node:crypto';
import {
  applicationType,
  crdManifests,
  isAutomated,
  isFinished,
  isRepoPermitted,
  normalizeRepoUrl,
  parseSyncRun,
  PIN_ANNOTATION,
  projectType,
  sourcesOf,
  syncRunType,
  type Application,
  type AppProject,
  type Pin,
  type SyncRun,
} from '@tiphys/delivery-applications';
import { RepositoryPoller, type PollState, type Repository, type RevisionMetadata } from '@tiphys/delivery-git';
import type { WantedChart } from '@tiphys/delivery-render';
import { planSync, watchUntil, type SyncPlan } from '@tiphys/delivery-sync';
import { isAbortError, WorkQueue, type Service } from '@tiphys/kernel';
import type { Informer, KubeClient } from '@tiphys/kube-client';
import { builtin, fieldAt, isStatus, toKey, type corev1, type KubeObject } from '@tiphys/kube-model';
import { ApplicationReconciler, currentRevisions } from './application-reconciler.ts';
import { isNews, sourcesIn } from './application-news.ts';
import { ChartSources } from './chart-sources.ts';
import { ClusterRegistry } from './cluster-registry.ts';
import type { ClusterState, DeliveryController, DeliveryControllerOptions, PlanOptions, RollbackRequest, SyncRequest } from './controller-types.ts';
import { accessFor } from './credentials.ts';
import { DeliveryError } from './delivery-error.ts';
import { compareRendered, renderSources, resolveTarget, revisionMetadata, type Evidence, type GatherDeps } from './gather.ts';
import { Outbox } from './outbox.ts';
import { rollbackTarget } from './rollback-target.ts';
import { planRequest, SHOWN_PLAN } from './plan-request.ts';
import { createResourceRules, type ResourceRules } from './resource-rules.ts';
import { resourceTree, type ResourceNode } from './resource-tree.ts';
import { createResourceActions, type ResourceActions } from './run-action.ts';
import { createRun, runsOf } from './runs.ts';
import { SECRET_TYPE_LABEL } from './secrets.ts';
import { SyncRunner } from './sync-runner.ts';

const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';

/** Wires the delivery side on top of one Kubernetes API. */
export function createDeliveryController(options: DeliveryControllerOptions): DeliveryController {
  return new Controller(options);
}

class Controller implements DeliveryController {
  readonly services: readonly Service[];
  readonly readServices: readonly Service[];
  readonly actions: ResourceActions;
  readonly rules: ResourceRules;
  readonly #options: DeliveryControllerOptions;
  readonly #namespace: string;
  readonly #applications: Informer;
  readonly #runs: Informer<SyncRun>;
  readonly #secrets: Informer<corev1.Secret>;
  readonly #projects: Informer<AppProject>;
  readonly #keys: WorkQueue;
  readonly #clusters: ClusterRegistry;
  readonly #poller: RepositoryPoller;
  readonly #reconciler: ApplicationReconciler;
  readonly #runner: SyncRunner;
  readonly #outbox: Outbox;
  /** Repositories by application. */
  readonly #urls = new Map<string, readonly string[]>();
  readonly #evidence = new Map<string, Evidence>();
  readonly #gather: GatherDeps;
  readonly #charts = new ChartSources();
  #isPerforming = false;

  constructor(options: DeliveryControllerOptions) {
    const { client, informers, clock, repositories, pollIntervalMs = 15_000 } = options;
    const logger = options.logger.child({ component: 'delivery' });
    const namespace = options.namespace ?? 'argocd';
    this.#options = options;
    this.#namespace = namespace;
    this.#applications = informers.informer({ type: applicationType, namespace });
    this.#runs = informers.informer<SyncRun>({ type: syncRunType, namespace });
    this.#projects = informers.informer<AppProject>({ type: projectType, namespace });
    this.#secrets = informers.informer<corev1.Secret>({ type: builtin('v1', 'Secret'), namespace });
    this.rules = createResourceRules({ scripts: options.scripts, informers, namespace, onChange: () => this.#enqueueAll() });
    this.#runs.addIndex('application', (run) => [String(fieldAt(run, 'spec', 'application'))]);
    this.#keys = new WorkQueue({ clock, rateLimit: { baseDelayMs: 50, maxDelayMs: 60_000 } });
    const onChange = (application: string): void => this.#keys.add(application);
    this.#clusters = new ClusterRegistry({ client, informers, secrets: this.#secrets, clock, logger, onChange });
    const openRepository = async (repoURL: string): Promise<Repository> => {
      const access = accessFor(repoURL, this.#secrets.list());
      return this.#charts.has(repoURL) ? this.#charts.open(repoURL, access) : repositories.open(repoURL, access);
    };
    this.#poller = new RepositoryPoller({
      open: openRepository,
      onMoved: ({ repoURL }) => this.#enqueueUsersOf(repoURL),
      onError: (repoURL) => this.#enqueueUsersOf(repoURL),
      intervalMs: pollIntervalMs,
      clock,
      logger,
      random: Math.random,
    });
    this.#gather = this.#createGather(openRepository);
    this.#reconciler = new ApplicationReconciler({
      ...this.#gather,
      client,
      applications: this.#applications,
      runs: this.#runs,
      clock,
      logger,
      random: Math.random,
      onRun: (run) => this.#ring(run),
      onCompared: (application, evidence) => this.#evidence.set(application, evidence),
    });
    this.#runner = new SyncRunner({
      ...this.#gather,
      client,
      clock,
      logger,
      identity: options.identity ?? randomUUID(),
      onSettled: onChange,
      ...(options.failpoint === undefined ? {} : { failpoint: options.failpoint }),
    });
    this.#outbox = new Outbox({ client, clock, logger, namespace, applications: this.#applications, runs: this.#runs, ring: (run) => this.#ring(run) });
    this.actions = createResourceActions({
      rules: this.rules,
      target: (name) => resolveTarget(this.#application(name), this.#gather),
      tree: (name, signal) => this.resourceTree(name, signal),
      clock,
      logger,
    });
    this.readServices = [this.#clusters, this.#poller];
    this.services = [
      ...this.readServices,
      { name: 'applications', run: (signal) => this.#runWorkers(signal) },
      { name: 'sync-runs', run: (signal) => this.#runQueue(signal) },
      this.#outbox,
    ];
    this.#subscribe();
  }

  #createGather(openRepository: GatherDeps['openRepository']): GatherDeps {
    return {
      projects: this.#projects,
      namespace: this.#namespace,
      clusters: this.#clusters,
      openRepository,
      poller: this.#poller,
      renderer: this.#options.renderer,
      fetchChart: (wanted, project, inner) => this.#fetchChart(wanted, project, inner),
      digestKey: randomBytes(32),
      rules: this.rules,
    };
  }

  // A dependency is fetched with the credentials of its repository, if the project lets its applications take anything from there.
  async #fetchChart(wanted: WantedChart, project: AppProject, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!/^(https?|oci):\/\//.test(wanted.repository) || !isRepoPermitted(project, wanted.repository)) return undefined;
    return this.#charts.fetch(wanted, accessFor(wanted.repository, this.#secrets.list()), signal);
  }

  async install(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const type = builtin('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
    for (const manifest of crdManifests()) {
      await client.patch(type, { name: manifest.metadata.name ?? '' }, manifest, { type: 'apply', fieldManager: 'tiphys', force: true, signal });
    }
    const isSettled = (_name: string, object: KubeObject | undefined): boolean => {
      const conditions = fieldAt(object, 'status', 'conditions');
      return (
        Array.isArray(conditions) &&
        conditions.some((condition: unknown) => fieldAt(condition, 'type') === 'Established' && fieldAt(condition, 'status') === 'True')
      );
    };
    await watchUntil(client, clock, { type, namespace: undefined, names: crdManifests().map((manifest) => manifest.metadata.name ?? ''), isSettled }, signal);
    const namespaces = builtin('v1', 'Namespace');
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.#namespace } }, { signal }).catch((error: unknown) => {
      if (!isStatus(error, 'AlreadyExists')) throw error;
    });
  }

  async waitForReady(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#applications, this.#runs, this.#projects, this.#secrets, this.rules].map((informer) => informer.waitForSync(signal)));
  }

  async refresh(name: string, { hard = false, signal }: { readonly hard?: boolean; readonly signal: AbortSignal }): Promise<void> {
    const application = this.#application(name);
    if (hard) this.#reconciler.markHard(name);
    if (!this.#isPerforming) await this.#askToRefresh(name, hard, signal);
    await Promise.all(sourcesOf(application.spec).map(({ repoURL }) => this.#poller.refresh(repoURL, signal)));
    this.#keys.add(name);
  }

  async #askToRefresh(name: string, hard: boolean, signal: AbortSignal): Promise<void> {
    const patch = { metadata: { annotations: { [REFRESH_ANNOTATION]: hard ? 'hard' : 'normal' } } };
    await this.#options.client.patch(applicationType, { name, namespace: this.#namespace }, patch, { type: 'merge', fieldManager: 'tiphys-api', signal });
  }

  evidence(application: string): Evidence | undefined {
    return this.#evidence.get(application);
  }

  async compare(name: string, { revisions, signal }: { readonly revisions?: readonly string[]; readonly signal: AbortSignal }): Promise<Evidence> {
    const application = this.#application(name);
    const sources = sourcesOf(application.spec).map((source, index) =>
      revisions?.[index] === undefined ? source : { ...source, targetRevision: revisions[index] },
    );
    const target = resolveTarget(application, this.#gather);
    const rendered = await renderSources(application, { sources, revisions: currentRevisions(sources, this.#gather) }, target.cluster, this.#gather, {
      signal,
    });
    return compareRendered(application, rendered, target, this.#gather, signal);
  }

  async plan(name: string, { options, signal, revisions }: PlanOptions): Promise<{ readonly plan: SyncPlan; readonly evidence: Evidence }> {
    const evidence = await this.compare(name, { signal, ...(revisions === undefined ? {} : { revisions }) });
    const request = await planRequest({ application: this.#application(name), runId: SHOWN_PLAN, options, cause: 'manual', evidence }, signal);
    return { plan: planSync(request), evidence };
  }

  async resourceTree(name: string, signal: AbortSignal): Promise<readonly ResourceNode[]> {
    const cluster = this.#clusters.resolve(this.#application(name).spec.destination);
    // A process that does not reconcile has no evidence yet; a source that cannot be rendered leaves what is tracked.
    const evidence = this.#evidence.get(name) ?? (await this.compare(name, { signal }).catch(() => undefined));
    const wanted = evidence?.comparison.resources.flatMap(({ ref }) => cluster.get(ref) ?? []) ?? [];
    return resourceTree(cluster, [...wanted, ...cluster.tracked(name)], this.rules.health, signal);
  }

  targetClient(name: string): KubeClient {
    return this.#clusters.resolve(this.#application(name).spec.destination).client;
  }

  clusters(): readonly ClusterState[] {
    return this.#clusters.states();
  }

  async requestSync(name: string, request: SyncRequest, signal: AbortSignal): Promise<SyncRun> {
    const application = this.#application(name);
    const sources = sourcesOf(application.spec);
    const wanted = sources.map((source, index) => ({ ...source, targetRevision: request.revisions?.[index] ?? source.targetRevision ?? '' }));
    const run = await createRun(
      application,
      {
        cause: 'manual',
        actor: request.actor,
        sources,
        revisions: currentRevisions(wanted, this.#gather),
        options: request.options ?? {},
        ...(request.info === undefined ? {} : { info: request.info }),
      },
      { client: this.#options.client, namespace: this.#namespace, random: Math.random },
      signal,
    );
    this.#ring(run);
    return run;
  }

  async rollback(name: string, request: RollbackRequest, signal: AbortSignal): Promise<SyncRun> {
    const application = this.#application(name);
    const target = rollbackTarget(application, request, (run) => this.#runs.get(run, this.#namespace));
    const { client } = this.#options;
    const prune = request.prune ?? application.spec.syncPolicy?.automated?.prune ?? false;
    const isDry = request.dryRun === true;
    const reason = request.reason === undefined || request.reason === '' ? undefined : request.reason;
    const run = await createRun(
      application,
      {
        cause: 'rollback',
        actor: request.actor,
        ...target,
        options: { prune, skipHooks: true, ...(isDry ? { dryRun: true } : {}) },
        ...(request.historyId === undefined ? {} : { rollbackTo: request.historyId }),
        ...(reason === undefined ? {} : { info: [{ name: 'Reason', value: reason }] }),
      },
      { client, namespace: this.#namespace, random: Math.random },
      signal,
    );
    // The pin stands before the run is rung for: automation never sees a rollback without it.
    if (!isDry && isAutomated(application.spec)) {
      const held = currentRevisions(sourcesOf(application.spec), this.#gather).join();
      const pin: Pin = {
        revision: target.revisions.join(),
        heldRevision: held,
        reason: reason ?? `rolled back by ${request.actor}`,
        until: request.until ?? 'next-commit',
        run: run.metadata.name ?? '',
      };
      await client.patch(
        applicationType,
        { name, namespace: this.#namespace },
        { metadata: { annotations: { [PIN_ANNOTATION]: JSON.stringify(pin) } } },
        { type: 'merge', fieldManager: 'tiphys-controller', signal },
      );
    }
    this.#ring(run);
    return run;
  }

  async terminate(name: string, signal: AbortSignal): Promise<SyncRun | undefined> {
    const run = this.runs(name).findLast((candidate) => !isFinished(candidate));
    if (run === undefined) return undefined;
    return this.#options.client.patch<SyncRun>(
      syncRunType,
      { name: run.metadata.name ?? '', namespace: this.#namespace },
      { spec: { terminate: true } },
      { type: 'merge', fieldManager: 'tiphys-api', signal },
    );
  }

  runs(application: string): readonly SyncRun[] {
    return runsOf(application, this.#runs);
  }

  hint(repoURL: string): number {
    if (!this.#isPerforming) this.#passHintOn(repoURL);
    return this.#poller.hint(repoURL);
  }

  #passHintOn(repoURL: string): void {
    const place = normalizeRepoUrl(repoURL);
    for (const [name, urls] of this.#urls) {
      if (!urls.some((url) => normalizeRepoUrl(url) === place)) continue;
      // A hint that is lost costs one poll interval.
      this.#askToRefresh(name, false, AbortSignal.timeout(10_000)).catch((error: unknown) =>
        this.#options.logger.debug({ application: name, err: error }, 'hint could not be passed on'),
      );
    }
  }

  repositoryStates(): readonly PollState[] {
    return this.#poller.states();
  }

  revisionMetadata(application: string, revision: string, signal: AbortSignal): Promise<RevisionMetadata> {
    return revisionMetadata(this.#application(application), revision, this.#gather, signal);
  }

  #application(name: string): Application {
    const stored = this.#applications.get(name, this.#namespace);
    if (stored === undefined) throw new DeliveryError({ code: 'notFound' }, `application ${name}: not found`);
    // Callers need its name, sources and policy; the reconciler judges the rest.
    return stored as Application;
  }

  #subscribe(): void {
    this.#applications.onEvent((event) => {
      const name = event.object.metadata.name ?? '';
      if (event.type !== 'deleted' && event.object.metadata.annotations?.[REFRESH_ANNOTATION] !== undefined) this.#refreshAsked(event.object);
      if (event.type === 'deleted') {
        this.#evidence.delete(name);
        this.#urls.delete(name);
        this.#charts.setApplication(name, []);
      } else {
        const sources = sourcesIn(event.object);
        this.#charts.setApplication(name, sources);
        this.#urls.set(
          name,
          sources.map(({ repoURL }) => repoURL),
        );
      }
      if (event.type !== 'updated' || isNews(event.old, event.object)) this.#keys.add(name);
      if (event.type !== 'updated' || isNews(event.old, event.object)) this.#poller.setRepositories([...this.#urls.values()].flat());
    });
    this.#runs.onEvent((event) => {
      const application = fieldAt(event.object, 'spec', 'application');
      if (event.type === 'deleted' || typeof application !== 'string') return;
      if (isFinished(event.object)) this.#keys.add(application);
      else if (event.type === 'added' || event.object.spec.terminate === true) this.#ring(event.object);
      if (event.object.spec.terminate === true) this.#runner.terminate(event.object.metadata.name ?? '');
    });
    this.#projects.onEvent(() => this.#enqueueAll());
    this.#secrets.onEvent((event) => {
      if (event.object.metadata.labels?.[SECRET_TYPE_LABEL] === undefined) return;
      this.#enqueueAll();
      // Credentials may be what was missing.
      for (const { repoURL } of this.#poller.states()) this.#poller.hint(repoURL);
    });
    this.#options.queue.onAvailable(() => this.#outbox.scan());
  }

  // Somebody asked by annotation, as Argo CD's users and our own API server do: look now, and take the question away.
  #refreshAsked(application: KubeObject): void {
    if (!this.#isPerforming) return;
    const name = application.metadata.name ?? '';
    if (application.metadata.annotations?.[REFRESH_ANNOTATION] === 'hard') this.#reconciler.markHard(name);
    for (const { repoURL } of sourcesIn(application)) this.#poller.hint(repoURL);
    this.#keys.add(name);
    const patch = { metadata: { annotations: { [REFRESH_ANNOTATION]: null } } };
    const { client, logger } = this.#options;
    // Unheard failures only mean that the question is asked again by the next event.
    client
      .patch(applicationType, { name, namespace: this.#namespace }, patch, {
        type: 'merge',
        fieldManager: 'tiphys-controller',
        signal: AbortSignal.timeout(10_000),
      })
      .catch((error: unknown) => logger.debug({ application: name, err: error }, 'refresh annotation stays'));
  }

  #enqueueAll(): void {
    for (const application of this.#applications.list()) this.#keys.add(application.metadata.name ?? '');
  }

  #enqueueUsersOf(repoURL: string): void {
    for (const [application, urls] of this.#urls) if (urls.includes(repoURL)) this.#keys.add(application);
  }

  #ring(run: SyncRun): void {
    if (parseSyncRun(run).kind === 'invalid') return;
    this.#options.queue.add({ application: run.spec.application, runId: run.metadata.name ?? '' }).catch((error: unknown) => {
      this.#options.logger.info({ run: toKey({ name: run.metadata.name ?? '' }), err: error }, 'queue cannot be reached; the run waits in the ledger');
    });
  }

  async #runQueue(signal: AbortSignal): Promise<void> {
    await this.waitForReady(signal);
    await this.#options.queue.process((job, inner) => this.#runner.handle(job, inner), { signal, concurrency: this.#options.runsAtOnce ?? 10 });
  }

  async #runWorkers(signal: AbortSignal): Promise<void> {
    this.#isPerforming = true;
    await this.waitForReady(signal);
    await Promise.all(Array.from({ length: this.#options.workers ?? 8 }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#keys.get(signal).catch(() => undefined); // Aborted: the worker ends.
      if (key === undefined) return;
      try {
        const result = await this.#reconciler.reconcile(key, signal);
        this.#keys.forget(key);
        if (result.kind === 'requeueAfter') this.#keys.addAfter(key, result.afterMs);
      } catch (error) {
        if (!isAbortError(error) && !signal.aborted) {
          this.#options.logger.warn({ application: key, err: error }, 'application could not be reconciled');
          this.#keys.addRateLimited(key);
        }
      } finally {
        this.#keys.done(key);
      }
    }
  }
}
