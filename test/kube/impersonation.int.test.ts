import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createInformerFactory, createKubeClient } from '@tiphys/kube-client';
import { createLogger, systemClock } from '@tiphys/kernel';
import { builtin } from '@tiphys/kube-model';
import { startApiServer } from '@tiphys/plane-apiserver';
import { createMemoryStore } from '@tiphys/plane-store';
import { eventually } from '@tiphys/testkit';
import { expect, it } from 'vitest';

const CONFIG_MAPS = builtin('v1', 'ConfigMap');
const logger = createLogger({ level: 'silent' });
const signal = (): AbortSignal => AbortSignal.timeout(10_000);

it('asks in the name of somebody else over the same connections', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.setHeader('content-type', 'application/json').end('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = createKubeClient({ server: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, token: 't' });
  const other = client.impersonate('system:serviceaccount:shop:deployer');
  await other.get(CONFIG_MAPS, { name: 'a', namespace: 'shop' }, { signal: signal() });
  await other.close();
  await client.get(CONFIG_MAPS, { name: 'a', namespace: 'shop' }, { signal: signal() });
  expect(seen.map((headers) => [headers['impersonate-user'], headers.authorization])).toEqual([
    ['system:serviceaccount:shop:deployer', 'Bearer t'],
    [undefined, 'Bearer t'],
  ]);
  await client.close();
  server.close();
});

it('says since when a kind cannot be followed, and forgets kinds', async () => {
  const server = await startApiServer({ store: createMemoryStore(), logger });
  const client = createKubeClient({ server: server.url, ca: server.caPem, token: server.adminToken });
  const stop = new AbortController();
  const informers = createInformerFactory({ client, clock: systemClock, logger });
  const running = informers.run(stop.signal);
  const informer = informers.informer({ type: CONFIG_MAPS });
  await informer.waitForSync(signal());
  expect(informer.failure).toBeUndefined();
  informers.forget({ type: CONFIG_MAPS });
  const again = informers.informer({ type: CONFIG_MAPS });
  expect(again).not.toBe(informer);
  await again.waitForSync(signal());
  await server.close();
  const failure = await eventually(
    'the loss is known',
    () => again.failure,
    (found) => found !== undefined,
  );
  expect(failure?.sinceMs).toBeLessThanOrEqual(systemClock.monotonic());
  stop.abort();
  await running;
  await client.close();
});
