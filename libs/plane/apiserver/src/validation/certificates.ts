import type { certificatesv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { format, maxBytes, oneOf, unique } from './checks.ts';
import { domainPath } from './formats.ts';
import { kindRules, type KindRules } from './kind-rules.ts';

type Request = certificatesv1.CertificateSigningRequest;

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const MIN_SECONDS = 600;

export const certificateSigningRequest: KindRules = kindRules<Request>({
  rows: [
    ['spec.signerName', format(domainPath), 'required'],
    ['spec.signerName', maxBytes(571)],
    ['spec.usages[]', oneOf(...USAGES)],
    ['spec.usages', unique()],
  ],
  check: ({ spec, status }, problems) => {
    if (spec === undefined) return void problems.push(problem.required('spec'));
    if ((spec.usages ?? []).length === 0) problems.push(problem.required('spec.usages', 'usages must be specified'));
    const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
    if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----[\s\S]+-----END/.test(pem))
      problems.push(problem.invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST'));
    if (spec.expirationSeconds !== undefined && spec.expirationSeconds < MIN_SECONDS)
      problems.push(problem.invalid('spec.expirationSeconds', spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
    checkConditions(status?.conditions ?? [], problems);
  },
  update: checkDecisions,
  status: (object, live, problems) => {
    checkConditions(object.status?.conditions ?? [], problems);
    checkDecisions(object, live, problems);
    const [now = '', before = ''] = [object.status?.certificate, live.status?.certificate];
    if (before !== '' && now !== before) problems.push(problem.forbidden('status.certificate', 'updates may not change a certificate once it is set'));
    else if (now !== '' && !/-----BEGIN CERTIFICATE-----/.test(Buffer.from(now, 'base64').toString('latin1')))
      problems.push(problem.invalid('status.certificate', '<certificate data>', 'must contain at least one CERTIFICATE PEM block'));
  },
});

function checkConditions(conditions: readonly certificatesv1.CertificateSigningRequestCondition[], problems: FieldProblem[]): void {
  const types = new Set<string>();
  for (const [index, { type, status }] of conditions.entries()) {
    const at = `status.conditions[${index}]`;
    if ((type ?? '') === '') problems.push(problem.required(`${at}.type`));
    if ((status ?? '') === '') problems.push(problem.required(`${at}.status`));
    else if (['Approved', 'Denied', 'Failed'].includes(type) && status !== 'True') problems.push(problem.notSupported(`${at}.status`, status, ['True']));
    if (types.has(type)) problems.push(problem.duplicate(`${at}.type`, type));
    types.add(type);
  }
  if (types.has('Approved') && types.has('Denied'))
    problems.push(problem.invalid('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive'));
}

// A decision stands.
function checkDecisions(object: Request, live: Request, problems: FieldProblem[]): void {
  const types = new Set((object.status?.conditions ?? []).map(({ type }) => type));
  for (const { type } of live.status?.conditions ?? [])
    if (['Approved', 'Denied', 'Failed'].includes(type) && !types.has(type))
      problems.push(problem.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`));
}
