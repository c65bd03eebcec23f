import { foreign, OK, one, refused } from './manifest-attacks.ts';
import { manifest, type Attack } from './tenants-attack.ts';

const hook = (phase: string, policy?: string): object => ({
  'argocd.argoproj.io/hook': phase,
  ...(policy === undefined ? {} : { 'argocd.argoproj.io/hook-delete-policy': policy }),
});
const PHASES = ['PreSync', 'Sync', 'PostSync', 'SyncFail'];
const POLICIES = ['BeforeHookCreation', 'HookSucceeded', 'HookFailed'];
/** Hooks that name what the project does not permit. */
export const hookAttacks: readonly Attack[] = [
  ...PHASES.flatMap((phase) => [
    one(`hook ${phase}`, manifest('Job', 'new', 'b-shop', { annotations: hook(phase) })),
    one(`hook ${phase} of a cluster-scoped kind`, manifest('ClusterRoleBinding', 'mine', undefined, { annotations: hook(phase) })),
    refused(`hook ${phase} beside an object`, { 'a.yaml': OK, 'b.yaml': manifest('Job', 'new', 'b-shop', { annotations: hook(phase) }) }),
    ...POLICIES.map((policy) => one(`hook ${phase} that names the victim, ${policy}`, foreign(hook(phase, policy)))),
  ]),
  refused('hook SyncFail that names the victim after a failure', {
    'a.yaml': manifest('ConfigMap', 'Bad_Name'),
    'b.yaml': foreign(hook('SyncFail', 'HookFailed')),
  }),
  one('Helm hook that names the victim', foreign({ 'helm.sh/hook': 'pre-install', 'helm.sh/hook-delete-policy': 'hook-failed,before-hook-creation' })),
];
