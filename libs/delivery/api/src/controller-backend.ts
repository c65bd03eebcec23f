import {
  PIN_ANNOTATION,
  applicationType,
  instanceName,
  projectType,
  sourcesOf,
  syncRunType,
  type Application,
  type AppProject,
  type RunOptions,
  type SyncRun,
} from '@tiphys/delivery-applications';
import type { DeliveryController, Evidence, ResourceNode as LiveNode } from '@tiphys/delivery-controller';
import { maskStates, type Change, type ChangeCause, type ResourceComparison } from '@tiphys/delivery-diff';
import type { Health } from '@tiphys/delivery-health';
import type { SyncPlan, SyncTask } from '@tiphys/delivery-sync';
import { toTimestamp, type Clock } from '@tiphys/kernel';
import type { InformerEvent, InformerFactory, KubeClient } from '@tiphys/kube-client';
import { refKey, type KubeObject } from '@tiphys/kube-model';
import type { ApplicationReader, DeliveryBackend, SyncRequest } from './backend.ts';
import { readWebhookSecrets } from './webhook-secrets.ts';
import type { ClusterAnswer, FieldChange, ManagedResource, ManagedResourcesAnswer, PlanStep, RepositoryAnswer, ResourceNode } from './wire.ts';

/** What the backend is made of. */
export interface ControllerBackendOptions {
  readonly controller: DeliveryController;
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly namespace: string;
  readonly clock: Clock;
  /** Used where the cluster holds no webhook secret of its own. */
  readonly webhookSecret?: string;
}

/** The API's view of a delivery controller in the same process, whether or not that controller also performs runs. */
export function createControllerBackend(options: ControllerBackendOptions): DeliveryBackend {
  const { controller, client, informers, namespace, clock } = options;
  const applications = applicationReader(controller, namespace);
  const nameOf = (application: Application): string => controller.applications.nameOf(application);
  return {
    client,
    namespace,
    applications,
    nameOf,
    syncWindows: (application) => controller.syncWindows(nameOf(application)),
    projects: informers.informer<AppProject>({ type: projectType, namespace }),
    runs: informers.informer<SyncRun>({ type: syncRunType, namespace }),
    managedResources: async (application, signal) => toManagedResources(await controller.compare(nameOf(application), { signal }), controller, clock),
    resourceTree: async (application, signal) => ({
      nodes: (await controller.resourceTree(nameOf(application), signal)).map((node, _index, all) => toNode(node, all)),
    }),
    resourceActions: (application, ref, signal) => controller.actions.list(nameOf(application), ref, signal),
    runResourceAction: (application, request, signal) => controller.actions.run(nameOf(application), request, signal),
    manifests: async (application, revision, signal) => {
      const evidence = await controller.compare(nameOf(application), { signal, ...revisionsFor(application, revision) });
      return {
        manifests: evidence.desired.objects.map((object) =>
          JSON.stringify(maskStates(object, undefined, controller.rules.settings().sensitiveAnnotations).desired),
        ),
        revision: evidence.revisions.join(','),
        sourceType: evidence.tools[0] ?? '',
      };
    },
    plan: async ({ application, revision, prune, manifests, syncOptions }, signal) => {
      const { plan, evidence } = await controller.plan(nameOf(application), {
        signal,
        options: {
          ...(prune === true ? { prune } : {}),
          ...(manifests === undefined ? {} : { manifests }),
          ...(syncOptions === undefined ? {} : { syncOptions }),
        },
        ...revisionsFor(application, revision),
      });
      return { hash: plan.hash, revision: evidence.revisions.join(','), steps: toPlanSteps(plan, evidence), problems: evidence.problems };
    },
    sync: (request, signal) => controller.requestSync(nameOf(request.application), toSyncRequest(request), signal),
    rollback: ({ application, to, ...rest }, signal) =>
      controller.rollback(nameOf(application), { ...rest, ...('run' in to ? { run: to.run } : { historyId: to.historyId }) }, signal),
    terminate: async (application, signal) => (await controller.terminate(nameOf(application), signal)) !== undefined,
    unpin: async (application, signal) => {
      await client.patch(
        applicationType,
        { namespace: application.metadata.namespace, name: application.metadata.name ?? '' },
        { metadata: { annotations: { [PIN_ANNOTATION]: null } } },
        { type: 'merge', fieldManager: 'tiphys-api', signal },
      );
    },
    refresh: async (application, hard, signal) => {
      await controller.refresh(nameOf(application), { hard, signal });
    },
    targetClient: async (application) => controller.targetClient(nameOf(application)),
    repositories: () => controller.repositoryStates().map((state) => toRepository(state, applications.list())),
    clusters: () => controller.clusters().map((state) => toCluster(state, applications.list())),
    hint: (repoURL) => controller.hint(repoURL),
    previewSet: (set, signal) => controller.sets.preview(set, signal),
    webhookSecrets: (signal) => readWebhookSecrets(client, namespace, options.webhookSecret, signal),
  };
}

