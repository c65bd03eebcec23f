import type { ProjectSpec } from '@tiphys/delivery-applications';
import type { SyncRequest } from '@tiphys/delivery-controller';
import { messageOf } from '@tiphys/kernel';
import { eventually, signal } from '../e2e/delivery-harness.ts';
import { HOME, SERVER, type Stage } from './tenants-stage.ts';

type Files = Readonly<Record<string, string>>;

/** Something team-a tries in order to reach beyond what its project allows. */
export interface Attack {
  readonly name: string;
  /** What is pushed into the folder of the application. */
  readonly files?: Files | ((stage: Stage) => Files);
  readonly spec?: object | ((stage: Stage, name: string) => object);
  readonly metadata?: object;
  /** Rules in the place of team-a's. */
  readonly rules?: Partial<ProjectSpec> | ((stage: Stage) => Partial<ProjectSpec>);
  /** What else is put into the repository before it is pushed. */
  readonly prepare?: (stage: Stage, name: string) => Promise<unknown>;
  readonly request?: Partial<SyncRequest>;
  /** What is done in the place of a sync; it may return what was answered. */
  readonly act?: (stage: Stage, name: string) => Promise<string | undefined>;
  /** What the application, its run or the answer has to say about it. */
  readonly says: RegExp;
  /** Objects of team-a itself that may come to be: keys of the world. */
  readonly may?: readonly string[];
}

/** What came of an attack. */
export interface Outcome {
  readonly words: string;
  /** Keys of objects that came, went or changed. */
  readonly changed: readonly string[];
  /** All that the controller would show of the application. */
  readonly shown: string;
}

/** A manifest; JSON is YAML. */
export function manifest(
  kind: string,
  name: string,
  namespace?: string,
  more: { readonly annotations?: object; readonly metadata?: object; readonly body?: object } = {},
): string {
  const apiVersion = API_VERSIONS[kind] ?? 'v1';
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(more.annotations === undefined ? {} : { annotations: more.annotations }) };
  return `${JSON.stringify({ apiVersion, kind, metadata: { ...metadata, ...more.metadata }, ...(more.body ?? BODIES[kind]) })}\n---\n`;
}

const RBAC = 'rbac.authorization.k8s.io/v1';
const API_VERSIONS: Readonly<Record<string, string>> = {
  Job: 'batch/v1',
  Role: RBAC,
  RoleBinding: RBAC,
  ClusterRole: RBAC,
  ClusterRoleBinding: RBAC,
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
  Application: 'argoproj.io/v1alpha1',
  AppProject: 'argoproj.io/v1alpha1',
  ApplicationSet: 'argoproj.io/v1alpha1',
};
const ADMIN = {
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'a-shop' }],
};
const BODIES: Readonly<Record<string, object>> = {
  ConfigMap: { data: { value: 'stolen' } },
  Secret: { stringData: { key: 'stolen' } },
  Job: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } } } },
  ClusterRole: { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
  Role: { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
  ClusterRoleBinding: ADMIN,
  RoleBinding: ADMIN,
};

/** Carries out an attack and looks at what the world has become. */
export async function carryOut(stage: Stage, attack: Attack, name: string): Promise<Outcome> {
  const { steps } = stage;
  const { controller } = steps.running;
  const instance = `${HOME}_${name}`;
  const answers: string[] = [];
  const note = (error: unknown): void => void answers.push(messageOf(error));
  const { rules, files = {}, spec: more } = attack;
  const project = rules === undefined ? 'team-a' : `rules-of-${name}`;
  if (rules !== undefined) await stage.project(project, { sourceNamespaces: [HOME], ...(typeof rules === 'function' ? rules(stage) : rules) });
  await attack.prepare?.(stage, name);
  const pushed = Object.entries(typeof files === 'function' ? files(stage) : files);
  if (pushed.length > 0) await steps.repo.commit(Object.fromEntries(pushed.map(([file, text]) => [`${name}/${file}`, text])));
  const spec = { project, destination: { server: SERVER, namespace: 'a-shop' }, ...(typeof more === 'function' ? more(stage, name) : more) };
  const isCreated = await steps.create(name, spec, { namespace: HOME, ...attack.metadata }).then(
    () => true,
    (error: unknown) => (note(error), false),
  );
  // Rules are judged by once they are known; until then the application is told that it has none.
  if (isCreated && rules !== undefined)
    await eventually(
      'the rules are known',
      () => Promise.resolve(problemOfRules(stage, instance)),
      (problem) => !/references project|not found/.test(problem),
    );
  if (attack.act !== undefined) answers.push((await attack.act(stage, name)) ?? '');
  else await steps.start(instance, attack.request).then(steps.ended).catch(note);
  // What the application itself is, and that the one before it has gone, is no news.
  const isOwn = (key: string): boolean => /^Application\/tenants-a\/[a-z]+-\d+$/.test(key) || key === `AppProject/argocd/${project}`;
  const changed = (await stage.changes()).filter((key) => !isOwn(key) && attack.may?.includes(key) !== true);
  const words = `${answers.join('\n')}\n${await stage.words(instance)}`;
  const tree = await controller.resourceTree(instance, signal()).catch(() => []);
  const seen = controller.evidence(instance);
  const shown = JSON.stringify([seen?.comparison, seen?.desired, tree.map(({ ref }) => ref)]);
  await stage.remove(name);
  return { words, changed, shown };
}

function problemOfRules({ steps }: Stage, instance: string): string {
  try {
    steps.running.controller.syncWindows(instance);
    return '';
  } catch (error) {
    return messageOf(error);
  }
}
