import type { certificatesv1, corev1, Mutable } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';

type SigningRequest = Mutable<certificatesv1.CertificateSigningRequest>;

/** What a subresource writes of its object; everything else stays as it is (the Prepare functions of the registries' strategies). */
export function keepOthersThan(subresource: string | undefined, live: Draft, draft: Draft): void {
  if (subresource === undefined) return;
  const kind = `${live.apiVersion}/${live.kind}/${subresource}`;
  if (kind === 'v1/Pod/ephemeralcontainers') onlySpec(live, draft, (spec, from) => Object.assign(spec, { ephemeralContainers: from.ephemeralContainers }));
  else if (kind === 'v1/Pod/resize') onlySpec(live, draft, resized);
  else if (kind === 'certificates.k8s.io/v1/CertificateSigningRequest/approval') onlyDecisions(live, draft);
  else if (kind === 'certificates.k8s.io/v1/CertificateSigningRequest/status') keepDecisions(live, draft);
}

function onlySpec(live: Draft, draft: Draft, take: (spec: Mutable<corev1.PodSpec>, from: Mutable<corev1.PodSpec>) => void): void {
  const [kept, wanted] = [draftAs<corev1.Pod>(structuredClone(live)), draftAs<corev1.Pod>(draft)];
  if (kept.spec !== undefined && wanted.spec !== undefined) take(kept.spec, wanted.spec);
  const { managedFields, resourceVersion } = wanted.metadata;
  const metadata = {
    ...kept.metadata,
    ...(managedFields === undefined ? {} : { managedFields }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  Object.assign(wanted, kept, { metadata });
}

function resized(spec: Mutable<corev1.PodSpec>, from: Mutable<corev1.PodSpec>): void {
  for (const list of ['containers', 'initContainers'] as const) {
    for (const container of spec[list] ?? []) {
      const wanted = from[list]?.find(({ name }) => name === container.name);
      if (wanted === undefined) continue;
      if (wanted.resources === undefined) delete container.resources;
      else container.resources = wanted.resources;
      if (wanted.resizePolicy !== undefined) container.resizePolicy = wanted.resizePolicy;
    }
  }
}

const DECISIONS: ReadonlySet<string> = new Set(['Approved', 'Denied']);

// Approval says yes or no and nothing else.
function onlyDecisions(live: Draft, draft: Draft): void {
  const [kept, wanted] = [draftAs<certificatesv1.CertificateSigningRequest>(structuredClone(live)), draftAs<certificatesv1.CertificateSigningRequest>(draft)];
  const conditions = wanted.status?.conditions ?? [];
  if (kept.spec !== undefined) wanted.spec = kept.spec;
  wanted.status = { ...kept.status, ...(conditions.length > 0 ? { conditions } : {}) };
}

// A signer cannot decide: decisions are as they were.
function keepDecisions(live: Draft, draft: Draft): void {
  const of = (object: SigningRequest): Mutable<certificatesv1.CertificateSigningRequestCondition>[] => object.status?.conditions ?? [];
  const wanted = draftAs<certificatesv1.CertificateSigningRequest>(draft);
  const decided = of(draftAs<certificatesv1.CertificateSigningRequest>(structuredClone(live))).filter(({ type }) => DECISIONS.has(type));
  const conditions = [...decided, ...of(wanted).filter(({ type }) => !DECISIONS.has(type))];
  if (conditions.length > 0 || wanted.status?.conditions !== undefined) wanted.status = { ...wanted.status, conditions };
}
