import path from 'node:path';
import { applicationType, instanceName, type Application, type SyncRun } from '@tiphys/delivery-applications';
import type { DeliveryControllerOptions, SyncRequest } from '@tiphys/delivery-controller';
import { builtin, isStatus, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { createGitRepo, type GitRepo } from '@tiphys/testkit';
import { application, createRig, eventually, signal, type Rig, type RunningController } from './delivery-harness.ts';

export const NAMESPACES: ResourceType = builtin('v1', 'Namespace');
export const options = (...list: readonly string[]): string => `argocd.argoproj.io/sync-options: ${list.join(',')}`;

/** What a person does with a controller and one repository, in which each application has a folder of its name. */
export interface Steps extends AsyncDisposable {
  readonly rig: Rig;
  readonly repo: GitRepo;
  readonly running: RunningController;
  push(files: Record<string, string | null>): Promise<string>;
  /** Creates an application and waits until the controller has looked at it. */
  create(name: string, spec?: object, metadata?: { readonly namespace?: string; readonly finalizers?: readonly string[] }): Promise<void>;
  app(name: string, namespace?: string): Promise<Application>;
  until(what: string, name: string, accept: (app: Application) => boolean): Promise<Application>;
  start(name: string, request?: Partial<SyncRequest>): Promise<SyncRun>;
  ended(run: SyncRun): Promise<SyncRun>;
  /** Looks at Git, syncs and waits for the end. */
  sync(name: string, request?: Partial<SyncRequest>): Promise<SyncRun>;
  find(type: ResourceType, name: string, namespace?: string): Promise<KubeObject | undefined>;
  patchApp(name: string, patch: object): Promise<void>;
}

/** A plane, a controller on it and a repository. */
export async function createSteps(controllerOptions: Partial<DeliveryControllerOptions> = {}): Promise<Steps> {
  const rig = await createRig();
  const repo = await createGitRepo(path.join(rig.folder, 'app'));
  await repo.commit({ 'README.md': 'x' });
  const running = await rig.start(controllerOptions);
  await rig.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, { signal: signal() });
  const { controller } = running;

  const app = (name: string, namespace = 'argocd'): Promise<Application> =>
    rig.client.get<Application>(applicationType, { name, namespace }, { signal: signal() });
  const ended = async (run: SyncRun): Promise<SyncRun> => {
    const found = await eventually(
      `run ${run.metadata.name ?? ''} ends`,
      () => controller.runs(run.spec.application).find(({ metadata }) => metadata.name === run.metadata.name),
      (candidate) => candidate?.status?.finishedAt !== undefined,
    );
    if (found === undefined) throw new Error('the run is gone');
    return found;
  };
  const start = (name: string, request: Partial<SyncRequest> = {}): Promise<SyncRun> => controller.requestSync(name, { actor: 'alice', ...request }, signal());
  return {
    rig,
    repo,
    running,
    app,
    ended,
    start,
    async push(files) {
      const commit = await repo.commit(files);
      controller.hint(repo.directory);
      return commit;
    },
    async create(name, spec = {}, metadata = {}) {
      const wanted = application(name, { source: { repoURL: repo.directory, path: name }, ...spec }, metadata);
      const created = await rig.client.create(applicationType, wanted, { signal: signal() });
      await eventually(
        `${name} is looked at`,
        () => app(name, created.metadata.namespace),
        ({ status }) => status?.sync !== undefined,
      );
      await eventually(
        `${name} is known`,
        () => controller.applications.get(instanceName(created, 'argocd')),
        (found) => found !== undefined,
      );
      // What was pushed before is known from here on.
      await controller.refresh(instanceName(created, 'argocd'), { signal: signal() });
    },
    until: (what, name, accept) => eventually(what, () => app(name), accept),
    async sync(name, request) {
      await controller.refresh(name, { hard: true, signal: signal() });
      return ended(await start(name, request));
    },
    async find(type, name, namespace = 'shop') {
      try {
        return await rig.client.get(type, { name, ...(type.namespaced ? { namespace } : {}) }, { signal: signal() });
      } catch (error) {
        if (isStatus(error, 'NotFound')) return undefined;
        throw error;
      }
    },
    async patchApp(name, patch) {
      await rig.client.patch(applicationType, { name, namespace: 'argocd' }, patch, { type: 'merge', signal: signal() });
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** Name, outcome and message of every task of a run. */
export const outcomes = (run: SyncRun): readonly (readonly [string, string, string])[] =>
  (run.status?.tasks ?? []).map((task) => [task.name, task.outcome, task.message] as const);
