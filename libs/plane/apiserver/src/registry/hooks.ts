import type { corev1 } from '@tiphys/kube-model';
import { settlePolicy } from '../admission/policies/type-check.ts';
import type { Core, Scope } from '../core.ts';
import { checkEscalation } from '../auth/escalation.ts';
import { servedResourcesOf, settleCrd, withdrawCrd } from '../crd/establish.ts';
import { draftAs, type Draft } from '../draft.ts';
import { completeCertificateRequest, isCertificateRequest } from './certificate-requests.ts';
import { qosClassOf } from './prepare.ts';

/** Cluster resources a write has claimed before it is certain. */
export type Claims = readonly string[];

const isService = (draft: Draft): boolean => draft.kind === 'Service' && draft.apiVersion === 'v1';
const ownerOf = (draft: Draft): string => `${draft.metadata.namespace ?? ''}/${draft.metadata.name ?? ''}`;

/** What the server itself adds to an object of certain kinds once defaults are there. Returns what it claimed for it. */
export function completeDraft(core: Core, scope: Scope, draft: Draft, live: Draft | undefined): Claims {
  if (scope.served.custom !== undefined || scope.subresource === 'status') return [];
  if (draft.kind === 'Secret' && draft.apiVersion === 'v1') mergeStringData(draft);
  if (draft.kind === 'Pod' && live === undefined) Object.assign(draft.status ?? {}, { qosClass: qosClassOf(draftAs<corev1.Pod>(draft)) });
  if (draft.kind === 'CustomResourceDefinition') settleCrd(core, draft);
  checkEscalation(core, scope, draft, live);
  if (isCertificateRequest(scope)) completeCertificateRequest(core, scope, draft, live);
  if (draft.kind === 'ValidatingAdmissionPolicy') settlePolicy(core, draft);
  if (!isService(draft)) return [];
  core.allocators.allocate(draftAs<corev1.Service>(draft), ownerOf(draft));
  // What a live Service holds stays with it whatever becomes of this write.
  return live === undefined ? [ownerOf(draft)] : [];
}

/** Gives back the claims of a write that did not happen. */
export function undoClaims(core: Core, claims: Claims): void {
  for (const owner of claims) core.allocators.release(owner);
}

function mergeStringData(draft: Draft): void {
  const secret = draftAs<corev1.Secret>(draft);
  if (secret.stringData === undefined) return;
  const encoded = Object.entries(secret.stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const);
  secret.data = Object.fromEntries([...Object.entries(secret.data ?? {}), ...encoded]);
  delete secret.stringData;
}

/** What follows a durable write: serving what a CRD defines, giving back what a Service no longer uses. */
export async function afterWrite(core: Core, scope: Scope, written: Draft, live: Draft | undefined): Promise<void> {
  if (scope.served.custom !== undefined) return;
  if (written.kind === 'CustomResourceDefinition') core.catalog.setCustom(written.metadata.name ?? '', servedResourcesOf(written));
  if (isService(written) && live !== undefined) core.allocators.keepOnly(draftAs<corev1.Service>(written), ownerOf(written));
}

/** What follows a durable removal. */
export async function afterRemove(core: Core, scope: Scope, removed: Draft): Promise<void> {
  if (scope.served.custom !== undefined) return;
  if (isService(removed)) core.allocators.release(ownerOf(removed));
  if (removed.kind === 'CustomResourceDefinition') withdrawCrd(core, removed.metadata.name ?? '');
}
