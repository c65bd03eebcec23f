import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import { createRenderer, type Renderer } from '@tiphys/delivery-render';
import { createRepositoryStore } from '@tiphys/delivery-git';
import { builtin, fieldAt, type KubeObject } from '@tiphys/kube-model';
import { startGitServer, type GitServer } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admitSockShop, cloneExamples, createExamplePlugins, hasExamples } from './example-repository.ts';
import { application, createRig, eventually, getApplication, logger, signal, type Rig } from './delivery-harness.ts';

const FLUX = new URL('../../../shared/repos/flux2-kustomize-helm-example.bundle', import.meta.url).pathname;
if (!existsSync(FLUX))
  process.stderr.write(`skipped: kustomizations of the Flux example: ${FLUX} is not there
`);

describe.skipIf(!hasExamples('Kustomize and Jsonnet sources'))('sources of the example applications', () => {
  let rig: Rig;
  let git: GitServer;
  let renderer: Renderer;
  let url: string;

  beforeAll(async () => {
    rig = await createRig();
    await cloneExamples(rig.folder, 'https://charts.invalid');
    git = await startGitServer(path.join(rig.folder, 'repos'));
    url = `${git.url}/examples.git`;
    const plugins = await createExamplePlugins(rig.folder);
    renderer = createRenderer({ logger, plugins });
    await rig.start({ renderer });
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await renderer.close();
    await git[Symbol.asyncDispose]();
  });

  const synced = async (name: string, source: object, health = 'Healthy'): Promise<Application> => {
    const spec = {
      source: { repoURL: url, targetRevision: 'HEAD', path: name, ...source },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { automated: { prune: true }, syncOptions: ['CreateNamespace=true'] },
    };
    await rig.client.create(applicationType, application(name, spec), { signal: signal() });
    return eventually(
      `${name} is Synced and ${health}`,
      () => getApplication(rig.client, name),
      ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === health && status.operationState?.phase === 'Succeeded',
      15_000,
    );
  };
  const live = (kind: string, name: string, namespace: string): Promise<KubeObject> =>
    rig.client.get(builtin(kind === 'Deployment' ? 'apps/v1' : 'v1', kind), { name, namespace }, { signal: signal() });

  it('kustomize-guestbook is Synced and Healthy', async () => {
    const { status } = await synced('kustomize-guestbook', {});
    expect(status?.sourceType).toBe('Kustomize');
    expect((await live('Service', 'kustomize-guestbook-ui', 'kustomize-guestbook')).kind).toBe('Service');
  });

  it('kustomize-guestbook takes the options of its application', async () => {
    const name = 'kustomize-options';
    const kustomize = {
      namePrefix: 'a-',
      images: ['gcr.io/google-samples/gb-frontend:v9'],
      replicas: [{ name: 'guestbook-ui', count: 2 }],
      commonLabels: { team: 'x' },
      commonAnnotations: { by: '$ARGOCD_APP_NAME' },
      commonAnnotationsEnvsubst: true,
    };
    await synced(name, { path: 'kustomize-guestbook', kustomize });
    const deployment = (await rig.client.list(builtin('apps/v1', 'Deployment'), { namespace: name, signal: signal() })).items[0];
    expect(deployment?.metadata.name).toBe('a-guestbook-ui');
    expect(fieldAt(deployment, 'spec', 'replicas')).toBe(2);
    expect(deployment?.metadata).toMatchObject({ labels: { team: 'x' }, annotations: { by: name } });
  });

  it('pre-post-sync runs its hooks around the guestbook', async () => {
    const { status } = await synced('pre-post-sync', {});
    const results = status?.operationState?.syncResult?.resources ?? [];
    expect(
      results
        .filter(({ hookPhase }) => hookPhase === 'Succeeded')
        .map(({ hookType }) => hookType)
        .toSorted(),
    ).toEqual(['PostSync', 'PreSync']);
  });

  it('sock-shop is Synced, and Healthy once its Ingress has an address', async () => {
    await synced('sock-shop', {}, 'Progressing');
    await admitSockShop(rig);
    await eventually(
      'sock-shop is Healthy',
      () => getApplication(rig.client, 'sock-shop'),
      ({ status }) => status?.health?.status === 'Healthy',
      15_000,
    );
    const { status } = await getApplication(rig.client, 'sock-shop');
    expect(status?.resources?.length).toBe(29);
  });

  it('jsonnet-guestbook and jsonnet-guestbook-tla are Synced and Healthy', async () => {
    await synced('jsonnet-guestbook', {});
    const tlas = [
      { name: 'name', value: 'tla-ui' },
      { name: 'replicas', value: '2', code: true },
    ];
    await synced('jsonnet-guestbook-tla', { directory: { jsonnet: { tlas } } });
    expect(fieldAt(await live('Deployment', 'tla-ui', 'jsonnet-guestbook-tla'), 'spec', 'replicas')).toBe(2);
  });

  it('plugins/kustomized-helm, as a plugin over our own engines, is Synced and Healthy', async () => {
    const { status } = await synced('kustomized-helm', { path: 'plugins/kustomized-helm', plugin: { name: 'kustomized-helm' } });
    expect(status?.sourceType).toBe('Plugin');
    expect(status?.resources?.map(({ kind, name }) => `${kind}/${name}`).toSorted()).toEqual([
      'Deployment/kustomize-release-name-helm-guestbook',
      'Service/kustomize-release-name-helm-guestbook',
    ]);
  });
});

describe.skipIf(!existsSync(FLUX))('kustomizations of the Flux example', () => {
  it.each(['apps/production', 'apps/staging', 'apps/base/podinfo', 'infrastructure/controllers', 'infrastructure/configs'])('%s renders', async (folder) => {
    const rig = await createRig();
    const renderer = createRenderer({ logger });
    try {
      const work = path.join(rig.folder, 'flux');
      execFileSync('git', ['clone', '--quiet', FLUX, work], { stdio: 'ignore' });
      const repository = await createRepositoryStore({ cacheDirectory: path.join(rig.folder, 'cache') }).open(work);
      const head = (await repository.lsRemote(signal())).oids.get('HEAD') ?? '';
      const environment = { application: 'flux', namespace: 'flux', project: 'default' };
      const { objects, problems, tool } = await renderer.render(
        { repoURL: work, path: folder },
        environment,
        { snapshot: await repository.snapshot(head, signal()) },
        { signal: signal() },
      );
      expect([tool, problems, objects.length > 0]).toEqual(['Kustomize', [], true]);
    } finally {
      await renderer.close();
      await rig[Symbol.asyncDispose]();
    }
  });
});
