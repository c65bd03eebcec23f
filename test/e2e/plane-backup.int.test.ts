import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKubeconfigClient, type KubeClient } from '@tiphys/kube-client';
import { builtin, type corev1 } from '@tiphys/kube-model';
import { runTiphys, startTiphys, type TiphysProcess } from '@tiphys/testkit';
import { afterAll, describe, expect, it } from 'vitest';

const home = mkdtempSync(join(tmpdir(), 'tiphys-plane-backup-'));
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

const CONFIG_MAPS = builtin('v1', 'ConfigMap');
const KEY = { namespace: 'default', name: 'kept' };
const kubeconfig = join(home, 'config');
const signal = AbortSignal.timeout(60_000);
const run = (...args: string[]): ReturnType<typeof runTiphys> => runTiphys(args, { home });

async function startPlane(dir: string, port: string): Promise<{ readonly plane: TiphysProcess; readonly client: KubeClient }> {
  const plane = await startTiphys(['plane', '--data-dir', join(home, dir), '--https-port', port, '--kubeconfig-out', kubeconfig], { home });
  return { plane, client: await loadKubeconfigClient({ from: { path: kubeconfig } }) };
}

describe('a plane', () => {
  it('is backed up while it runs and comes back elsewhere, for the same clients', { timeout: 60_000 }, async () => {
    const { plane, client } = await startPlane('first', '0');
    const { port } = new URL(plane.ready['server'] ?? '');
    const created = await client.create<corev1.ConfigMap>(
      CONFIG_MAPS,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: KEY, data: { value: 'one' } },
      { signal },
    );
    const backup = await run('plane', 'backup', '--data-dir', join(home, 'first'), '--to', join(home, 'backup'));
    expect([backup.code, backup.out]).toStrictEqual([0, expect.stringMatching(/^backed up \d+ objects at revision \d+ to /)]);
    await client.patch(CONFIG_MAPS, KEY, { data: { value: 'two' } }, { type: 'merge', signal });

    const whileRunning = await run('plane', 'restore', '--from', join(home, 'backup'), '--data-dir', join(home, 'first'), '--replace');
    expect([whileRunning.code, whileRunning.err]).toStrictEqual([2, expect.stringContaining('used by process')]);
    const again = await run('plane', 'backup', '--data-dir', join(home, 'first'), '--to', join(home, 'backup'));
    expect([again.code, again.err]).toStrictEqual([2, expect.stringContaining('exists already')]);
    const nothing = await run('plane', 'restore', '--from', join(home, 'nowhere'), '--data-dir', join(home, 'second'));
    expect([nothing.code, nothing.err]).toStrictEqual([2, expect.stringContaining('is not a finished backup')]);
    await plane.stop();

    const restored = await run('plane', 'restore', '--from', join(home, 'backup'), '--data-dir', join(home, 'second'));
    expect([restored.code, restored.out]).toStrictEqual([0, expect.stringMatching(/^restored \d+ objects of revision \d+/)]);
    const second = await startPlane('second', port);
    // The client of the first plane: its certificate is still good.
    const live = await client.get<corev1.ConfigMap>(CONFIG_MAPS, KEY, { signal });
    expect([live.data, live.metadata.uid]).toStrictEqual([{ value: 'one' }, created.metadata.uid]);
    const watch = client.watch(CONFIG_MAPS, { resourceVersion: created.metadata.resourceVersion ?? '', signal })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ detail: { code: 'Expired' } });
    await Promise.all([client.close(), second.client.close()]);
    await second.plane.stop();
  });
});
