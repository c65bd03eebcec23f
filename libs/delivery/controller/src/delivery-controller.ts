import { randomBytes, randomUUID } from 'node:crypto';
import { instanceKey, isFinished, parseSyncRun, sourcesOf, type Application, type SyncRun } from '@tiphys/delivery-applications';
import { RepositoryPoller, type PollState, type RevisionMetadata } from '@tiphys/delivery-git';
import { createInProcessQueue, type JobHandler, type JobQueue } from '@tiphys/delivery-queue';
import { planSync, type SyncPlan } from '@tiphys/delivery-sync';
import { WorkQueue, type Service } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { ApplicationDeleter } from './application-deleter.ts';
import { isNews } from './application-news.ts';
import type { ApplicationIndex } from './application-index.ts';
import { ApplicationReconciler } from './application-reconciler.ts';
import { createCaches, type Caches } from './caches.ts';
import { ChartSources } from './chart-sources.ts';
import { ClusterRegistry } from './cluster-registry.ts';
import type {
  ClusterState,
  DeliveryController,
  DeliveryControllerOptions,
  RollbackRequest,
  SyncRequest,
  SyncWindowsState,
  PlanOptions,
} from './controller-types.ts';
import { DeliveryError } from './delivery-error.ts';
import { compareRendered, reachOf, renderLocal, renderSources, resolveTarget, revisionMetadata, type Evidence, type GatherDeps } from './gather.ts';
import { EventThrottle } from './event-throttle.ts';
import { installDefinitions } from './install.ts';
import { readLocalManifests } from './local-manifests.ts';
import { MovedSources } from './moved-sources.ts';
import { Operations } from './operations.ts';
import { Outbox } from './outbox.ts';
import { openRemoteBases } from './remote-bases.ts';
import { fetchRemoteFiles } from './remote-files.ts';
import { planRequest, shownSubject } from './plan-request.ts';
import { releaseProjects } from './project-guard.ts';
import { askToRefresh, refreshAsked } from './refresh-request.ts';
import { RepositoryAccess } from './repository-access.ts';
import { RepositoryUsers } from './repository-users.ts';
import { createResourceRules, type ResourceRules } from './resource-rules.ts';
import { resourceTree, type ResourceNode } from './resource-tree.ts';
import { currentRevisions, sourcesAt } from './revisions.ts';
import { actionTarget, createResourceActions, type ResourceActions } from './run-action.ts';
import { runsOf } from './runs.ts';
import { SECRET_TYPE_LABEL } from './secrets.ts';
import { parseSettings, SETTINGS_CONFIG_MAP, type DeliverySettings } from './settings.ts';
import { ApplicationSetController } from './sets/application-set-controller.ts';
import { SyncRunner } from './sync-runner.ts';
import { whenReady } from './when-ready.ts';
import { workKeys } from './work-keys.ts';

// Runs mostly wait, for health or for people: a run that does must not hold up another application.
const RUNS_AT_ONCE = 200;
const HINT_MS = 10_000;
const MOVED_MS = 60_000;

/** Wires the delivery side on top of one Kubernetes API. */
export function createDeliveryController(options: DeliveryControllerOptions): DeliveryController {
  return new Controller(options);
}

class Controller implements DeliveryController {
  readonly services: readonly Service[];
  readonly readServices: readonly Service[];
  readonly applications: ApplicationIndex;
  readonly actions: ResourceActions;
  readonly rules: ResourceRules;
  readonly #options: DeliveryControllerOptions;
  readonly #namespace: string;
  readonly #caches: Caches;
  readonly #keys: WorkQueue;
  readonly #clusters: ClusterRegistry;
  readonly #poller: RepositoryPoller;
  readonly #reconciler: ApplicationReconciler;
  readonly #runner: SyncRunner;
  readonly sets: ApplicationSetController;
  readonly #operations: Operations;
  readonly #outbox: Outbox;
  /** Takes the jobs of a queue that cannot be used. */
  readonly #spare: JobQueue;
  readonly #evidence = new Map<string, Evidence>();
  readonly #gather: GatherDeps;
  readonly #charts = new ChartSources();
  readonly #access: RepositoryAccess;
  readonly #users: RepositoryUsers;
  readonly #moved: MovedSources;
  #settings: DeliverySettings = parseSettings(undefined);
  #isPerforming = false;

