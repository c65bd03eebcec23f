import path from 'node:path';
import { applicationType, projectType, type ProjectSpec } from '@tiphys/delivery-applications';
import type { Failpoint, FailpointName } from '@tiphys/delivery-sync';
import { messageOf } from '@tiphys/kernel';
import { builtin, customResource, isStatus, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { createGitRepo, type GitRepo } from '@tiphys/testkit';
import { application, configMap, CONFIG_MAPS, eventually, signal } from '../e2e/delivery-harness.ts';
import { createSteps, NAMESPACES, type Steps } from '../e2e/delivery-steps.ts';

export const HOME = 'tenants-a';
export const SERVER = 'https://kubernetes.default.svc';
export const SECRETS: ResourceType = builtin('v1', 'Secret');
const WATCHED: readonly ResourceType[] = [
  NAMESPACES,
  CONFIG_MAPS,
  SECRETS,
  ...['Service', 'ServiceAccount', 'Pod', 'PersistentVolume'].map((kind) => builtin('v1', kind)),
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => builtin('rbac.authorization.k8s.io/v1', kind)),
  builtin('batch/v1', 'Job'),
  builtin('apps/v1', 'Deployment'),
  customResource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
  projectType,
  applicationType,
];

/** Two teams on one plane: what the attacker owns, and what belongs to the other. */
export interface Stage extends AsyncDisposable {
  readonly steps: Steps;
  /** The repository of team-b, which the controller can read and team-a may not use. */
  readonly victims: GitRepo;
  /** What to do at a place of the next runs. */
  hold(at: FailpointName, action: (() => Promise<void>) | undefined): void;
  /** Keys of all objects that came, went or changed since this was asked last. */
  changes(): Promise<readonly string[]>;
  project(name: string, spec: Partial<ProjectSpec>): Promise<void>;
  create(type: ResourceType, object: object): Promise<KubeObject>;
  /** All the words an application and its last run have about an attack. */
  words(instance: string): Promise<string>;
  remove(name: string): Promise<void>;
}

/** What team-a may do. */
export const TEAM_A: Partial<ProjectSpec> = {
  sourceNamespaces: [HOME],
  destinations: [
    { server: SERVER, namespace: 'a-*' },
    { server: SERVER, namespace: HOME },
  ],
};

export async function createStage(): Promise<Stage> {
  let world: ReadonlyMap<string, string> = new Map();
  let held: { readonly at: FailpointName; readonly action: () => Promise<void> } | undefined;
  const failpoint: Failpoint = async (at) => {
    if (held?.at === at) await held.action();
  };
  const steps = await createSteps({ applicationNamespaces: ['tenants-*'], remoteBases: ['*'], failpoint });
  const { client, folder } = steps.rig;
  await steps.repo.commit({ 'shared/a.yaml': configMap('stolen', '1') });
  const victims = await createGitRepo(path.join(folder, 'team-b'));
  const create = (type: ResourceType, object: object): Promise<KubeObject> => client.create(type, object as KubeObject, { signal: signal() });
  const project = async (name: string, spec: Partial<ProjectSpec>): Promise<void> => {
    await create(projectType, {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name, namespace: 'argocd' },
      spec: { sourceRepos: [steps.repo.directory], destinations: [], ...spec },
    });
  };
  for (const name of [HOME, 'a-shop', 'b-shop', 'a-prod', 'ab']) await create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await project('team-a', TEAM_A);
  await project('team-b', { sourceRepos: [victims.directory], destinations: [{ server: SERVER, namespace: 'b-*' }] });
  await create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'treasure', namespace: 'b-shop' }, stringData: { key: 'team-b-canary' } });
  await victims.commit({ 'shop/victim.yaml': configMap('victim', 'team-b-canary'), 'base/kustomization.yaml': 'resources: [stolen.yaml]\n' });
  await victims.commit({ 'base/stolen.yaml': configMap('stolen', 'team-b-canary'), 'values.yaml': 'value: team-b-canary\n' });
  await create(
    applicationType,
    application('victim', { project: 'team-b', source: { repoURL: victims.directory, path: 'shop' }, destination: { server: SERVER, namespace: 'b-shop' } }),
  );
  await eventually(
    'the victim is looked at',
    () => steps.app('victim'),
    ({ status }) => status?.sync?.status === 'OutOfSync',
  );
  await steps.sync('victim');
  await steps.until('the victim is synced', 'victim', ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded');

  return {
    steps,
    victims,
    create,
    project,
    hold: (at, action) => (held = action === undefined ? undefined : { at, action }),
    async changes() {
      const lists = await Promise.all(WATCHED.map(async (type) => (await client.list(type, { signal: signal() })).items.map((object) => seen(type, object))));
      const before = world;
      world = new Map(lists.flat());
      return [...new Set([...before.keys(), ...world.keys()])].filter((key) => before.get(key) !== world.get(key));
    },
    async words(instance) {
      const conditions = steps.running.controller.applications.get(instance);
      const { status } = (conditions ?? {}) as { readonly status?: { readonly conditions?: readonly { readonly message: string }[] } };
      const [run] = steps.running.controller.runs(instance);
      const said = [...(status?.conditions ?? []), ...(run?.status?.tasks ?? []), { message: run?.status?.message ?? '' }];
      return said.map(({ message }) => message).join('\n');
    },
    async remove(name) {
      const key = { name, namespace: HOME };
      await client.patch(applicationType, key, { metadata: { finalizers: null } }, { type: 'merge', signal: signal() }).catch(ignoreGone);
      await client.delete(applicationType, key, { signal: signal() }).catch(ignoreGone);
    },
    [Symbol.asyncDispose]: () => steps[Symbol.asyncDispose](),
  };
}

// The status of an application tells of attacks; everything else is to stay as it is to the byte.
function seen(type: ResourceType, object: KubeObject): readonly [string, string] {
  const { uid, namespace = '', name = '' } = object.metadata;
  const text = type === applicationType ? JSON.stringify([uid, (object as KubeObject & { spec: object }).spec]) : JSON.stringify(object);
  return [`${type.kind}/${namespace}/${name}`, text];
}

function ignoreGone(error: unknown): void {
  if (!isStatus(error, 'NotFound')) throw new Error(messageOf(error), { cause: error });
}
