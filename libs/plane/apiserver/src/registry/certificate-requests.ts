import { toTimestamp } from '@tiphys/kernel';
import type { certificatesv1, Mutable } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { asMap, draftAs, type Draft } from '../draft.ts';

type Csr = Mutable<certificatesv1.CertificateSigningRequest>;

/** Whether a request is about CertificateSigningRequests. */
export function isCertificateRequest({ served }: Scope): boolean {
  return served.group === 'certificates.k8s.io' && served.resource === 'certificatesigningrequests' && served.custom === undefined;
}

/** What the server says of a CertificateSigningRequest itself: who asked, and since when its conditions hold (registry/certificates strategy.go). */
export function completeCertificateRequest(core: Core, scope: Scope, draft: Draft, live: Draft | undefined): void {
  const csr = draftAs<certificatesv1.CertificateSigningRequest>(draft);
  const before = live === undefined ? undefined : draftAs<certificatesv1.CertificateSigningRequest>(live);
  if (before === undefined) nameAsker(scope, csr);
  else if (csr.spec !== undefined && before.spec !== undefined && scope.subresource === undefined) csr.spec = structuredClone(before.spec);
  const now = toTimestamp(core.clock.now());
  for (const condition of csr.status?.conditions ?? []) {
    const known = before?.status?.conditions?.find(({ type }) => type === condition.type);
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??= known?.status === condition.status ? (known?.lastTransitionTime ?? now) : now;
  }
}

function nameAsker({ user }: Scope, csr: Csr): void {
  if (csr.spec === undefined) return;
  const { username, uid, groups, extra } = user;
  csr.spec.username = username;
  csr.spec.groups = [...groups];
  if (uid === undefined) delete csr.spec.uid;
  else csr.spec.uid = uid;
  if (extra === undefined) delete csr.spec.extra;
  else csr.spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}

/** Makes of a draft what may be written through `approval`: the live object with the conditions the draft has. */
export function keepAllButConditions(live: Draft, draft: Draft): void {
  const { metadata, status } = draft;
  const conditions = asMap(status)?.['conditions'] ?? [];
  Object.assign(draft, structuredClone(live), { status: { ...asMap(structuredClone(live.status)), conditions }, apiVersion: draft.apiVersion });
  if (metadata.managedFields !== undefined) draft.metadata.managedFields = metadata.managedFields;
  if (metadata.resourceVersion !== undefined) draft.metadata.resourceVersion = metadata.resourceVersion;
}
