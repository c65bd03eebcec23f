import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createLogger, sleep, systemClock } from '@tiphys/kernel';
import { createInformer, createKubeClient, listAll, loadKubeconfigClient, RestMapper, type Informer, type KubeClient } from '@tiphys/kube-client';
import { builtin, isStatus, keyOf, type corev1 } from '@tiphys/kube-model';
import { startApiServer, type ApiServer } from '@tiphys/plane-apiserver';
import { createMemoryStore, type Store } from '@tiphys/plane-store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const configMaps = builtin('v1', 'ConfigMap');
const logger = createLogger({ level: 'silent' });
const stop = { current: new AbortController() };

/** A TCP relay that can cut every connection through it. */
class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  target = 0;

  constructor() {
    this.#server = createServer((from) => {
      const to = connect(this.target, '127.0.0.1');
      for (const socket of [from, to]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          from.destroy();
          to.destroy();
        });
      }
      from.pipe(to).pipe(from);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(10, stop.current.signal);
  }
}

const configMap = (name: string, value: string): corev1.ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
});

let stateDir: string;
let store: Store;
let server: ApiServer;
let relay: Relay;
let direct: KubeClient;
let relayed: KubeClient;
let informer: Informer<corev1.ConfigMap>;
let running: Promise<void>;

async function startServer(): Promise<void> {
  server = await startApiServer({ store, logger, clock: systemClock, stateDir });
  relay.target = server.port;
}

async function equalsList(): Promise<boolean> {
  const list = await listAll<corev1.ConfigMap>(direct, configMaps, { signal: stop.current.signal });
  const versions = (objects: readonly corev1.ConfigMap[]): string =>
    objects
      .map((object) => `${keyOf(object)}@${object.metadata.resourceVersion ?? ''}`)
      .toSorted()
      .join();
  return versions(list.items) === versions(informer.list());
}

beforeEach(async () => {
  stop.current = new AbortController();
  stateDir = await mkdtemp(path.join(tmpdir(), 'tiphys-informer-'));
  store = createMemoryStore({ clock: systemClock });
  relay = new Relay();
  const port = await relay.listen();
  await startServer();
  direct = createKubeClient({ server: server.url, ca: server.caPem, token: server.adminToken });
  relayed = createKubeClient({ server: `https://127.0.0.1:${port}`, ca: server.caPem, token: server.adminToken });
  informer = createInformer<corev1.ConfigMap>({ type: configMaps }, { client: relayed, clock: systemClock, logger, random: () => 0 });
  running = informer.run(stop.current.signal);
  await informer.waitForSync(stop.current.signal);
});

afterEach(async () => {
  stop.current.abort();
  await running;
  await Promise.all([direct.close(), relayed.close()]);
  await relay.close();
  await server.close();
  await store.close();
  await rm(stateDir, { recursive: true, force: true });
});

