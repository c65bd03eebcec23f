import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKubeconfigClient, type KubeClient } from '@tiphys/kube-client';
import { builtin, isStatus, type corev1 } from '@tiphys/kube-model';
import { eventually, startTiphys, type TiphysProcess } from '@tiphys/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { findViolations, type RegisterOperation, type RegisterVersion } from './register-history.ts';

// Rounds of kill -9 under writers; the long run is asked for by name.
const ROUNDS = Number(process.env['TIPHYS_CRASH_ROUNDS'] ?? 4);
const WRITERS = 64;
const CONFIG_MAPS = builtin('v1', 'ConfigMap');
const NAMESPACE = 'default';
const REGISTER = 'register';

const home = mkdtempSync(join(tmpdir(), 'tiphys-writes-'));
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

const configMap = (name: string, value: string, resourceVersion?: string): corev1.ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: NAMESPACE, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  data: { value },
});
const revisionOf = (object: corev1.ConfigMap): number => Number(object.metadata.resourceVersion);

/** What the clients were told, and what a watcher saw. */
interface History {
  /** name → revision of creates that were acknowledged. */
  readonly acknowledged: Map<string, number>;
  readonly events: { readonly type: string; readonly name: string; readonly value: string; readonly revision: number }[];
  readonly operations: RegisterOperation[];
}

async function writeRegister(client: KubeClient, history: History, value: string, withCompare: boolean, signal: AbortSignal): Promise<void> {
  const { operations } = history;
  const key = { namespace: NAMESPACE, name: REGISTER };
  const readAt = performance.now();
  const live = await client.get<corev1.ConfigMap>(CONFIG_MAPS, key, { signal });
  operations.push({ kind: 'read', start: readAt, end: performance.now(), revision: revisionOf(live), value: live.data?.['value'] ?? '' });
  const compare = withCompare ? { expected: revisionOf(live) } : {};
  const start = performance.now();
  try {
    const written = await client.update(CONFIG_MAPS, configMap(REGISTER, value, withCompare ? live.metadata.resourceVersion : undefined), { signal });
    operations.push({ kind: 'write', start, end: performance.now(), revision: revisionOf(written), value, ...compare });
  } catch (error) {
    if (isStatus(error, 'Conflict') && compare.expected !== undefined)
      operations.push({ kind: 'refused', start, end: performance.now(), value, expected: compare.expected });
    else operations.push({ kind: 'unknown', start, value, ...compare });
    if (!isStatus(error, 'Conflict')) throw error;
  }
}

/** Writes until the connection breaks. */
async function writer(client: KubeClient, history: History, id: string, signal: AbortSignal): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const name = `${id}-${count}`;
    try {
      // Few enough contend for the register that compare-and-set succeeds now and then.
      if (Number(id.split('-')[1]) < 8) await writeRegister(client, history, name, count % 2 === 0, signal);
      const created = await client.create(CONFIG_MAPS, configMap(name, name), { signal });
      history.acknowledged.set(name, revisionOf(created));
    } catch {
      return;
    }
  }
}

/** Follows every change over all restarts, always from the last revision seen. */
async function follow(client: KubeClient, history: History, from: string, signal: AbortSignal): Promise<void> {
  let resourceVersion = from;
  while (!signal.aborted) {
    try {
      for await (const { type, object } of client.watch<corev1.ConfigMap>(CONFIG_MAPS, { namespace: NAMESPACE, resourceVersion, signal })) {
        resourceVersion = object.metadata.resourceVersion ?? '';
        if (type !== 'BOOKMARK')
          history.events.push({ type, name: object.metadata.name ?? '', value: object.data?.['value'] ?? '', revision: revisionOf(object) });
      }
    } catch (error) {
      // Anything the server says is a failure of this test; only a lost connection is expected.
      if (isStatus(error)) throw error;
    }
  }
}

describe('the plane under kill -9', () => {
  it(`loses no acknowledged write and no event in ${ROUNDS} rounds with ${WRITERS} writers`, { timeout: 60_000 + ROUNDS * 10_000 }, async () => {
    const kubeconfig = join(home, 'config');
    const start = (port: number): Promise<TiphysProcess> =>
      startTiphys(['plane', '--data-dir', join(home, 'plane'), '--https-port', String(port), '--kubeconfig-out', kubeconfig], { home });
    let plane = await start(0);
    const port = Number(new URL(plane.ready['server'] ?? '').port);
    const client = await loadKubeconfigClient({ from: { path: kubeconfig } });
    const stop = new AbortController();
    const history: History = { acknowledged: new Map(), events: [], operations: [] };
    const first = await client.create(CONFIG_MAPS, configMap(REGISTER, 'first'), { signal: stop.signal });
    const following = follow(client, history, first.metadata.resourceVersion ?? '', stop.signal);
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = history.acknowledged.size;
      const writing = Promise.all(Array.from({ length: WRITERS }, (_, id) => writer(client, history, `r${round}-${id}`, stop.signal)));
      // The moment of death moves through the batches.
      await eventually(
        'enough was written',
        () => history.acknowledged.size - before,
        (count) => count >= 200 + round * 7,
        30_000,
      );
      await plane.stop('SIGKILL');
      await writing;
      plane = await start(port);
    }
    const last = await client.create(CONFIG_MAPS, configMap('last', 'last'), { signal: stop.signal });
    await eventually(
      'the watcher has seen the end',
      () => history.events.at(-1)?.revision,
      (revision) => revision === revisionOf(last),
      30_000,
    );
    const list = await client.list<corev1.ConfigMap>(CONFIG_MAPS, { namespace: NAMESPACE, signal: stop.signal });
    stop.abort();
    await following;
    await client.close();
    await plane.stop();

    const stored = new Map(list.items.map((object) => [object.metadata.name ?? '', revisionOf(object)]));
    expect([...history.acknowledged].filter(([name, revision]) => stored.get(name) !== revision)).toStrictEqual([]);
    const revisions = history.events.map(({ revision }) => revision);
    expect(revisions.every((revision, index) => index === 0 || revision > (revisions[index - 1] ?? 0))).toBe(true);
    const seen = new Map(history.events.filter(({ type }) => type === 'ADDED').map(({ name, revision }) => [name, revision]));
    // What is stored was told, whether acknowledged or not.
    expect([...stored].filter(([name, revision]) => name !== REGISTER && name !== 'kube-root-ca.crt' && seen.get(name) !== revision)).toStrictEqual([]);
    const versions: readonly RegisterVersion[] = [
      { revision: revisionOf(first), value: 'first' },
      ...history.events.filter(({ name }) => name === REGISTER).map(({ revision, value }) => ({ revision, value })),
    ];
    expect(versions.length).toBeGreaterThan(ROUNDS);
    expect(findViolations(versions, history.operations)).toStrictEqual([]);
    const count = (kind: string): number => history.operations.filter((operation) => operation.kind === kind).length;
    process.stdout.write(
      `plane under kill -9: ${ROUNDS} rounds, ${history.acknowledged.size} acknowledged creates, 0 lost; register: ${count('read')} reads, ${count('write')} writes, ${count('refused')} refused, ${count('unknown')} unknown, linearizable\n`,
    );
  });
});
