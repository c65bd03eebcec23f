import { projectType, type Application } from '@tiphys/delivery-applications';
import { messageOf } from '@tiphys/kernel';
import { eventually, signal } from '../e2e/delivery-harness.ts';
import { manifest, type Attack } from './tenants-attack.ts';
import { HOME, SERVER, type Stage } from './tenants-stage.ts';

const NOT_PERMITTED = /is not permitted|do not match any of the allowed/;
const OPEN = { destinations: [{ server: SERVER, namespace: 'a-*' }] };
// Takes all places from the project of an application, and waits until the controller knows.
async function narrow({ steps }: Stage, name: string): Promise<void> {
  const patch = { spec: { destinations: [{ server: SERVER, namespace: 'a-other' }] } };
  await steps.rig.client.patch(projectType, { name: `rules-of-${name}`, namespace: 'argocd' }, patch, { type: 'merge', signal: signal() });
  await eventually(
    'the application is refused',
    () => steps.app(name, HOME),
    ({ status }) => status?.conditions?.some(({ type }) => type === 'InvalidSpecError') === true,
  );
}
const run = async ({ steps }: Stage, name: string): Promise<string> => {
  const ended = await steps.ended(await steps.start(`${HOME}_${name}`));
  return `${ended.status?.message ?? ''} ${JSON.stringify(ended.status?.tasks)}`;
};
const WAVE = { annotations: { 'argocd.argoproj.io/sync-wave': '5' } };
const narrowed = (at: 'sync.planned' | 'sync.dryRun' | 'sync.afterWave', name: string, more: Partial<Attack> = {}): Attack => ({
  name: `project narrowed ${name}`,
  files: { 'a.yaml': manifest('ConfigMap', `first-${at.slice(5).toLowerCase()}`), 'b.yaml': manifest('ConfigMap', 'second', undefined, WAVE) },
  rules: OPEN,
  says: NOT_PERMITTED,
  act: async (stage, app) => {
    stage.hold(at, async () => {
      stage.hold(at, undefined);
      await narrow(stage, app);
    });
    return run(stage, app);
  },
  ...more,
});
const narrowings: readonly Attack[] = [
  narrowed('sync.planned', 'between plan and write'),
  narrowed('sync.dryRun', 'between rehearsal and write'),
  narrowed('sync.afterWave', 'between two waves', { may: ['ConfigMap/a-shop/first-afterwave'] }),
  {
    name: 'rollback to before the project was narrowed',
    files: { 'a.yaml': manifest('ConfigMap', 'old') },
    rules: OPEN,
    says: NOT_PERMITTED,
    may: ['ConfigMap/a-shop/old'],
    act: async (stage, name) => {
      await run(stage, name);
      const instance = `${HOME}_${name}`;
      const { controller } = stage.steps.running;
      const app = await eventually(
        'it has a history',
        () => controller.applications.get(instance) as Application | undefined,
        (found) => (found?.status?.history ?? []).length > 0,
      );
      await narrow(stage, name);
      return controller.rollback(instance, { actor: 'mallory', historyId: app?.status?.history?.[0]?.id ?? 0 }, signal()).then(() => 'accepted', messageOf);
    },
  },
];

const others: readonly Attack[] = [
  {
    name: 'an action on the object of the victim',
    files: { 'a.yaml': manifest('ConfigMap', 'victim', 'b-shop') },
    says: /has no resource ConfigMap\/b-shop\/victim/,
    act: ({ steps }, name) =>
      steps.running.controller.actions
        .run(
          `${HOME}_${name}`,
          { ref: { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'b-shop', name: 'victim' }, action: 'restart', actor: 'mallory' },
          signal(),
        )
        .then(() => 'done', messageOf),
  },
  ...['team-b', 'default', 'rogue'].map((project): Attack => {
    const child = `child-${project}`;
    const source = { repoURL: 'https://127.0.0.1:1/x', path: '.' };
    const body = { spec: { project, source, destination: { server: SERVER, namespace: 'b-shop' }, syncPolicy: { automated: {} } } };
    const rogue = manifest('AppProject', 'rogue', HOME, {
      body: { spec: { sourceRepos: ['*'], sourceNamespaces: ['*'], destinations: [{ server: '*', namespace: '*' }] } },
    });
    return {
      name: `an application of applications that makes one of ${project}`,
      files: { 'a.yaml': `${manifest('Application', child, HOME, { body })}${rogue}` },
      spec: { destination: { server: SERVER, namespace: HOME } },
      says: /is not permitted to use project|which does not exist/,
      may: [`Application/${HOME}/${child}`, `AppProject/${HOME}/rogue`],
      act: async (stage, name) => {
        await run(stage, name);
        const app = await eventually(
          'the child is judged',
          () => stage.steps.app(child, HOME),
          ({ status }) => (status?.conditions ?? []).length > 0,
        );
        return JSON.stringify(app.status?.conditions);
      },
    };
  }),
];

/** What is done around a sync: projects that change meanwhile, actions, applications that make applications. */
export const processAttacks: readonly Attack[] = [...narrowings, ...others];
