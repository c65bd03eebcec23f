import { deepEqual, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format } from '../checks.ts';
import { configKey } from '../formats.ts';
import { kindRules, type KindRules } from '../kind-rules.ts';

const MAX_DATA_BYTES = 1_048_576;

type Data = Readonly<Record<string, string>>;

function checkKeys(data: Data, field: string, problems: FieldProblem[]): void {
  for (const key of Object.keys(data)) format(configKey, 'refused')(key, `${field}[${key}]`, problems);
}

const base64Bytes = (text: string): number => Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const configMap: KindRules = kindRules<corev1.ConfigMap>({
  check: ({ data = {}, binaryData = {} }, problems) => {
    checkKeys(data, 'data', problems);
    checkKeys(binaryData, 'binaryData', problems);
    for (const key of Object.keys(data))
      if (Object.hasOwn(binaryData, key)) problems.push(problem.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    const bytes = sum(Object.values(data).map((text) => Buffer.byteLength(text))) + sum(Object.values(binaryData).map(base64Bytes));
    if (bytes > MAX_DATA_BYTES) problems.push(problem.tooLong('', MAX_DATA_BYTES));
  },
  update: (now, live, problems) => checkFrozen(now, live, ['data', 'binaryData'], problems),
});

function checkFrozen(
  now: corev1.ConfigMap | corev1.Secret,
  live: corev1.ConfigMap | corev1.Secret,
  fields: readonly ('data' | 'binaryData')[],
  problems: FieldProblem[],
): void {
  if (live.immutable !== true) return;
  const text = 'field is immutable when `immutable` is set';
  if (now.immutable !== true) problems.push(problem.forbidden('immutable', text));
  const pick = (from: corev1.ConfigMap | corev1.Secret, field: string): unknown => Object.entries(from).find(([name]) => name === field)?.[1];
  for (const field of fields) if (!deepEqual(pick(now, field) ?? {}, pick(live, field) ?? {})) problems.push(problem.forbidden(field, text));
}

// Keys that secrets of a type have; of several alternatives one is enough.
const KEYS_OF_TYPE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
  'kubernetes.io/basic-auth': [['username', 'password']],
};
const JSON_KEYS: ReadonlySet<string> = new Set(['.dockerconfigjson', '.dockercfg']);

export const secret: KindRules = kindRules<corev1.Secret>({
  check: checkSecret,
  update: (now, live, problems) => checkFrozen(now, live, ['data'], problems),
  immutable: ['type'],
});

function checkSecret({ metadata, type = '', data = {} }: corev1.Secret, problems: FieldProblem[]): void {
  checkKeys(data, 'data', problems);
  if (sum(Object.values(data).map(base64Bytes)) > MAX_DATA_BYTES) problems.push(problem.tooLong('data', MAX_DATA_BYTES));
  if (type === 'kubernetes.io/service-account-token' && (metadata.annotations?.['kubernetes.io/service-account.name'] ?? '') === '')
    problems.push(problem.required('metadata.annotations[kubernetes.io/service-account.name]'));
  for (const alternatives of KEYS_OF_TYPE[type] ?? []) {
    if (alternatives.some((key) => data[key] !== undefined)) continue;
    for (const key of alternatives) problems.push(problem.required(`data[${key}]`));
  }
  for (const [key, value] of Object.entries(data))
    if (JSON_KEYS.has(key) && (KEYS_OF_TYPE[type] ?? []).flat().includes(key) && !isJson(value))
      problems.push(problem.invalid(`data[${key}]`, '<secret contents redacted>', 'invalid JSON'));
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return true;
  } catch {
    // Not JSON; its text is a secret and is not told.
    return false;
  }
}
