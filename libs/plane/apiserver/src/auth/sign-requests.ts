import { messageOf, toTimestamp } from '@tiphys/kernel';
import { isStatus, type certificatesv1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import { changeObject } from '../verbs/update.ts';
import { isAllowed } from './authorize.ts';
import { parseCertificateRequest } from './certificate-request.ts';
import type { CertificateAuthority } from './pki.ts';
import { refusalOf, SIGNERS } from './signers.ts';

const PREFIX = '/certificates.k8s.io/certificatesigningrequests/';
const FLAGS: WriteFlags = { dryRun: false, fieldManager: 'certificate-controller', fieldValidation: 'Ignore', force: false, warn: () => undefined };
const USER = { username: 'system:serviceaccount:kube-system:certificate-controller', groups: ['system:masters'] };
const YEAR_SECONDS = 365 * 86_400;
// Shorter ones could not be renewed in time.
const MIN_SECONDS = 600;

/** Signs approved requests for the signers that are part of a cluster, and approves those kubelets may have, until the signal aborts. */
export async function signRequests(core: Core, authority: CertificateAuthority, signal: AbortSignal): Promise<void> {
  await signAll(core, authority);
  for await (const { events } of core.store.watch({ prefix: PREFIX, afterRevision: core.store.revision, signal }))
    if (events.length > 0) await signAll(core, authority);
}

async function signAll(core: Core, authority: CertificateAuthority): Promise<void> {
  for (const entry of core.store.list({ prefix: PREFIX }).entries) {
    const request = draftAs<certificatesv1.CertificateSigningRequest>(parseStored(entry.value)) as certificatesv1.CertificateSigningRequest; // Read only.
    if (isWaiting(request)) await signOne(core, authority, request);
    else if (mayBeApproved(core, request)) await approve(core, request);
  }
}

function isWaiting({ spec, status }: certificatesv1.CertificateSigningRequest): boolean {
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type);
  return SIGNERS.has(spec?.signerName ?? '') && (status?.certificate ?? '') === '' && has('Approved') && !has('Denied') && !has('Failed');
}

const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';

// A kubelet's own certificate needs nobody's approval where roles say that its asker may have it (pkg/controller/certificates/approver).
function mayBeApproved(core: Core, { spec, status }: certificatesv1.CertificateSigningRequest): boolean {
  if (spec?.signerName !== KUBELET_CLIENT || (status?.conditions ?? []).length > 0) return false;
  const asker = { username: spec.username ?? '', groups: spec.groups ?? [] };
  const may = (subresource: string): boolean =>
    isAllowed(core, asker, {
      kind: 'resource',
      verb: 'create',
      group: 'certificates.k8s.io',
      resource: 'certificatesigningrequests',
      subresource,
      namespace: '',
      name: '',
    });
  try {
    const parsed = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString());
    if (refusalOf(KUBELET_CLIENT, parsed, spec.usages ?? []) !== undefined) return false;
    return (parsed.commonName === asker.username && may('selfnodeclient')) || may('nodeclient');
  } catch {
    // It cannot be read: a person may say what becomes of it.
    return false;
  }
}

async function approve(core: Core, request: certificatesv1.CertificateSigningRequest): Promise<void> {
  const now = toTimestamp(core.clock.now());
  const condition = {
    type: 'Approved',
    status: 'True',
    reason: 'AutoApproved',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    lastUpdateTime: now,
  };
  await write(core, request, 'approval', { condition });
}

async function signOne(core: Core, authority: CertificateAuthority, request: certificatesv1.CertificateSigningRequest): Promise<void> {
  await write(core, request, 'status', outcomeOf(core, authority, request));
}

async function write(core: Core, request: certificatesv1.CertificateSigningRequest, subresource: 'status' | 'approval', outcome: Outcome): Promise<void> {
  const served = core.catalog.find('certificates.k8s.io', 'v1', 'certificatesigningrequests');
  if (served === undefined) return;
  const scope: Scope = { served, namespace: undefined, name: request.metadata.name ?? '', subresource, user: USER, userAgent: FLAGS.fieldManager };
  try {
    await changeObject(core, scope, (live) => withStatus(live, outcome), FLAGS);
  } catch (error) {
    // Deleted in the meantime.
    if (!isStatus(error, 'NotFound')) throw error;
  }
}

type Outcome = { readonly certificate: string } | { readonly condition: certificatesv1.CertificateSigningRequestCondition };

function outcomeOf(core: Core, authority: CertificateAuthority, { spec }: certificatesv1.CertificateSigningRequest): Outcome {
  const now = toTimestamp(core.clock.now());
  const failed = (message: string): Outcome => ({
    condition: { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, lastUpdateTime: now, lastTransitionTime: now },
  });
  try {
    const parsed = parseCertificateRequest(Buffer.from(spec?.request ?? '', 'base64').toString());
    const usages = spec?.usages ?? [];
    const refusal = refusalOf(spec?.signerName ?? '', parsed, usages);
    if (refusal !== undefined) return failed(refusal);
    const seconds = Math.max(MIN_SECONDS, Math.min(YEAR_SECONDS, spec?.expirationSeconds ?? YEAR_SECONDS));
    const pem = authority.signRequest(parsed, { usages, fromMs: core.clock.now(), seconds });
    return { certificate: Buffer.from(pem).toString('base64') };
  } catch (error) {
    return failed(`unable to sign: ${messageOf(error)}`);
  }
}

function withStatus(live: Draft, outcome: Outcome): Draft {
  const { status } = draftAs<certificatesv1.CertificateSigningRequest>(live);
  live.status =
    'certificate' in outcome ? { ...status, certificate: outcome.certificate } : { ...status, conditions: [...(status?.conditions ?? []), outcome.condition] };
  return live;
}
