import { deepEqual, type certificatesv1 } from '@tiphys/kube-model';
import { isAllowed } from '../auth/authorize.ts';
import type { Core } from '../core.ts';
import { draftAs } from '../draft.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { organizationsOf } from './certificate-subject.ts';
import { refuse } from './refuse.ts';

function isRequest({ operation, scope, object }: AdmissionRequest, wanted: AdmissionRequest['operation'], subresource: string | undefined): boolean {
  const { group, resource } = scope.served;
  return (
    object !== undefined &&
    operation === wanted &&
    scope.subresource === subresource &&
    group === 'certificates.k8s.io' &&
    resource === 'certificatesigningrequests'
  );
}

// Who may act for a signer may so for the signer itself or for all of its domain.
function maySign(core: Core, { scope }: AdmissionRequest, verb: 'approve' | 'sign', signerName: string): boolean {
  const [domain = ''] = signerName.split('/');
  return [signerName, `${domain}/*`].some((name) =>
    isAllowed(core, scope.user, { kind: 'resource', verb, group: 'certificates.k8s.io', resource: 'signers', subresource: '', namespace: '', name }),
  );
}

function signerOf(request: AdmissionRequest): string {
  const { oldObject } = request;
  return oldObject === undefined ? '' : (draftAs<certificatesv1.CertificateSigningRequest>(oldObject).spec?.signerName ?? '');
}

/** Approving needs the right to approve for the signer (plugin/certificates/approval). */
export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  validate(core, request) {
    if (!isRequest(request, 'UPDATE', 'approval')) return;
    const signerName = signerOf(request);
    if (!maySign(core, request, 'approve', signerName))
      throw refuse(request, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
  },
};

/** Setting a certificate needs the right to sign for the signer (plugin/certificates/signing). */
export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  validate(core, request) {
    const { object, oldObject } = request;
    if (!isRequest(request, 'UPDATE', 'status') || object === undefined || oldObject === undefined) return;
    const [now, before] = [object, oldObject].map((draft) => draftAs<certificatesv1.CertificateSigningRequest>(draft).status);
    if (now?.certificate === before?.certificate && deepEqual(now?.conditions, before?.conditions)) return;
    const signerName = signerOf(request);
    if (!maySign(core, request, 'sign', signerName)) throw refuse(request, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
  },
};

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** Nobody becomes an administrator by a certificate they asked for (plugin/certificates/subjectrestriction). */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(_core, request) {
    const { object } = request;
    if (!isRequest(request, 'CREATE', undefined) || object === undefined) return;
    const { spec } = draftAs<certificatesv1.CertificateSigningRequest>(object);
    if (spec?.signerName !== CLIENT_SIGNER) return;
    if (organizationsOf(Buffer.from(spec.request ?? '', 'base64').toString('latin1')).includes('system:masters'))
      throw refuse(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
  },
};
