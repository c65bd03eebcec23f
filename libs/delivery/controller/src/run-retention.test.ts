import { ARGO_API_VERSION, TIPHYS_API_VERSION, type SyncRun } from '@tiphys/delivery-applications';
import type { KubeObject } from '@tiphys/kube-model';
import { expect, it } from 'vitest';
import { expiredRuns } from './run-retention.ts';

function run(application: string, index: number, phase = 'Succeeded'): SyncRun {
  return {
    apiVersion: TIPHYS_API_VERSION,
    kind: 'SyncRun',
    metadata: { name: `${application}-${index}`, creationTimestamp: `2026-01-01T00:00:${String(index).padStart(2, '0')}Z` },
    spec: { application, cause: 'manual', actor: 'a', revisions: [], sources: [], options: {} },
    status: { phase },
  } as SyncRun;
}
const names = (runs: readonly SyncRun[]) => runs.map(({ metadata }) => metadata.name);

it('keeps the newest of each application, those that are still named, and all that have not ended', () => {
  const runs = [...[1, 2, 3, 4, 5, 6].map((index) => run('shop', index)), run('shop', 0, 'Running'), run('web', 1), run('web', 2)];
  const shop = {
    apiVersion: ARGO_API_VERSION,
    kind: 'Application',
    metadata: { name: 'shop', annotations: { 'tiphys.dev/pin': '{"until":"next-commit","run":"shop-2"}' } },
    status: { history: [{ run: 'shop-1' }] },
  } as unknown as KubeObject;
  expect(names(expiredRuns(runs, new Map([['shop', shop]]), 2))).toEqual(['shop-4', 'shop-3']);
  expect(names(expiredRuns(runs, new Map(), 2))).toEqual(['shop-4', 'shop-3', 'shop-2', 'shop-1']);
  expect(expiredRuns(runs, new Map(), 10)).toEqual([]);
});
