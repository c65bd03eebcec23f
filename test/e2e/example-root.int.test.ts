import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import { createRenderer, type Renderer } from '@tiphys/delivery-render';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { startGitServer, type GitServer } from '@tiphys/testkit';
import { startChartServer, type ChartServer } from './chart-server.ts';
import { application, createRig, eventually, logger, signal, type Rig } from './delivery-harness.ts';
import { admitSockShop, cloneExamples, createExamplePlugins, hasExamples, ROLLOUT_CRD } from './example-repository.ts';

const IN_CLUSTER = 'https://kubernetes.default.svc';
const CRDS = builtin('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
const INGRESSES = builtin('networking.k8s.io/v1', 'Ingress');
const DEPLOYMENTS = builtin('apps/v1', 'Deployment');
// Kinds whose controller is not there never become Healthy: a Rollout is what Argo Rollouts makes of it.
const WITHOUT_CONTROLLER: ReadonlySet<string> = new Set(['example.blue-green']);
// Their programs are not part of the examples; they show why instead of a state.
const WITHOUT_PROGRAM: ReadonlySet<string> = new Set(['example.plugin-kasane', 'example.plugin-nix']);

describe.skipIf(!hasExamples('the root of the example applications'))('one root application', () => {
  let rig: Rig;
  let remote: Rig;
  let charts: ChartServer;
  let git: GitServer;
  let renderer: Renderer;

  beforeAll(async () => {
    [rig, remote] = await Promise.all([createRig(), createRig()]);
    charts = await startChartServer({ wordpress: ['9.0.3'] });
    await cloneExamples(rig.folder, charts.url);
    git = await startGitServer(path.join(rig.folder, 'repos'));
    renderer = createRenderer({ logger, plugins: await createExamplePlugins(rig.folder) });
    for (const { client } of [rig, remote]) await client.create(CRDS, ROLLOUT_CRD, { signal: signal() });
    await rig.start({ renderer });
    const { server } = remote;
    const config = { bearerToken: server.adminToken, tlsClientConfig: { caData: Buffer.from(server.caPem).toString('base64') } };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'cluster-remote', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'cluster' } },
      stringData: { server: server.url, name: 'remote', config: JSON.stringify(config) },
    };
    await rig.client.create(builtin('v1', 'Secret'), secret as KubeObject, { signal: signal() });
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await remote[Symbol.asyncDispose]();
    await renderer.close();
    await git[Symbol.asyncDispose]();
    await charts[Symbol.asyncDispose]();
  });

  const applications = async (): Promise<readonly Application[]> =>
    (await rig.client.list<Application>(applicationType, { namespace: 'argocd', signal: signal() })).items;
  const isSettled = ({ metadata, status }: Application): boolean => {
    const name = metadata.name ?? '';
    if (WITHOUT_PROGRAM.has(name)) return status?.sync?.status === 'Unknown' && (status.conditions ?? []).length > 0;
    const health = WITHOUT_CONTROLLER.has(name) ? 'Progressing' : 'Healthy';
    return status?.sync?.status === 'Synced' && status.health?.status === health;
  };
  const stateOf = ({ metadata, status }: Application): string =>
    `${metadata.name}: ${status?.sync?.status} ${status?.health?.status} ${status?.conditions?.map(({ message }) => message).join()}`;

  it.each(['the plane itself', 'a second plane as remote cluster'])(
    'brings all of them to %s, and takes them away with it',
    async (place) => {
      const target = place === 'the plane itself' ? rig : remote;
      const parameters = Object.entries({
        'config.spec.source.repoURL': `${git.url}/examples.git`,
        'config.spec.destination.server': target === rig ? IN_CLUSTER : target.server.url,
      }).map(([name, value]) => ({ name, value }));
      const spec = {
        source: { repoURL: `${git.url}/examples.git`, path: 'apps', targetRevision: 'HEAD', helm: { parameters } },
        destination: { server: IN_CLUSTER, namespace: 'argocd' },
        syncPolicy: { automated: { prune: true, selfHeal: true } },
      };
      await rig.client.create(applicationType, application('apps', spec, { finalizers: ['resources-finalizer.argocd.argoproj.io'] }), { signal: signal() });
      const isThere = async (namespace: string, name: string): Promise<boolean> =>
        (await target.client.list(DEPLOYMENTS, { namespace, signal: signal() })).items.some(({ metadata }) => metadata.name === name);
      await eventually(
        'the sock shop has an Ingress',
        () => target.client.list(INGRESSES, { namespace: 'sock-shop', signal: signal() }),
        ({ items }) => items.length > 0,
        60_000,
      );
      await admitSockShop(target);
      const settled = await eventually(
        'every application is Synced and Healthy',
        applications,
        (items) => items.length === 15 && items.every(isSettled),
        60_000,
      ).catch(async (error: unknown) => {
        throw new Error((await applications()).map(stateOf).join('\n'), { cause: error });
      });
      process.stderr.write(
        `example applications on ${place}: ${settled.filter(({ metadata }) => !WITHOUT_PROGRAM.has(metadata.name ?? '')).length - 1} of 12 Synced\n`,
      );
      expect(await isThere('guestbook', 'guestbook-ui')).toBe(true);
      expect(await isThere('helm-guestbook', 'helm-guestbook')).toBe(true);

      await rig.client.delete(applicationType, { namespace: 'argocd', name: 'apps' }, { signal: signal() });
      await eventually('nothing is left', applications, (items) => items.length === 0, 60_000);
      const left = (await target.client.list(DEPLOYMENTS, { signal: signal() })).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      expect(left).toEqual([]);
    },
    240_000,
  );
});
