import type { certificatesv1 } from '@tiphys/kube-model';
import type { Scope } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { invalid, problem } from '../failures.ts';

const DECISIONS: readonly string[] = ['Approved', 'Denied'];

/** Refuses to take back or to contradict what was decided of a CertificateSigningRequest (apis/certificates/validation). */
export function checkApproval(scope: Scope, draft: Draft, live: Draft | undefined): void {
  if (scope.subresource !== 'approval') return;
  const types = typesOf(draft);
  const gone = typesOf(live).filter((type) => (DECISIONS.includes(type) || type === 'Failed') && !types.includes(type));
  const problems = [
    ...gone.map((type) => problem.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)),
    ...(DECISIONS.every((type) => types.includes(type))
      ? [problem.invalid('status.conditions', types, 'Approved and Denied conditions are mutually exclusive')]
      : []),
    ...types.filter((type, index) => types.indexOf(type) < index).map((type) => problem.duplicate('status.conditions', type)),
  ];
  if (problems.length > 0) throw invalid('certificates.k8s.io', 'CertificateSigningRequest', scope.name, problems);
}

function typesOf(draft: Draft | undefined): readonly string[] {
  if (draft === undefined) return [];
  return (draftAs<certificatesv1.CertificateSigningRequest>(draft).status?.conditions ?? []).map(({ type }) => type);
}
