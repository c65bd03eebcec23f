import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@tiphys/kernel';
import { encodeKubeProtobuf } from '@tiphys/kube-model';
import { expect, it } from 'vitest';
import { startTestServer } from '../test-server.test-suite.ts';
import { createAuditFile } from './file-backend.ts';
import { parseAuditPolicy } from './policy.ts';

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [kubernetes-admin], verbs: [get], resources: [{group: "", resources: [configmaps]}]}
- {level: Request, resources: [{group: "", resources: [pods]}]}
- {level: RequestResponse, resources: [{group: ""}], omitManagedFields: true}
- {level: Metadata, nonResourceURLs: ["/api*"], omitStages: [ResponseComplete], }
- {level: Metadata}
`;
interface AuditEvent {
  readonly level: string;
  readonly stage: string;
  readonly verb?: string;
  readonly requestURI: string;
  readonly [field: string]: unknown;
}

it('records what the policy says, and never the body of a Secret', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tiphys-audit-'));
  const path = join(dir, 'audit.log');
  const server = await startTestServer({ audit: { policy: parseAuditPolicy(POLICY), file: { path } } });
  const maps = '/api/v1/namespaces/default/configmaps';
  const created = await server.call('POST', maps, {
    raw: encodeKubeProtobuf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: '1' } } as never),
    contentType: 'application/vnd.kubernetes.protobuf',
    headers: { 'audit-id': 'given-by-me' },
  });
  expect(created.headers['audit-id']).toBe('given-by-me');
  await server.call('GET', `${maps}/m`);
  await server.call('POST', '/api/v1/namespaces/default/secrets', {
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: 'hidden-value' } },
  });
  await server.call('GET', '/api/v1/namespaces/default/secrets/s');
  await server.call('GET', '/api/v1/secrets', { headers: { 'impersonate-user': 'eve' } });
  await server.call('GET', '/api');
  await server.call('GET', '/apis/apps/v1/deployments', { token: 'wrong' });
  await server.call('GET', `/apis/apps/v1/deployments?watch=1&timeoutSeconds=1`);
  await server[Symbol.asyncDispose]();
  const text = readFileSync(path, 'utf8');
  expect(text).not.toContain('hidden-value');
  expect(text).not.toContain(Buffer.from('hidden-value').toString('base64'));
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEvent);
  expect(events[0]).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: 'given-by-me',
    stage: 'ResponseComplete',
    requestURI: maps,
    verb: 'create',
    user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'tests/1.0',
    objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' },
    responseStatus: { code: 201 },
    requestObject: { kind: 'ConfigMap', data: { a: '1' } },
    responseObject: { kind: 'ConfigMap', metadata: { uid: expect.any(String) } },
    requestReceivedTimestamp: expect.stringMatching(/\.\d{6}Z$/),
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  });
  expect(JSON.stringify(events[0])).not.toContain('managedFields');
  const rest = events
    .slice(1)
    .map((event) => [event.level, event.stage, event.verb, event.requestURI.split('?')[0], (event['responseStatus'] as { code: number }).code]);
  expect(rest).toEqual([
    ['Metadata', 'ResponseComplete', 'create', '/api/v1/namespaces/default/secrets', 201],
    ['Metadata', 'ResponseComplete', 'get', '/api/v1/namespaces/default/secrets/s', 200],
    ['Metadata', 'ResponseComplete', 'list', '/api/v1/secrets', 403],
    ['Metadata', 'ResponseComplete', 'list', '/apis/apps/v1/deployments', 401],
    ['Metadata', 'ResponseStarted', 'watch', '/apis/apps/v1/deployments', 200],
    ['Metadata', 'ResponseComplete', 'watch', '/apis/apps/v1/deployments', 200],
  ]);
  expect(events[3]).toMatchObject({
    impersonatedUser: { username: 'eve' },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
    responseStatus: { reason: 'Forbidden' },
  });
  rmSync(dir, { recursive: true });
});

it('keeps a bounded number of files', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tiphys-audit-'));
  const path = join(dir, 'deep', 'audit.log');
  let nowMs = Date.UTC(2026, 0, 1);
  const backend = createAuditFile(
    { path, maxSizeBytes: 100, maxBackups: 2 },
    { clock: { ...systemClock, now: () => (nowMs += 1_000) }, logger: createLogger({ level: 'silent' }) },
  );
  for (let index = 0; index < 6; index += 1) {
    backend.write(`${index} ${'x'.repeat(80)}`);
    await backend.close();
  }
  const files = readdirSync(join(dir, 'deep')).toSorted();
  expect(files).toHaveLength(3);
  expect(readFileSync(path, 'utf8')).toMatch(/^5 x+\n$/);
  expect(readFileSync(join(dir, 'deep', files[1] ?? ''), 'utf8')).toMatch(/^3 x+\n$/);
  rmSync(dir, { recursive: true });
});

it('refuses a policy it cannot follow, and says where', () => {
  const bad: readonly (readonly [string, string])[] = [
    ['kind: Policy\napiVersion: v1\nmetadata: {}', 'kind'],
    ['kind: Policy\napiVersion: audit.k8s.io/v1\nrules: [{level: Loud}]', 'rules[0].level'],
    ['kind: Policy\napiVersion: audit.k8s.io/v1\nrules: []', 'rules'],
    ['kind: Policy\napiVersion: audit.k8s.io/v1\nomitStages: [Now]\nrules: [{level: None}]', 'omitStages[0]'],
    ['kind: Policy\napiVersion: audit.k8s.io/v1\nrules: [{level: None, nonResourceURLs: [/a], resources: [{}]}]', 'rules[0].nonResourceURLs'],
  ];
  for (const [text, field] of bad) expect(() => parseAuditPolicy(text), text).toThrow(expect.objectContaining({ detail: { code: 'invalid', field } }));
});