describe('an informer', () => {
  it('follows creates, updates and deletes, each told once and in order', async () => {
    const told: string[] = [];
    informer.onEvent((event) => void (event.object.metadata.name === 'a' && told.push(`${event.type} ${event.object.data?.['value'] ?? ''}`)));
    const { signal } = stop.current;
    await direct.create(configMaps, configMap('a', '1'), { signal });
    await direct.patch(configMaps, { namespace: 'default', name: 'a' }, { data: { value: '2' } }, { type: 'merge', signal });
    await direct.delete(configMaps, { namespace: 'default', name: 'a' }, { signal });
    await until('the delete is seen', () => told.length === 3);
    expect(told).toEqual(['added 1', 'updated 2', 'deleted 2']);
  });

  it('survives cut connections while writes go on, and ends equal to a list', async () => {
    const { signal } = stop.current;
    for (let round = 0; round < 10; round += 1) {
      await direct.create(configMaps, configMap(`c${round}`, '0'), { signal });
      relay.cut();
      await direct.patch(configMaps, { namespace: 'default', name: `c${round}` }, { data: { value: '1' } }, { type: 'merge', signal });
      if (round % 3 === 0) await direct.delete(configMaps, { namespace: 'default', name: `c${round}` }, { signal });
    }
    await until('the cache equals a list', equalsList);
    expect(informer.list('default').filter((object) => object.metadata.name?.startsWith('c')).length).toBe(6);
  });

  it('lists anew when its place in the history is gone (410), and tells what vanished meanwhile', async () => {
    const { signal } = stop.current;
    await direct.create(configMaps, configMap('old', '1'), { signal });
    await until('it is there', () => informer.get('old', 'default') !== undefined);
    const told: string[] = [];
    informer.onEvent((event) => void (event.type === 'deleted' && told.push(event.object.metadata.name ?? '')));
    const port = relay.target;
    relay.target = 1; // Nobody listens there: the informer is out of reach while history is dropped.
    relay.cut();
    await direct.delete(configMaps, { namespace: 'default', name: 'old' }, { signal });
    await direct.create(configMaps, configMap('new', '1'), { signal });
    store.compact(store.revision);
    relay.target = port;
    await until('the new one is seen', () => informer.get('new', 'default') !== undefined);
    expect(informer.get('old', 'default')).toBeUndefined();
    expect(told).toEqual(['old']);
    await until('the cache equals a list', equalsList);
  });

  it('finds its way back to a server that was restarted', async () => {
    const { signal } = stop.current;
    await server.close();
    await startServer();
    await direct.close();
    direct = createKubeClient({ server: server.url, ca: server.caPem, token: server.adminToken });
    await direct.create(configMaps, configMap('after', '1'), { signal });
    await until('the same informer sees what was written since', () => informer.get('after', 'default') !== undefined);
    await until('the cache equals a list', equalsList);
  });

  it('finds objects by index, and forgets old values', async () => {
    const { signal } = stop.current;
    informer.addIndex('value', (object) => (object.data?.['value'] === undefined ? [] : [object.data['value']]));
    await direct.create(configMaps, configMap('i', 'x'), { signal });
    await until('indexed', () => informer.byIndex('value', 'x').length === 1);
    await direct.patch(configMaps, { namespace: 'default', name: 'i' }, { data: { value: 'y' } }, { type: 'merge', signal });
    await until('moved', () => informer.byIndex('value', 'y').length === 1);
    expect(informer.byIndex('value', 'x')).toEqual([]);
  });
});

describe('a client', () => {
  it('reads a kubeconfig with a client certificate', async () => {
    const client = await loadKubeconfigClient({ from: { text: server.adminKubeconfig() } });
    const list = await client.list(builtin('v1', 'Namespace'), { signal: stop.current.signal });
    expect(list.items.map((item) => item.metadata.name)).toContain('default');
    await client.close();
  });

  it('throws the Status of the API and says what cannot be reached', async () => {
    const { signal } = stop.current;
    await expect(direct.get(configMaps, { namespace: 'default', name: 'nope' }, { signal })).rejects.toSatisfy((error) => isStatus(error, 'NotFound'));
    const nobody = createKubeClient({ server: 'https://127.0.0.1:1', ca: server.caPem });
    await expect(nobody.list(configMaps, { signal })).rejects.toMatchObject({ name: 'ConnectionError', detail: { code: 'unreachable' } });
    await nobody.close();
  });

  it('discovers kinds, and new ones on demand', async () => {
    const { signal } = stop.current;
    const mapper = new RestMapper(direct, systemClock);
    expect(await mapper.find('apps/v1', 'Deployment', signal)).toMatchObject({ resource: 'deployments', namespaced: true });
    expect(await mapper.find('example.com/v1', 'Widget', signal)).toBeUndefined();
  });

  it('pages through a list at one revision', async () => {
    const { signal } = stop.current;
    await Promise.all(Array.from({ length: 25 }, (_, index) => direct.create(configMaps, configMap(`p${index}`, '1'), { signal })));
    const all = await listAll(direct, configMaps, { namespace: 'default', limit: 7, signal });
    expect(all.items.filter((item) => item.metadata.name?.startsWith('p')).length).toBe(25);
  });
});