// Objects of the informer are as the API stores them; what is read of them the routes check.
function applicationReader(controller: DeliveryController, namespace: string): ApplicationReader {
  const { applications } = controller;
  return {
    get resourceVersion() {
      return applications.resourceVersion;
    },
    get: (name, at = namespace) => applications.get(instanceName({ metadata: { name, namespace: at } }, namespace)) as Application | undefined,
    list: () => applications.list() as readonly Application[],
    onEvent: (handler) => applications.onEvent((event) => handler(event as InformerEvent<Application>)),
  };
}

function revisionsFor(application: Application, revision: string | undefined): { readonly revisions?: readonly string[] } {
  return revision === undefined || revision === '' ? {} : { revisions: sourcesOf(application.spec).map(() => revision) };
}

function revisionOf(evidence: Evidence): { readonly revision?: string } {
  return evidence.revisions.length === 0 ? {} : { revision: evidence.revisions.join(',') };
}

function toSyncRequest({ operation, actor, planHash, application }: SyncRequest): Parameters<DeliveryController['requestSync']>[1] {
  const sync = operation.sync ?? {};
  const syncOptions = sync.syncOptions ?? [];
  const force = sync.syncStrategy?.hook?.force ?? sync.syncStrategy?.apply?.force;
  const options: RunOptions = {
    ...(sync.prune === undefined ? {} : { prune: sync.prune }),
    ...(sync.dryRun === undefined ? {} : { dryRun: sync.dryRun }),
    ...(sync.resources === undefined ? {} : { resources: sync.resources }),
    ...(sync.manifests === undefined ? {} : { manifests: sync.manifests }),
    ...(sync.syncStrategy?.apply === undefined ? {} : { skipHooks: true }),
    ...(operation.retry === undefined ? {} : { retry: operation.retry }),
    ...(force === undefined ? {} : { force }),
    ...(syncOptions.length === 0 ? {} : { syncOptions }),
    ...(planHash === undefined ? {} : { planHash }),
  };
  const revisions = sync.revisions === undefined ? revisionsFor(application, sync.revision) : { revisions: sync.revisions };
  return { actor, options, ...revisions, ...(operation.info === undefined ? {} : { info: operation.info }) };
}

const CAUSE_WORDS: Readonly<Record<ChangeCause, string>> = {
  gitChanged: 'changed in Git',
  rendererChanged: 'rendered otherwise',
  humanEdit: 'edited manually',
  controller: 'set by a controller',
  webhook: 'changed at admission',
  defaulted: 'a default',
};

function toChange({ path, kind, desired, live, owner, cause }: Change, masked: boolean): FieldChange {
  return {
    path,
    kind,
    ...(desired === undefined ? {} : { desired }),
    ...(live === undefined ? {} : { live }),
    ...(masked && (path.startsWith('.data') || path.startsWith('.stringData')) ? { masked } : {}),
    ...(owner === undefined ? {} : { owner }),
    cause,
    why: CAUSE_WORDS[cause],
  };
}

function toManagedResources(evidence: Evidence, { rules }: DeliveryController, clock: Clock): ManagedResourcesAnswer {
  const showing = { assess: rules.health.assess, sensitiveAnnotations: rules.settings().sensitiveAnnotations };
  return {
    items: evidence.comparison.resources.map((resource) => toManagedResource(resource, showing)),
    problems: [...evidence.problems, ...evidence.ruleWarnings],
    observedAt: toTimestamp(clock.now()),
    ...revisionOf(evidence),
  };
}

// How resources are shown in this installation.
interface Showing {
  readonly assess: (live: KubeObject) => Health | undefined;
  readonly sensitiveAnnotations: readonly string[];
}

