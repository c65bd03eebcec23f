import { deepEqual } from '@tiphys/kube-model';
import type { DraftMeta } from '../draft.ts';

const TEXT =
  '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed:';

/** Takes away owners that are listed twice, and says so (apiserver endpoints/handlers dedupOwnerReferencesAndAddWarning). */
export function dedupeOwners(metadata: DraftMeta, warn: (text: string) => void): void {
  const owners = metadata.ownerReferences ?? [];
  const kept = owners.filter((owner, index) => !owners.slice(0, index).some((before) => deepEqual(before, owner)));
  if (kept.length === owners.length) return;
  const doubled = new Set(owners.filter((owner, index) => owners.slice(0, index).some((before) => deepEqual(before, owner))).map(({ uid }) => uid));
  metadata.ownerReferences = kept;
  warn(`${TEXT} ${[...doubled].join(', ')}`);
}
