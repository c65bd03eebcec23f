import { applicationType, type Application } from '@tiphys/delivery-applications';
import { isStatus } from '@tiphys/kube-model';
import { eventually, signal } from '../e2e/delivery-harness.ts';
import { manifest, type Attack } from './tenants-attack.ts';
import { HOME, SERVER, type Stage } from './tenants-stage.ts';

const NOT_PERMITTED = /is not permitted/;
const hook = (phase: string, policy: string): object => ({
  annotations: { 'argocd.argoproj.io/hook': phase, 'argocd.argoproj.io/hook-delete-policy': policy },
});
const finalizersOf = (phase: 'pre' | 'post', ...ends: readonly string[]): readonly string[] =>
  ends.map((end) => `${phase}-delete-finalizer.argocd.argoproj.io${end}`);

// Says that hooks have run which never did, and deletes the application before anybody can say otherwise.
async function removedAtOnce(stage: Stage, name: string): Promise<string> {
  const { finalizers = [] } = (await stage.steps.app(name, HOME)).metadata;
  const patch = { metadata: { finalizers: finalizers.filter((finalizer) => finalizer.endsWith('/cleanup')) } };
  await stage.steps.rig.client.patch(applicationType, { name, namespace: HOME }, patch, { type: 'merge', signal: signal() });
  return removed(stage, name);
}

// Deletes an application and answers what it says, or that it has gone.
async function removed({ steps }: Stage, name: string): Promise<string> {
  await steps.rig.client.delete(applicationType, { name, namespace: HOME }, { signal: signal() });
  const read = (): Promise<Application | undefined> =>
    steps.app(name, HOME).catch((error: unknown) => (isStatus(error, 'NotFound') ? undefined : Promise.reject(error)));
  const last = await eventually(
    'it has gone, or says why not',
    read,
    (app) => app === undefined || app.status?.conditions?.some(({ type }) => type === 'DeletionError') === true,
  );
  return last === undefined ? 'it has gone' : JSON.stringify(last.status?.conditions);
}
const deletion = (name: string, files: Readonly<Record<string, string>>, finalizers: readonly string[], more: Partial<Attack> = {}): Attack => ({
  name: `deletion: ${name}`,
  files,
  metadata: { finalizers },
  says: NOT_PERMITTED,
  act: removed,
  ...more,
});

const into = (project: string): object => ({ project, destination: { server: SERVER, namespace: 'b-shop' } });
/** Deletions whose hooks, or whose objects, would be those of others. */
export const deletionAttacks: readonly Attack[] = [
  ...(['PreDelete', 'PostDelete'] as const).flatMap((phase) => {
    const at = phase === 'PreDelete' ? 'pre' : 'post';
    const all = finalizersOf(at, '', '/cleanup');
    return [
      deletion(`hook ${phase} elsewhere`, { 'a.yaml': manifest('Job', 'new', 'b-shop', hook(phase, 'HookSucceeded')) }, all),
      deletion(
        `hook ${phase} that names the victim`,
        { 'a.yaml': manifest('ConfigMap', 'victim', 'b-shop', hook(phase, 'HookSucceeded,HookFailed,BeforeHookCreation')) },
        all,
      ),
      deletion(
        `clean-up of a hook ${phase} that never ran`,
        { 'a.yaml': manifest('ConfigMap', 'victim', 'b-shop', hook(phase, 'HookSucceeded,HookFailed')) },
        finalizersOf(at, '/cleanup'),
        {
          says: /it has gone|is not permitted/,
          act: removedAtOnce,
        },
      ),
      ...['team-b', 'default'].map((project) =>
        deletion(`hook ${phase} in the name of ${project}`, { 'a.yaml': manifest('Job', 'new', 'b-shop', hook(phase, 'HookSucceeded')) }, all, {
          spec: into(project),
        }),
      ),
    ];
  }),
  deletion('of everything that a manifest names', { 'a.yaml': manifest('ConfigMap', 'victim', 'b-shop') }, ['resources-finalizer.argocd.argoproj.io'], {
    says: /it has gone/,
  }),
  deletion('of everything, in the name of team-b', { 'a.yaml': manifest('ConfigMap', 'victim', 'b-shop') }, ['resources-finalizer.argocd.argoproj.io'], {
    spec: into('team-b'),
    says: /it has gone/,
  }),
];