function toManagedResource(resource: ResourceComparison, { assess, sensitiveAnnotations }: Showing): ManagedResource {
  const { ref, status, changes, desired, live, requiresPruning, wave } = resource;
  const health = live === undefined ? undefined : assess(live);
  const masked = maskStates(desired, live, sensitiveAnnotations);
  return {
    group: ref.group,
    version: ref.version,
    kind: ref.kind,
    name: ref.name,
    status,
    requiresPruning,
    wave,
    hook: false,
    ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
    ...(health === undefined ? {} : { health }),
    changes: changesOf(changes, ref.kind === 'Secret' && ref.group === ''),
    targetState: masked.desired ?? null,
    liveState: masked.live ?? null,
  };
}

// A missing object is one change of the whole; its fields say nothing a person does not know.
function changesOf(changes: readonly Change[], isSecret: boolean): readonly FieldChange[] {
  return changes.map((change) =>
    change.path === '' ? { path: '', kind: change.kind, cause: change.cause, why: CAUSE_WORDS[change.cause] } : toChange(change, isSecret),
  );
}

function toNode(node: LiveNode, all: readonly LiveNode[]): ResourceNode {
  const { ref, uid, health, createdAt, images, parents } = node;
  return {
    group: ref.group,
    version: ref.version,
    kind: ref.kind,
    name: ref.name,
    uid,
    ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
    parentRefs: parents.map((parent) => {
      const found = all.find((other) => other.uid === parent.uid);
      return {
        group: found?.ref.group ?? '',
        kind: parent.kind,
        name: parent.name,
        uid: parent.uid,
        ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
      };
    }),
    ...(health === undefined ? {} : { health }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(images.length === 0 ? {} : { images, info: images.map((image) => ({ name: 'Image', value: image })) }),
  };
}

const EFFECT_OF_ACTION: Readonly<Record<SyncTask['action'], string>> = {
  'create-namespace': 'create',
  apply: 'configure',
  replace: 'configure',
  prune: 'delete',
  'skip-prune': 'keep',
  hook: 'run',
};

function toPlanSteps(plan: SyncPlan, evidence: Evidence): readonly PlanStep[] {
  const byKey = new Map(evidence.comparison.resources.map((resource) => [refKey(resource.ref), resource]));
  return plan.steps
    .flatMap((step) => step.tasks)
    .map((task) => {
      const resource = byKey.get(refKey(task.ref));
      const effect = task.action === 'apply' && resource !== undefined ? effectOf(resource) : EFFECT_OF_ACTION[task.action];
      const { group, version, kind, namespace, name } = task.ref;
      return {
        id: task.id,
        phase: task.phase,
        wave: task.wave,
        action: task.action,
        effect,
        group,
        version,
        kind,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        changes:
          task.action === 'hook' || resource === undefined || resource.live === undefined ? [] : changesOf(resource.changes, kind === 'Secret' && group === ''),
      };
    });
}

function effectOf(resource: ResourceComparison): string {
  if (resource.live === undefined) return 'create';
  return resource.changes.length === 0 ? 'unchanged' : 'configure';
}

function toCluster({ server, name, project, error }: ReturnType<DeliveryController['clusters']>[number], applications: readonly Application[]): ClusterAnswer {
  return {
    server,
    name,
    ...(project === undefined ? {} : { project }),
    connectionState: error === undefined ? { status: 'Successful', message: '' } : { status: 'Failed', message: error },
    applications: applications.filter(({ spec }) => spec.destination.server === server || spec.destination.name === name).length,
  };
}

function toRepository(state: ReturnType<DeliveryController['repositoryStates']>[number], applications: readonly Application[]): RepositoryAnswer {
  const { repoURL, error, lastPollAt, latencyMs, nextPollAt, polls } = state;
  const attemptedAt = lastPollAt === undefined ? undefined : toTimestamp(lastPollAt);
  return {
    repo: repoURL,
    type: 'git',
    connectionState: {
      status: error !== undefined ? 'Failed' : lastPollAt === undefined ? 'Unknown' : 'Successful',
      message: error ?? '',
      ...(attemptedAt === undefined ? {} : { attemptedAt }),
    },
    ...(attemptedAt === undefined ? {} : { lastPollAt: attemptedAt }),
    ...(nextPollAt === undefined ? {} : { nextPollAt: toTimestamp(nextPollAt) }),
    polls,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    applications: applications.filter(({ spec }) => sourcesOf(spec).some((source) => source.repoURL === repoURL)).length,
  };
}