  constructor(options: DeliveryControllerOptions) {
    const { client, informers, clock } = options;
    const logger = options.logger.child({ component: 'delivery' });
    const namespace = options.namespace ?? 'argocd';
    this.#options = { ...options, logger };
    this.#namespace = namespace;
    this.#caches = createCaches(options, namespace);
    this.applications = this.#caches.applications;
    this.rules = createResourceRules({ scripts: options.scripts, informers, namespace, onChange: () => this.#enqueueAll() });
    this.#keys = new WorkQueue({ clock, rateLimit: { baseDelayMs: 50, maxDelayMs: 60_000 } });
    const throttle = new EventThrottle(this.#keys, clock);
    this.#clusters = new ClusterRegistry({
      client,
      informers,
      secrets: this.#caches.secrets,
      clock,
      logger,
      hasHealthRule: this.rules.health.hasRule,
      onChange: (application) => throttle.add(application),
    });
    this.#access = new RepositoryAccess({ ...this.#caches, charts: this.#charts, repositories: options.repositories });
    this.#poller = this.#createPoller();
    this.#spare = createInProcessQueue({ clock });
    this.#users = new RepositoryUsers(this.#poller, this.#charts);
    this.#moved = new MovedSources({ keys: this.#keys, access: this.#access, applications: this.applications, poller: this.#poller, clock });
    this.#gather = this.#createGather();
    this.#reconciler = this.#createReconciler();
    this.#runner = this.#createRunner();
    this.sets = this.#createSets();
    this.#operations = new Operations({
      ...this.#gather,
      client,
      clock,
      runs: this.#caches.runs,
      application: (instance) => this.#application(instance),
      onRun: (run) => this.#ring(run),
    });
    this.#outbox = new Outbox({
      client,
      clock,
      logger,
      namespace,
      applications: this.applications,
      runs: this.#caches.runs,
      ring: (run) => this.#ring(run),
      runHistoryLimit: () => this.#settings.runHistoryLimit,
    });
    this.actions = createResourceActions({
      rules: this.rules,
      target: (name) => actionTarget(this.#application(name), this.#gather),
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
      this.sets,
    ];
    this.#subscribe();
  }

  #createPoller(): RepositoryPoller {
    const { clock, logger, pollIntervalMs = 15_000 } = this.#options;
    const tellUsers = (repoURL: string): void => this.#users.of(repoURL).forEach((application) => this.#keys.add(application));
    return new RepositoryPoller({
      open: (repoURL) => this.#access.open(repoURL),
      onMoved: ({ repoURL }) => {
        void this.#moved.moved(this.#users.of(repoURL), repoURL, AbortSignal.timeout(MOVED_MS)); // Does not reject.
        this.sets.repositoryMoved(repoURL);
      },
      onError: tellUsers,
      intervalMs: pollIntervalMs,
      clock,
      logger,
      random: Math.random,
    });
  }

  #createGather(): GatherDeps {
    const { clock, remoteBases: allowed = [], pollIntervalMs: maxAgeMs = 15_000 } = this.#options;
    return {
      projects: this.#caches.projects,
      namespace: this.#namespace,
      settings: () => this.#settings,
      clusters: this.#clusters,
      openRepository: (repoURL) => this.#access.open(repoURL),
      poller: this.#poller,
      renderer: this.#options.renderer,
      fetchChart: (wanted, project, inner) => this.#access.fetchChart(wanted, project, inner),
      openRemote: openRemoteBases({ allowed, maxAgeMs, clock, openRepository: (repoURL) => this.#access.open(repoURL) }),
      fetchFile: fetchRemoteFiles({ allowed, maxAgeMs, clock }),
      trust: () => this.#access.trust(),
      digestKey: randomBytes(32),
      rules: this.rules,
    };
  }

  #createSets(): ApplicationSetController {
    return new ApplicationSetController({
      ...this.#options,
      ...this.#gather,
      logger: this.#options.logger.child({ component: 'application-sets' }),
      generatorUrls: this.#options.generatorUrls ?? [],
      ...this.#caches,
      check: (application) => void resolveTarget(application, this.#gather),
      onRepositories: (urls) => this.#users.setOthers(urls),
    });
  }

  #createReconciler(): ApplicationReconciler {
    const { client, clock, logger, failpoint } = this.#options;
    const { runs } = this.#caches;
    return new ApplicationReconciler({
      ...this.#gather,
      client,
      applications: this.applications,
      deleter: new ApplicationDeleter({ ...this.#gather, client, runs, clock, logger, ...(failpoint === undefined ? {} : { failpoint }) }),
      runs,
      clock,
      logger,
      random: Math.random,
      onRun: (run) => this.#ring(run),
      onSuperseded: (run) => {
        this.#runner.supersede(run.metadata.name ?? '');
        // Rung before its time it finds that it is superseded, and makes room.
        if (run.status?.nextAttemptAt !== undefined) this.#ring(run);
      },
      onCompared: (application, evidence) => this.#evidence.set(application, evidence),
      requeue: (application, afterMs) => this.#keys.addAfter(application, afterMs),
      ...(failpoint === undefined ? {} : { failpoint }),
    });
  }

  #createRunner(): SyncRunner {
    const { client, clock, logger, identity = randomUUID(), failpoint } = this.#options;
    return new SyncRunner({
      ...this.#gather,
      client,
      clock,
      logger,
      identity,
      onSettled: (application) => this.#keys.add(application),
      applicationExists: (instance) => this.applications.get(instance) !== undefined,
      ...(failpoint === undefined ? {} : { failpoint }),
    });
  }

  install(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    return installDefinitions({ client, clock, namespace: this.#namespace }, signal);
  }

  async waitForReady(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#caches.waitForSync(signal), this.rules.waitForSync(signal)]);
  }

  async refresh(instance: string, { hard = false, signal }: { readonly hard?: boolean; readonly signal: AbortSignal }): Promise<void> {
    const application = this.#application(instance);
    if (hard) this.#reconciler.markHard(instance);
    if (!this.#isPerforming) await askToRefresh(this.#options.client, instanceKey(instance, this.#namespace), hard ? 'hard' : 'normal', signal);
    await Promise.all(sourcesOf(application.spec).map(({ repoURL }) => this.#poller.refresh(repoURL, signal)));
    this.#keys.add(instance);
  }

  evidence(instance: string): Evidence | undefined {
    return this.#evidence.get(instance);
  }

  async compare(
    instance: string,
    { signal, revisions, manifests }: { readonly revisions?: readonly string[]; readonly manifests?: readonly string[]; readonly signal: AbortSignal },
  ): Promise<Evidence> {
    const application = this.#application(instance);
    const target = resolveTarget(application, this.#gather);
    const sources = sourcesAt(application.spec, revisions);
    // A process that only shows learns of a repository by asking; the first question waits for the answer.
    await Promise.all(sources.filter(({ repoURL }) => this.#poller.state(repoURL) === undefined).map(({ repoURL }) => this.#poller.refresh(repoURL, signal)));
    const commits = currentRevisions(sources, this.#gather);
    const rendered =
      manifests === undefined
        ? await renderSources(application, { sources, revisions: commits }, target, this.#gather, { signal })
        : await renderLocal(application, { ...readLocalManifests(manifests), revisions: commits }, target, this.#gather, signal);
    return whenReady(this.#options.clock, signal, () => compareRendered(application, rendered, target, this.#gather, signal));
  }

  async plan(instance: string, { options, signal, revisions }: PlanOptions): Promise<{ readonly plan: SyncPlan; readonly evidence: Evidence }> {
    const { manifests } = options;
    const evidence = await this.compare(instance, {
      signal,
      ...(revisions === undefined ? {} : { revisions }),
      ...(manifests === undefined ? {} : { manifests }),
    });
    const subject = shownSubject(this.#application(instance), instance, { options, evidence, rules: this.rules });
    return { plan: planSync(await planRequest(subject, signal)), evidence };
  }

  async resourceTree(instance: string, signal: AbortSignal): Promise<readonly ResourceNode[]> {
    const { cluster, isPermitted } = reachOf(this.#application(instance), this.#gather);
    // A process that does not reconcile has no evidence yet; a source that cannot be rendered leaves what is tracked.
    const evidence = this.#evidence.get(instance) ?? (await this.compare(instance, { signal }).catch(() => undefined));
    const wanted = evidence?.comparison.resources.flatMap(({ ref }) => cluster.get(ref) ?? []) ?? [];
    return resourceTree(cluster, [...wanted, ...cluster.tracked(instance)].filter(isPermitted), this.rules.health, signal);
  }

  targetClient(instance: string): KubeClient {
    return this.#clusters.resolve(this.#application(instance).spec.destination).client;
  }

  syncWindows(instance: string): SyncWindowsState {
    return this.#operations.windows(instance);
  }

  clusters(): readonly ClusterState[] {
    return this.#clusters.states();
  }

  requestSync(instance: string, request: SyncRequest, signal: AbortSignal): Promise<SyncRun> {
    return this.#operations.sync(instance, request, signal);
  }

  rollback(instance: string, request: RollbackRequest, signal: AbortSignal): Promise<SyncRun> {
    return this.#operations.rollback(instance, request, signal);
  }

  terminate(instance: string, signal: AbortSignal): Promise<SyncRun | undefined> {
    return this.#operations.terminate(instance, signal);
  }

  runs(instance: string): readonly SyncRun[] {
    return runsOf(instance, this.#caches.runs);
  }

  hint(repoURL: string): number {
    if (!this.#isPerforming) {
      // A hint that is lost on the way to who performs costs one poll interval.
      for (const instance of this.#users.ofPlace(repoURL))
        askToRefresh(this.#options.client, instanceKey(instance, this.#namespace), 'normal', AbortSignal.timeout(HINT_MS)).catch((error: unknown) =>
          this.#options.logger.debug({ application: instance, err: error }, 'hint could not be passed on'),
        );
    }
    return this.#poller.hint(repoURL);
  }

  repositoryStates(): readonly PollState[] {
    return this.#poller.states();
  }

  revisionMetadata(instance: string, revision: string, signal: AbortSignal): Promise<RevisionMetadata> {
    return revisionMetadata(this.#application(instance), revision, this.#gather, signal);
  }

  #enqueueAll(): void {
    for (const application of this.applications.list()) this.#keys.add(this.applications.nameOf(application));
    this.sets.refreshAll();
  }

  #application(instance: string): Application {
    const stored = this.applications.get(instance);
    if (stored === undefined) throw new DeliveryError({ code: 'notFound' }, `application ${instance}: not found`);
    // Callers need its name, sources and policy; the reconciler judges the rest.
    return stored as Application;
  }

  #subscribe(): void {
    this.applications.onEvent((event) => {
      const instance = this.applications.nameOf(event.object);
      if (event.type === 'deleted') {
        this.#evidence.delete(instance);
        this.#users.delete(instance);
        this.#moved.delete(instance);
        this.#releaseProjects();
      } else {
        this.#users.set(instance, event.object);
        this.#refreshIfAsked(instance, event.object);
      }
      if (event.type !== 'updated' || isNews(event.old, event.object)) this.#keys.add(instance);
    });
    this.#caches.runs.onEvent((event) => {
      const application = fieldAt(event.object, 'spec', 'application');
      if (event.type === 'deleted' || typeof application !== 'string') return;
      if (isFinished(event.object)) {
        this.#keys.add(application);
        if (this.#isPerforming) this.#outbox.forget(application);
      } else if (event.type === 'added' || event.object.spec.terminate === true) this.#ring(event.object);
      if (event.object.spec.terminate === true) this.#runner.terminate(event.object.metadata.name ?? '');
    });
    this.#caches.projects.onEvent((event) => {
      if (event.object.metadata.deletionTimestamp !== undefined) this.#releaseProjects();
      this.#enqueueAll();
    });
    this.#caches.configMaps.onEvent(({ object }) => {
      if (object.metadata.name === SETTINGS_CONFIG_MAP) {
        this.#settings = parseSettings(this.#caches.configMaps.get(SETTINGS_CONFIG_MAP, this.#namespace));
        for (const problem of this.#settings.problems) this.#options.logger.warn({ problem }, 'a setting is ignored');
      }
      this.#enqueueAll();
    });
    this.#caches.secrets.onEvent((event) => {
      if (event.object.metadata.labels?.[SECRET_TYPE_LABEL] === undefined) return;
      this.#clusters.refresh();
      this.#enqueueAll();
      // Credentials may be what was missing.
      for (const { repoURL } of this.#poller.states()) this.#poller.hint(repoURL);
    });
    this.#options.queue.onAvailable(() => this.#outbox.scan());
  }

  #releaseProjects(): void {
    if (!this.#isPerforming) return;
    const { client, logger } = this.#options;
    void releaseProjects({ client, logger, projects: this.#caches.projects, applications: this.applications }); // It does not reject.
  }

  // Somebody asked by annotation, as Argo CD's users and our own API server do: look now, and take the question away.
  #refreshIfAsked(instance: string, application: KubeObject): void {
    const asked = refreshAsked(application);
    if (asked === undefined || !this.#isPerforming) return;
    if (asked === 'hard') this.#reconciler.markHard(instance);
    this.#users.hint(instance);
    this.#keys.add(instance);
    const { client, logger } = this.#options;
    // Unheard failures only mean that the question is asked again by the next event.
    askToRefresh(client, instanceKey(instance, this.#namespace), undefined, AbortSignal.timeout(HINT_MS)).catch((error: unknown) =>
      logger.debug({ application: instance, err: error }, 'refresh annotation stays'),
    );
  }

  #ring(run: SyncRun): void {
    if (parseSyncRun(run).kind === 'invalid') return;
    const { queue, logger } = this.#options;
    const job = { application: run.spec.application, runId: run.metadata.name ?? '' };
    queue.add(job).catch((error: unknown) => {
      logger.info({ run: run.metadata.name, err: error }, 'queue cannot be used; the run is worked on here');
      // Claims are fenced: whoever is rung for it too finds it taken.
      void this.#spare.add(job); // Does not reject: it is of this process.
    });
  }

  async #runQueue(signal: AbortSignal): Promise<void> {
    await this.waitForReady(signal);
    const { queue, runsAtOnce = RUNS_AT_ONCE } = this.#options;
    const handle: JobHandler = (job, inner) => this.#runner.handle(job, inner);
    await Promise.all([queue, this.#spare].map((doorbell) => doorbell.process(handle, { signal, concurrency: runsAtOnce })));
  }

  async #runWorkers(signal: AbortSignal): Promise<void> {
    this.#isPerforming = true;
    await this.waitForReady(signal);
    this.#releaseProjects();
    const { workers = 8, logger } = this.#options;
    await Promise.all([workKeys({ keys: this.#keys, reconciler: this.#reconciler, workers, logger }, signal), this.#moved.run(signal)]);
  }
}
