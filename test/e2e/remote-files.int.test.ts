import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configMap, getConfigMap, signal } from './delivery-harness.ts';
import { createSteps, type Steps } from './delivery-steps.ts';

let steps: Steps;
let server: Server;
let origin: string;
let value = 'one';

beforeAll(async () => {
  server = createServer((_request, response) => response.end(configMap('fetched', value)));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // A server that listens on a port has an address with one.
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  steps = await createSteps({ remoteBases: [`${origin}/good/*`], pollIntervalMs: 1 });
});
afterAll(async () => {
  await steps[Symbol.asyncDispose]();
  server.close();
  server.closeAllConnections();
});

const kustomization = (url: string): string => `resources:\n- ${url}\nnamePrefix: my-\n`;

it('a kustomization builds on a file over HTTP that is allowed, and on what it becomes', async () => {
  await steps.push({ 'remote/kustomization.yaml': kustomization(`${origin}/good/map.yaml`) });
  await steps.create('remote');
  expect((await steps.sync('remote')).status?.phase).toBe('Succeeded');
  expect((await getConfigMap(steps.rig.client, 'my-fetched'))?.data).toEqual({ value: 'one' });
  value = 'two';
  await steps.running.controller.refresh('remote', { signal: signal() });
  await steps.until('the new content is noticed', 'remote', ({ status }) => status?.sync?.status === 'OutOfSync');
});

it('a file that is not allowed is refused with what to do', async () => {
  await steps.push({ 'refused/kustomization.yaml': kustomization(`${origin}/bad/map.yaml`) });
  await steps.create('refused');
  const { status } = await steps.until('it is refused', 'refused', (app) => (app.status?.conditions ?? []).length > 0);
  expect(status?.conditions?.[0]?.message).toMatch(/bad\/map\.yaml: remote file cannot be fetched.*--remote-bases/);
});
