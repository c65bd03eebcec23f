import type { Crd } from './crd.ts';

const ANNOTATION = 'api-approved.kubernetes.io';
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';

/** What the annotation of a CRD in a group of the Kubernetes community says (apiextensions apihelpers GetAPIApprovalState). */
export interface Approval {
  readonly state: 'approved' | 'bypassed' | 'missing' | 'invalid';
  readonly value: string;
  readonly reason: string;
}

/** The approval of a CRD; undefined where none is needed. */
export function approvalOf({ spec, metadata }: Pick<Crd, 'spec' | 'metadata'>): Approval | undefined {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(spec.group ?? '')) return undefined;
  const value = metadata.annotations?.[ANNOTATION] ?? '';
  if (value === '') return { state: 'missing', value, reason: `protected groups must have approval annotation ${JSON.stringify(ANNOTATION)}, ${SEE}` };
  if (value.startsWith('unapproved')) return { state: 'bypassed', value, reason: `not approved: ${JSON.stringify(value)}` };
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]/.test(value)) return { state: 'approved', value, reason: `approved in ${value}` };
  const reason = `protected groups must have approval annotation ${JSON.stringify(ANNOTATION)} with either a URL or a reason starting with "unapproved", ${SEE}`;
  return { state: 'invalid', value, reason };
}
