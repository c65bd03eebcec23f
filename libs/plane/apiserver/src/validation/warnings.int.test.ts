import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { apiVersionOf, container, PATHS, podSpec, selector, type Json } from './objects.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

async function warnings(kind: string, fields: Json, metadata: Json = { name: 'x' }): Promise<string> {
  const answer = await t.call('POST', `${PATHS[kind]}?dryRun=All`, { body: { apiVersion: apiVersionOf(kind), kind, metadata, ...fields } });
  expect(answer.code, answer.text).toBe(201);
  return String(answer.headers['warning'] ?? '').replaceAll('\\"', '"');
}

it('tells of what is legal and still a mistake', async () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
  ];
  const spec = podSpec({
    containers: [container({ env, ports: [{ containerPort: 80 }, { containerPort: 80 }], resources: { requests: { memory: '100m' } } })],
  });
  const told = await warnings('Pod', { spec });
  expect(told).toContain('spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply');
  expect(told).toContain('spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]');
  expect(told).toContain('spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer');
  const template = { metadata: { labels: { a: 'b' } }, spec: podSpec({ nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }) };
  expect(await warnings('Deployment', { spec: { selector, template } })).toBe(
    '299 - "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead"',
  );
});

it('takes owners that are listed twice once', async () => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: '0b1c2d3e' };
  expect(await warnings('ConfigMap', {}, { name: 'x', ownerReferences: [owner, owner] })).toContain('duplicate UID(s) observed: 0b1c2d3e');
});

it('tells of names, finalizers and APIs that are better avoided', async () => {
  expect(await warnings('Pod', { spec: podSpec() }, { name: 'a.b' })).toContain("metadata.name: this is used in the Pod's hostname");
  expect(await warnings('ConfigMap', {}, { name: 'x', finalizers: ['plain', 'example.com/x'] })).toBe(
    '299 - "metadata.finalizers: "plain": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"',
  );
  expect(await warnings('Endpoints', {})).toBe('299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
});
