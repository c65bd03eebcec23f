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

/** The choices of sync options we act on; a missing one has its default. */
export interface SyncOptions {
  readonly createNamespace: boolean;
  readonly prune: 'yes' | 'no' | 'confirm';
  readonly pruneLast: boolean;
  readonly prunePropagationPolicy: 'Foreground' | 'Background' | 'Orphan';
  readonly replace: boolean;
  readonly force: boolean;
  readonly serverSideApply: boolean;
  readonly applyOutOfSyncOnly: boolean;
  readonly validate: boolean;
  readonly delete: boolean;
  readonly skipDryRunOnMissingResource: boolean;
  readonly failOnSharedResource: boolean;
  readonly respectIgnoreDifferences: boolean;
}

/** What holds when nothing is said. Server-side apply is our only way to apply, so its option is accepted and always on. */
export const defaultSyncOptions: SyncOptions = {
  createNamespace: false,
  prune: 'yes',
  pruneLast: false,
  prunePropagationPolicy: 'Foreground',
  replace: false,
  force: false,
  serverSideApply: true,
  applyOutOfSyncOnly: false,
  validate: true,
  delete: true,
  skipDryRunOnMissingResource: false,
  failOnSharedResource: false,
  respectIgnoreDifferences: false,
};

/** Reads `Name=value` options over a base; unknown names are ignored, as in Argo CD. */
export function parseSyncOptions(options: readonly string[], base: SyncOptions = defaultSyncOptions): SyncOptions {
  return options.reduce(withOption, base);
}

function withOption(options: SyncOptions, text: string): SyncOptions {
  const [name = '', value = ''] = text.split('=').map((part) => part.trim());
  const on = value.toLowerCase() === 'true';
  switch (name) {
    case 'CreateNamespace':
      return { ...options, createNamespace: on };
    case 'Prune':
      return { ...options, prune: value === 'confirm' ? 'confirm' : value === 'false' ? 'no' : 'yes' };
    case 'PruneLast':
      return { ...options, pruneLast: on };
    case 'PrunePropagationPolicy':
      return { ...options, prunePropagationPolicy: value === 'background' ? 'Background' : value === 'orphan' ? 'Orphan' : 'Foreground' };
    case 'Replace':
      return { ...options, replace: on };
    case 'Force':
      return { ...options, force: on };
    case 'ServerSideApply':
      return options;
    case 'ApplyOutOfSyncOnly':
      return { ...options, applyOutOfSyncOnly: on };
    case 'Validate':
      return { ...options, validate: value !== 'false' };
    case 'Delete':
      return { ...options, delete: value !== 'false' && value !== 'confirm' };
    case 'SkipDryRunOnMissingResource':
      return { ...options, skipDryRunOnMissingResource: on };
    case 'FailOnSharedResource':
      return { ...options, failOnSharedResource: on };
    case 'RespectIgnoreDifferences':
      return { ...options, respectIgnoreDifferences: on };
    default:
      return options;
  }
}

/** The options of one object: its annotation over the application's. */
export function resourceSyncOptions(object: KubeObject, application: SyncOptions): SyncOptions {
  const own = parseSyncOptions(listAnnotation(object, 'argocd.argoproj.io/sync-options'), application);
  return object.metadata.annotations?.['helm.sh/resource-policy'] === 'keep' ? { ...own, delete: false } : own;
}

/** Whether an object the application no longer has should not count as out of sync. */
export function ignoresExtraneous(object: KubeObject): boolean {
  return listAnnotation(object, 'argocd.argoproj.io/compare-options').includes('IgnoreExtraneous');
}

function listAnnotation(object: KubeObject, name: string): readonly string[] {
  return (object.metadata.annotations?.[name] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}
