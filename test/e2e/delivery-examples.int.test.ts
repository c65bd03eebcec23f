import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, syncRunType, type SyncRun } from '@tiphys/delivery-applications';
import { startGitServer, type GitServer } from '@tiphys/testkit';
import { application, createRig, eventually, getApplication, signal, type Rig } from './delivery-harness.ts';

// A clone of argoproj/argocd-example-apps; data kept outside the repository.
const BUNDLE = process.env['TIPHYS_EXAMPLE_APPS'] ?? new URL('../../../shared/repos/argocd-example-apps.bundle', import.meta.url).pathname;
if (!existsSync(BUNDLE)) process.stderr.write(`skipped: example applications: ${BUNDLE} is not there\n`);

describe.skipIf(!existsSync(BUNDLE))('the example applications of Argo CD', () => {
  let rig: Rig;
  let server: GitServer;
  beforeAll(async () => {
    rig = await createRig();
    execFileSync('git', ['clone', '--quiet', '--bare', BUNDLE, path.join(rig.folder, 'repos', 'argocd-example-apps.git')], { stdio: 'ignore' });
    server = await startGitServer(path.join(rig.folder, 'repos'));
    await rig.start();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it.each([
    ['guestbook', 2],
    ['sync-waves', 3],
    ['helm-hooks', 3],
  ])(
    '%s becomes Synced and Healthy',
    async (name, atLeast) => {
      const spec = {
        source: { repoURL: `${server.url}/argocd-example-apps.git`, path: name, targetRevision: 'HEAD' },
        destination: { server: 'https://kubernetes.default.svc', namespace: name },
        syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] },
      };
      await rig.client.create(applicationType, application(name, spec), { signal: signal() });
      await eventually(
        `${name} is Synced and Healthy`,
        () => getApplication(rig.client, name),
        ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === 'Healthy' && status.operationState?.phase === 'Succeeded',
        30_000,
      );
      const runs = await rig.client.list<SyncRun>(syncRunType, { namespace: 'argocd', signal: signal() });
      const tasks = runs.items.find((run) => run.spec.application === name)?.status?.tasks ?? [];
      expect(tasks.length).toBeGreaterThanOrEqual(atLeast);
      // Results are noted in the order in which tasks were begun: phases and, inside them, waves never go back.
      const places = tasks.map((task) => ['PreSync', 'Sync', 'PostSync'].indexOf(task.phase) * 1e6 + task.wave);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      for (const task of tasks) if (task.action === 'hook') expect(task.outcome).toBe('Succeeded');
    },
    40_000,
  );
});
