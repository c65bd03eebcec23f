import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Application } from '@tiphys/delivery-applications';
import { createGitRepo, eventually, processesOf, stillRunning, type TiphysProcess } from '@tiphys/testkit';
import { CONFIG_MAPS } from './delivery-harness.ts';
import { clientOf, createHome, type Home } from './process-harness.ts';

const DEMO = ['up', '--demo', '--port', '0', '--https-port', '0', '--poll-interval', '1s'];
let home: Home;
let up: TiphysProcess;
let before: Application;

beforeAll(async () => {
  home = await createHome();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

const says = async (url: string): Promise<string> => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text();
const answers = (url: string, text: string) =>
  eventually(
    `the Service says "${text}"`,
    () => says(url),
    (body) => body.startsWith(text),
    15_000,
  );
const idsOf = (application: Application): readonly number[] => (application.status?.history ?? []).map(({ id }) => id);

describe('tiphys up --demo', () => {
  it('brings the demo to Synced and Healthy, and its Service answers from both pods', async () => {
    up = await home.start(DEMO);
    expect(up.ready).toMatchObject({ runtime: 'process', console: expect.stringContaining('http://127.0.0.1:'), server: expect.stringContaining('https://') });
    const { url, seconds } = await up.event('demo-healthy');
    process.stderr.write(`demo Synced and Healthy ${String(seconds)} s after start\n`);
    before = await home.settled('demo');
    expect(await answers(String(url), 'Hello from Tiphys')).toMatch(/\(web-\w+-\w+\)/);
    const hosts = new Set<string>();
    await eventually(
      'both pods have answered',
      async () => hosts.add((await says(String(url))).split('(')[1] ?? ''),
      (seen) => seen.size === 2,
    );
  });

  it('turns a commit into what the processes say', async () => {
    const repo = await createGitRepo(path.join(home.folder, 'demo', 'repository'));
    const commit = await repo.commit({
      'web/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {message: Changed}\n',
    });
    before = await home.settled('demo', commit);
    await answers(String((await up.event('demo-healthy'))['url']), 'Changed');
    expect(idsOf(before)).toHaveLength(2);
  });

  it('ends with 0 on SIGTERM and leaves no process', async () => {
    // The process itself, the one that guards its children, two replicas.
    const all = processesOf(home.folder);
    expect(all.length).toBeGreaterThanOrEqual(4);
    expect(await up.stop()).toEqual({ code: 0, killedBy: null });
    await eventually(
      'no process is left',
      () => stillRunning(all),
      (left) => left.length === 0,
      2_000,
    );
    expect(processesOf(home.folder)).toEqual([]);
  });

  it('finds its state again at the next start', async () => {
    up = await home.start(DEMO);
    const { url } = await up.event('demo-healthy');
    await answers(String(url), 'Changed');
    const after = await home.settled('demo');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(idsOf(after)).toEqual(idsOf(before));
  });

  it('comes back after kill -9 with everything it had acknowledged, and its leftovers end', async () => {
    await home.settled('demo');
    const client = await clientOf(up.ready['kubeconfig'] ?? '');
    const old = processesOf(home.folder);
    await client.create(
      CONFIG_MAPS,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'written', namespace: 'default' }, data: { by: 'the last request' } } as never,
      { signal: AbortSignal.timeout(5_000) },
    );
    expect(await up.stop('SIGKILL')).toEqual({ code: null, killedBy: 'SIGKILL' });
    await client.close();
    up = await home.start(DEMO);
    const { url } = await up.event('demo-healthy');
    await answers(String(url), 'Changed');
    const after = await home.settled('demo');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(idsOf(after)).toEqual(idsOf(before));
    const again = await clientOf(up.ready['kubeconfig'] ?? '');
    expect(await again.get(CONFIG_MAPS, { name: 'written', namespace: 'default' }, { signal: AbortSignal.timeout(5_000) })).toMatchObject({
      data: { by: 'the last request' },
    });
    await again.close();
    await eventually(
      'nothing of the killed process lives',
      () => stillRunning(old),
      (left) => left.length === 0,
    );
    expect(await up.stop()).toEqual({ code: 0, killedBy: null });
    expect(processesOf(home.folder)).toEqual([]);
  }, 40_000);
});
