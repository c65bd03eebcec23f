import path from 'node:path';
import { applicationType, type Application, type SyncRun } from '@tiphys/delivery-applications';
import type { DeliveryController } from '@tiphys/delivery-controller';
import { createGitRepo, type GitRepo } from '@tiphys/testkit';
import { application, configMap, eventually, getApplication, getConfigMap, signal, type Rig } from '../e2e/delivery-harness.ts';
import type { Damage } from './fault-recorder.ts';
import { runsIn, unfinished, type World } from './world.ts';

const PATIENCE_MS = 60_000;

/** Where places are made. */
export interface Ground {
  readonly rig: Rig;
  readonly world: World;
  /** The controller that is looked after just now. */
  readonly controller: () => DeliveryController;
  /** The URL of a repository in a folder below the rig's; the folder itself by default. */
  readonly urlOf?: (name: string) => string;
  /** The folder of repositories below the rig's. */
  readonly folder?: string;
}

/** An application with a repository of its own, whose objects are in a namespace of its own name. */
export interface Place {
  readonly name: string;
  readonly repo: GitRepo;
  readonly repoURL: string;
  /** Creates the application. */
  create(spec?: object, metadata?: object): Promise<void>;
  /** Commits, and says that something was pushed. */
  push(files: Readonly<Record<string, string | null>>): Promise<string>;
  /** Says that something was pushed. */
  look(): void;
  value(name: string): Promise<string | undefined>;
  /** Resolves when a ConfigMap has this value; undefined: when it has gone. */
  live(name: string, value: string | undefined): Promise<void>;
  until(what: string, accept: (app: Application) => boolean): Promise<Application>;
  /** Resolves when a condition of the application matches. */
  tells(pattern: RegExp): Promise<void>;
  /** Resolves when the application is Synced and its last run has ended well. */
  synced(): Promise<void>;
  runs(): Promise<readonly SyncRun[]>;
  /** Waits for the runs to end, and counts what was deleted besides the objects that were to go. */
  damage(...toGo: readonly string[]): Promise<Damage>;
}

/** Makes a repository with two ConfigMaps, `one` and `two`, of value `first`, and what else is given. */
export async function makePlace(ground: Ground, name: string, files: Readonly<Record<string, string>> = {}): Promise<Place> {
  const { rig, world, controller } = ground;
  const repo = await createGitRepo(path.join(rig.folder, ground.folder ?? '', name));
  await repo.commit({ 'one.yaml': configMap('one', 'first'), 'two.yaml': configMap('two', 'first'), ...files });
  const repoURL = ground.urlOf?.(name) ?? repo.directory;
  const place: Place = {
    name,
    repo,
    repoURL,
    async create(spec = {}, metadata = {}) {
      const full = {
        source: { repoURL, path: '.' },
        destination: { server: 'https://kubernetes.default.svc', namespace: name },
        syncPolicy: {
          automated: { prune: true, selfHeal: true },
          retry: { limit: -1, backoff: { duration: '1s', maxDuration: '2s' } },
          syncOptions: ['CreateNamespace=true'],
        },
        ...spec,
      };
      await rig.client.create(applicationType, application(name, full, metadata), { signal: signal() });
    },
    async push(changes) {
      const commit = await repo.commit(changes);
      place.look();
      return commit;
    },
    look: () => void controller().hint(repoURL),
    value: async (object) => (await getConfigMap(rig.client, object, name))?.data?.['value'],
    async live(object, wanted) {
      await eventually(
        `${name}: ${object} is ${wanted ?? 'gone'}`,
        () => place.value(object),
        (found) => found === wanted,
        PATIENCE_MS,
      );
    },
    until: (what, accept) => eventually(`${name}: ${what}`, () => getApplication(rig.client, name), accept, PATIENCE_MS),
    async tells(pattern) {
      await place.until(`tells ${pattern}`, ({ status }) => (status?.conditions ?? []).some(({ message }) => pattern.test(message)));
    },
    async synced() {
      await place.until('is synced', ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded');
    },
    runs: async () => (await runsIn(rig.client)).filter(({ spec }) => spec.application === name),
    async damage(...toGo) {
      const lostIntents = await eventually(
        `${name}: its runs end`,
        async () => unfinished(await place.runs()),
        (count) => count === 0,
        PATIENCE_MS,
      );
      return { wrongDeletes: world.deleted(name).filter((object) => !toGo.includes(object)).length, lostIntents };
    },
  };
  return place;
}

/** A place whose first commit is live. */
export async function livePlace(ground: Ground, name: string, files: Readonly<Record<string, string>> = {}): Promise<Place> {
  const place = await makePlace(ground, name, files);
  await place.create();
  await place.live('two', 'first');
  await place.synced();
  return place;
}
