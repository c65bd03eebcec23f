import {
  PIN_ANNOTATION,
  applicationType,
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
import type { InformerFactory, KubeClient } from '@tiphys/kube-client';
import { builtin, isStatus, refKey, type corev1, type KubeObject } from '@tiphys/kube-model';
import type { DeliveryBackend, SyncRequest } from './backend.ts';
import type { FieldChange, ManagedResource, ManagedResourcesAnswer, PlanStep, RepositoryAnswer, ResourceNode } from './wire.ts';

const secretType = builtin('v1', 'Secret');
const WEBHOOK_SECRET = { name: 'argocd-secret', key: 'webhook.github.secret' };

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
  const applications = informers.informer<Application>({ type: applicationType, namespace });
  const nameOf = (application: Application): string => application.metadata.name ?? '';
  return {
    client,
    namespace,
    applications,
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
    plan: async ({ application, revision, prune }, signal) => {
      const { plan, evidence } = await controller.plan(nameOf(application), {
        signal,
        options: prune === true ? { prune } : {},
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
        { namespace, name: nameOf(application) },
        { metadata: { annotations: { [PIN_ANNOTATION]: null } } },
        { type: 'merge', fieldManager: 'tiphys-api', signal },
      );
    },
    refresh: async (application, hard, signal) => {
      await controller.refresh(nameOf(application), { hard, signal });
    },
    targetClient: async (application) => controller.targetClient(nameOf(application)),
    repositories: () => controller.repositoryStates().map((state) => toRepository(state, applications.list(namespace))),
    clusters: () =>
      controller.clusters().map(({ server, name, error }) => ({
        server,
        name,
        connectionState: error === undefined ? { status: 'Successful', message: '' } : { status: 'Failed', message: error },
        applications: applications.list(namespace).filter(({ spec }) => spec.destination.server === server || spec.destination.name === name).length,
      })),
    hint: (repoURL) => controller.hint(repoURL),
    webhookSecret: async (signal) => (await readWebhookSecret(client, namespace, signal)) ?? options.webhookSecret,
  };
}

function revisionsFor(application: Application, revision: string | undefined): { readonly revisions?: readonly string[] } {
  return revision === undefined || revision === '' ? {} : { revisions: sourcesOf(application.spec).map(() => revision) };
}

function revisionOf(evidence: Evidence): { readonly revision?: string } {
  return evidence.revisions.length === 0 ? {} : { revision: evidence.revisions.join(',') };
}

async function readWebhookSecret(client: KubeClient, namespace: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const secret = await client.get<corev1.Secret>(secretType, { namespace, name: WEBHOOK_SECRET.name }, { signal });
    const value = secret.data?.[WEBHOOK_SECRET.key];
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  }
}

function toSyncRequest({ operation, actor, planHash, application }: SyncRequest): Parameters<DeliveryController['requestSync']>[1] {
  const sync = operation.sync ?? {};
  const syncOptions = sync.syncOptions ?? [];
  const force = sync.syncStrategy?.hook?.force ?? sync.syncStrategy?.apply?.force;
  const options: RunOptions = {
    ...(sync.prune === undefined ? {} : { prune: sync.prune }),
    ...(sync.dryRun === undefined ? {} : { dryRun: sync.dryRun }),
    ...(sync.resources === undefined ? {} : { resources: sync.resources }),
    ...(force === undefined ? {} : { force }),
    ...(syncOptions.length === 0 ? {} : { syncOptions }),
    ...(planHash === undefined ? {} : { planHash }),
  };
  return { actor, options, ...revisionsFor(application, sync.revision) };
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

function toRepository(state: ReturnType<DeliveryController['repositoryStates']>[number], applications: readonly Application[]): RepositoryAnswer {
  const { repoURL, error, lastPollAt, nextPollAt, polls } = state;
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
    applications: applications.filter(({ spec }) => sourcesOf(spec).some((source) => source.repoURL === repoURL)).length,
  };
}
