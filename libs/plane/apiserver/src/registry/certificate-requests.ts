import { toTimestamp } from '@tiphys/kernel';
import type { certificatesv1, Mutable } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { asMap, draftAs, type Draft } from '../draft.ts';
import { invalid, problem } from '../failures.ts';

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
  if (scope.subresource === 'approval') checkApproval(scope, csr, before);
  const now = toTimestamp(core.clock.now());
  for (const condition of csr.status?.conditions ?? []) {
    const known = before?.status?.conditions?.find(({ type }) => type === condition.type);
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??= known?.status === condition.status ? (known?.lastTransitionTime ?? now) : now;
  }
}

const FINAL: readonly string[] = ['Approved', 'Denied'];

// What was decided stays decided, one way or the other.
function checkApproval(scope: Scope, csr: Csr, before: Csr | undefined): void {
  const types = (csr.status?.conditions ?? []).map(({ type }) => type);
  const gone = (before?.status?.conditions ?? [])
    .map(({ type }) => type)
    .filter((type) => (FINAL.includes(type) || type === 'Failed') && !types.includes(type));
  const problems = [
    ...gone.map((type) => problem.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)),
    ...(FINAL.every((type) => types.includes(type))
      ? [problem.invalid('status.conditions', types, 'Approved and Denied conditions are mutually exclusive')]
      : []),
    ...types.filter((type, index) => types.indexOf(type) < index).map((type) => problem.duplicate('status.conditions', type)),
  ];
  if (problems.length > 0) throw invalid('certificates.k8s.io', 'CertificateSigningRequest', scope.name, problems);
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
