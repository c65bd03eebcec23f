import type { KubeObject } from '@tiphys/kube-model';
import { listAnnotation } from './annotations.ts';

/** Whether something may be deleted: yes, no, or once a person has approved it. */
export type DeletionPolicy = 'yes' | 'no' | 'confirm';

/** The choices of sync options we act on; a missing one has its default. */
export interface SyncOptions {
  readonly createNamespace: boolean;
  readonly prune: DeletionPolicy;
  readonly pruneLast: boolean;
  readonly prunePropagationPolicy: 'Foreground' | 'Background' | 'Orphan';
  readonly replace: boolean;
  readonly force: boolean;
  /** False: a three-way merge on this side with the last-applied annotation, as `kubectl apply` does. */
  readonly serverSideApply: boolean;
  readonly clientSideApplyMigration: boolean;
  readonly applyOutOfSyncOnly: boolean;
  readonly validate: boolean;
  readonly delete: DeletionPolicy;
  readonly skipDryRunOnMissingResource: boolean;
  readonly failOnSharedResource: boolean;
  readonly respectIgnoreDifferences: boolean;
}

/** What holds when nothing is said (docs/adr/0011: applies are server-side unless `ServerSideApply=false`). */
export const defaultSyncOptions: SyncOptions = {
  createNamespace: false,
  prune: 'yes',
  pruneLast: false,
  prunePropagationPolicy: 'Foreground',
  replace: false,
  force: false,
  serverSideApply: true,
  clientSideApplyMigration: true,
  applyOutOfSyncOnly: false,
  validate: true,
  delete: 'yes',
  skipDryRunOnMissingResource: false,
  failOnSharedResource: false,
  respectIgnoreDifferences: false,
};

type Reader = (value: string) => Partial<SyncOptions>;

// gitops-engine pkg/sync/common/types.go. A value nobody defined means what an absent option means.
const READERS: Readonly<Record<string, Reader>> = {
  CreateNamespace: (value) => ({ createNamespace: isTrue(value) }),
  Prune: (value) => ({ prune: deletionPolicyOf(value) }),
  PruneLast: (value) => ({ pruneLast: isTrue(value) }),
  PrunePropagationPolicy: (value) => ({
    prunePropagationPolicy: value === 'background' ? 'Background' : value === 'orphan' ? 'Orphan' : 'Foreground',
  }),
  Replace: (value) => ({ replace: isTrue(value) }),
  Force: (value) => ({ force: isTrue(value) }),
  ServerSideApply: (value) => ({ serverSideApply: !isFalse(value) }),
  ClientSideApplyMigration: (value) => ({ clientSideApplyMigration: !isFalse(value) }),
  ApplyOutOfSyncOnly: (value) => ({ applyOutOfSyncOnly: isTrue(value) }),
  Validate: (value) => ({ validate: !isFalse(value) }),
  Delete: (value) => ({ delete: deletionPolicyOf(value) }),
  SkipDryRunOnMissingResource: (value) => ({ skipDryRunOnMissingResource: isTrue(value) }),
  FailOnSharedResource: (value) => ({ failOnSharedResource: isTrue(value) }),
  RespectIgnoreDifferences: (value) => ({ respectIgnoreDifferences: isTrue(value) }),
};

function isTrue(value: string): boolean {
  return value.toLowerCase() === 'true';
}

function isFalse(value: string): boolean {
  return value.toLowerCase() === 'false';
}

function deletionPolicyOf(value: string): DeletionPolicy {
  return value === 'confirm' ? 'confirm' : isFalse(value) ? 'no' : 'yes';
}

/** Reads `Name=value` options over a base; unknown names are ignored, as in Argo CD. */
export function parseSyncOptions(options: readonly string[], base: SyncOptions = defaultSyncOptions): SyncOptions {
  return options.reduce((read, text) => {
    const [name = '', value = ''] = text.split('=').map((part) => part.trim());
    const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    return reader === undefined ? read : { ...read, ...reader(value) };
  }, base);
}

/** The options of one object: its annotation over the application's. What Helm is told to keep is neither pruned nor deleted with the application. */
export function resourceSyncOptions(object: KubeObject, application: SyncOptions): SyncOptions {
  const own = parseSyncOptions(listAnnotation(object, 'argocd.argoproj.io/sync-options'), application);
  return object.metadata.annotations?.['helm.sh/resource-policy'] === 'keep' ? { ...own, delete: 'no', prune: 'no' } : own;
}
