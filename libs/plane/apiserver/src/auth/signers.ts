import type { CertificateRequest } from './certificate-request.ts';

/** The signers this server is (pkg/controller/certificates/signer). */
export const SIGNERS: ReadonlySet<string> = new Set([
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/legacy-unknown',
]);

const CLIENT = ['digital signature', 'key encipherment', 'client auth'];
const SERVING = ['digital signature', 'key encipherment', 'server auth'];

/** Why a signer does not sign a request; undefined when it does. */
export function refusalOf(signerName: string, request: CertificateRequest, usages: readonly string[]): string | undefined {
  switch (signerName) {
    case 'kubernetes.io/kube-apiserver-client':
      return usageProblem(usages, CLIENT, 'client auth');
    case 'kubernetes.io/kube-apiserver-client-kubelet':
      return (
        usageProblem(usages, CLIENT, 'client auth') ??
        nodeProblem(request) ??
        (Object.values(request.names).some((count) => count > 0) ? 'alternative names are not allowed' : undefined)
      );
    case 'kubernetes.io/kubelet-serving':
      return usageProblem(usages, SERVING, 'server auth') ?? nodeProblem(request) ?? servingProblem(request);
    case 'kubernetes.io/legacy-unknown':
      return undefined;
    default:
      return `signer ${JSON.stringify(signerName)} is not here`;
  }
}

function usageProblem(usages: readonly string[], allowed: readonly string[], needed: string): string | undefined {
  const surplus = usages.find((usage) => !allowed.includes(usage));
  if (surplus !== undefined) return `invalid usage for this signer: ${surplus}`;
  return usages.includes(needed) ? undefined : `missing usage: ${needed}`;
}

function nodeProblem({ commonName, organizations }: CertificateRequest): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes') return 'organization must be exactly system:nodes';
  return commonName.startsWith('system:node:') && commonName.length > 'system:node:'.length ? undefined : 'common name must begin with system:node:';
}

function servingProblem({ names }: CertificateRequest): string | undefined {
  if (names.email > 0 || names.uri > 0 || names.other > 0) return 'alternative names may only be of DNS and addresses';
  return names.dns + names.address > 0 ? undefined : 'at least one DNS name or address is needed';
}

// Bits of KeyUsage (RFC 5280 4.2.1.3).
const KEY_USAGES: readonly (readonly string[])[] = [
  ['digital signature', 'signing'],
  ['content commitment'],
  ['key encipherment'],
  ['data encipherment'],
  ['key agreement'],
  ['cert sign'],
  ['crl sign'],
  ['encipher only'],
  ['decipher only'],
];
const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** The bits of KeyUsage that usages name, the first bit first. */
export function keyUsageBits(usages: readonly string[]): readonly boolean[] {
  return KEY_USAGES.map((names) => names.some((name) => usages.includes(name)));
}

/** The identifiers of ExtendedKeyUsage that usages name. */
export function extendedUsageIds(usages: readonly string[]): readonly string[] {
  return [...new Set(usages.flatMap((usage) => EXTENDED_USAGES[usage] ?? []))];
}
