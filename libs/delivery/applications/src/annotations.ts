import type { KubeObject } from '@tiphys/kube-model';

/** Phases hooks may run in. */
export type HookPhase = 'PreSync' | 'Sync' | 'PostSync' | 'SyncFail' | 'PreDelete' | 'PostDelete';

/** When a hook's object is removed. */
export type HookDeletePolicy = 'BeforeHookCreation' | 'HookSucceeded' | 'HookFailed';

/** What the annotations make of an object: an ordinary resource, a hook, or nothing to apply. */
export type ResourceRole =
  | { readonly kind: 'resource' }
  | { readonly kind: 'hook'; readonly phases: readonly HookPhase[]; readonly deletePolicies: readonly HookDeletePolicy[] }
  | { readonly kind: 'skip' };

const HOOK = 'argocd.argoproj.io/hook';
const PHASES: Readonly<Record<string, HookPhase>> = {
  PreSync: 'PreSync',
  Sync: 'Sync',
  PostSync: 'PostSync',
  SyncFail: 'SyncFail',
  PreDelete: 'PreDelete',
  PostDelete: 'PostDelete',
};
const HELM_PHASES: Readonly<Record<string, HookPhase>> = {
  'pre-install': 'PreSync',
  'pre-upgrade': 'PreSync',
  'post-install': 'PostSync',
  'post-upgrade': 'PostSync',
  'pre-delete': 'PreDelete',
  'post-delete': 'PostDelete',
};
const POLICIES: Readonly<Record<string, HookDeletePolicy>> = {
  BeforeHookCreation: 'BeforeHookCreation',
  HookSucceeded: 'HookSucceeded',
  HookFailed: 'HookFailed',
};
const HELM_POLICIES: Readonly<Record<string, HookDeletePolicy>> = {
  'before-hook-creation': 'BeforeHookCreation',
  'hook-succeeded': 'HookSucceeded',
  'hook-failed': 'HookFailed',
};

/** The role of an object (gitops-engine pkg/sync/hook): any Argo CD hook annotation switches Helm's off. */
export function roleOf(object: KubeObject): ResourceRole {
  const argo = listAnnotation(object, HOOK);
  if (argo.length > 0) {
    if (argo.length === 1 && argo[0] === 'Skip') return { kind: 'skip' };
    // An unknown value makes a hook without a phase: it is never applied, neither as hook nor as resource.
    const phases = argo.flatMap((name) => PHASES[name] ?? []);
    return { kind: 'hook', phases: unique(phases), deletePolicies: policiesOf(object) };
  }
  const helm = listAnnotation(object, 'helm.sh/hook');
  if (helm.length === 0 || helm.includes('crd-install')) return { kind: 'resource' };
  const phases = helm.flatMap((name) => HELM_PHASES[name] ?? []);
  // Test and rollback hooks have no counterpart and are left out, as Argo CD does.
  return { kind: 'hook', phases: unique(phases), deletePolicies: policiesOf(object) };
}

function policiesOf(object: KubeObject): readonly HookDeletePolicy[] {
  const argo = listAnnotation(object, 'argocd.argoproj.io/hook-delete-policy').flatMap((name) => POLICIES[name] ?? []);
  const policies = argo.length > 0 ? argo : listAnnotation(object, 'helm.sh/hook-delete-policy').flatMap((name) => HELM_POLICIES[name] ?? []);
  return policies.length > 0 ? unique(policies) : ['BeforeHookCreation'];
}

/** The sync wave; Helm's hook weight counts where no wave is given; anything that is not an integer is 0. */
export function waveOf(object: KubeObject): number {
  const text =
    object.metadata.annotations?.['argocd.argoproj.io/sync-wave'] ??
    (listAnnotation(object, HOOK).length === 0 ? object.metadata.annotations?.['helm.sh/hook-weight'] : undefined);
  return text !== undefined && /^[+-]?\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
}

/** Whether an object the application no longer has should not count as out of sync. */
export function ignoresExtraneous(object: KubeObject): boolean {
  return listAnnotation(object, 'argocd.argoproj.io/compare-options').includes('IgnoreExtraneous');
}

/** The items of a comma-separated annotation. */
export function listAnnotation(object: KubeObject, name: string): readonly string[] {
  return (object.metadata.annotations?.[name] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}
