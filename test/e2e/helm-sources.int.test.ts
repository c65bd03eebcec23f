import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { applicationType, projectType, type Application } from '@tiphys/delivery-applications';
import { builtin, type corev1 } from '@tiphys/kube-model';
import { findProgram, startGitServer, startOciRegistry, type GitServer } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chartArchive, startChartServer, type ChartServer } from './chart-server.ts';
import { application, createRig, eventually, getApplication, signal, type Rig, type RunningController } from './delivery-harness.ts';
import { cloneExamples, hasExamples } from './example-repository.ts';

const isHere = hasExamples('Helm sources of the example applications');
const registry = findProgram({ name: 'docker-registry', package: 'docker-registry' }, process.env);
const configMaps = builtin('v1', 'ConfigMap');

describe('Helm sources', () => {
  let rig: Rig;
  let git: GitServer;
  let running: RunningController;
  let charts: ChartServer;

  beforeAll(async () => {
    rig = await createRig();
    charts = await startChartServer({ web: ['1.0.0', '1.1.0'], wordpress: ['9.0.3'] });
    git = await startGitServer(path.join(rig.folder, 'repos'));
    if (isHere) await cloneExamples(rig.folder, charts.url);
    running = await rig.start();
  });

  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await git[Symbol.asyncDispose]();
    await charts[Symbol.asyncDispose]();
  });

  async function deploy(name: string, source: object): Promise<void> {
    const spec = {
      source,
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { automated: { prune: true }, syncOptions: ['CreateNamespace=true'] },
    };
    await rig.client.create(applicationType, application(name, spec), { signal: signal() });
  }

  async function synced(name: string, health: string): Promise<Application> {
    return eventually(
      `${name} is Synced and ${health}`,
      () => getApplication(rig.client, name),
      ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === health && status.operationState?.phase === 'Succeeded',
      30_000,
    );
  }

  const dataOf = async (namespace: string, name: string): Promise<Readonly<Record<string, string>>> =>
    (await rig.client.get<corev1.ConfigMap>(configMaps, { namespace, name }, { signal: signal() })).data ?? {};

  it('deploys a chart of an HTTP repository by range, follows new versions, and knows the target', async () => {
    await deploy('by-range', {
      repoURL: charts.url,
      chart: 'web',
      targetRevision: '^1.0.0',
      helm: { releaseName: 'shop', valuesObject: { message: 'from the application' } },
    });
    const first = await synced('by-range', 'Healthy');
    expect(first.status?.sync?.revision).toBe('1.1.0');
    expect(first.status?.sourceType).toBe('Helm');
    expect(await dataOf('by-range', 'shop-web')).toMatchObject({ message: 'from the application', version: '1.1.0', apps: 'true', kube: '33' });
    charts.offered.set('web', ['1.0.0', '1.1.0', '1.2.0']);
    running.controller.hint(charts.url);
    await eventually(
      'the new version is live',
      () => dataOf('by-range', 'shop-web'),
      ({ version }) => version === '1.2.0',
      20_000,
    );
  });

  it.skipIf(registry === undefined)('deploys a chart of a registry', async () => {
    await using running = await startOciRegistry(registry ?? '');
    await running.pushChart('team/web', '3.1.4', chartArchive('web', '3.1.4'));
    await deploy('from-registry', { repoURL: `oci://${running.host}/team`, chart: 'web', targetRevision: '3.x' });
    const found = await synced('from-registry', 'Healthy');
    expect(found.status?.sync?.revision).toBe('3.1.4');
    expect(await dataOf('from-registry', 'from-registry-web')).toMatchObject({ version: '3.1.4' });
  });

  it('says which chart or version is missing', async () => {
    await deploy('no-chart', { repoURL: charts.url, chart: 'web', targetRevision: '^9.0.0' });
    const found = await eventually(
      'a condition appears',
      () => getApplication(rig.client, 'no-chart'),
      ({ status }) => (status?.conditions ?? []).length > 0,
      20_000,
    );
    expect(found.status?.conditions?.[0]?.message).toContain("no version of chart web satisfies '^9.0.0'");
    expect(found.status?.sync?.status).toBe('Unknown');
  });

  it('lets charts look into the cluster only where the project says so, and only where it may write', async () => {
    const folder = path.join(rig.folder, 'looking');
    execFileSync('git', ['init', '--quiet', '-b', 'main', folder]);
    execFileSync('mkdir', ['-p', path.join(folder, 'templates')]);
    await writeFile(path.join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: looking\nversion: 0.1.0\n');
    const look = (key: string, query: string): string => `  ${key}: {{ (lookup ${query}).data | default (dict "value" "nothing") | toYaml | quote }}\n`;
    const template = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: seen\ndata:\n${look('own', '"v1" "ConfigMap" .Release.Namespace "known"')}${look('other', '"v1" "ConfigMap" "kube-system" "hidden"')}`;
    await writeFile(path.join(folder, 'templates/c.yaml'), template);
    execFileSync('git', ['-C', folder, 'add', '.']);
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'chart']);
    const namespaces = builtin('v1', 'Namespace');
    for (const namespace of ['open', 'shut'])
      await rig.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal: signal() });
    for (const [namespace, name] of [
      ['open', 'known'],
      ['shut', 'known'],
      ['kube-system', 'hidden'],
    ] as const)
      await rig.client.create<corev1.ConfigMap>(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { value: 'found' } },
        { signal: signal() },
      );
    const project = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'looking', namespace: 'argocd', annotations: { 'tiphys.dev/helm-lookup': 'enabled' } },
      spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: 'open' }] },
    };
    await rig.client.create(projectType, project, { signal: signal() });
    for (const [name, projectName] of [
      ['open', 'looking'],
      ['shut', 'default'],
    ] as const) {
      const spec = {
        project: projectName,
        source: { repoURL: folder, path: '.', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: name },
        syncPolicy: { automated: {} },
      };
      await rig.client.create(applicationType, { ...application(`look-${name}`, spec), spec }, { signal: signal() });
      await synced(`look-${name}`, 'Healthy');
    }
    expect(await dataOf('open', 'seen')).toEqual({ own: 'value: found', other: 'value: nothing' });
    expect(await dataOf('shut', 'seen')).toEqual({ own: 'value: nothing', other: 'value: nothing' });
  }, 60_000);

  it('reports a chart whose render cannot be repeated', async () => {
    execFileSync('git', ['init', '--quiet', '-b', 'main', path.join(rig.folder, 'random')]);
    const folder = path.join(rig.folder, 'random');
    await writeFile(path.join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: random\nversion: 0.1.0\n');
    execFileSync('mkdir', ['-p', path.join(folder, 'templates')]);
    await writeFile(path.join(folder, 'templates/c.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: r\ndata:\n  v: {{ randAlphaNum 8 | quote }}\n');
    execFileSync('git', ['-C', folder, 'add', '.']);
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'chart']);
    await deploy('random', { repoURL: folder, path: '.', targetRevision: 'main' });
    const found = await eventually(
      'the warning appears',
      () => getApplication(rig.client, 'random'),
      ({ status }) => (status?.conditions ?? []).some(({ type }) => type === 'NonDeterministicRenderWarning'),
      20_000,
    );
    expect(found.status?.conditions?.find(({ type }) => type === 'NonDeterministicRenderWarning')?.message).toContain('randAlphaNum');
  });

  describe.skipIf(!isHere)('of the example applications', () => {
    it('helm-guestbook becomes Synced and Healthy', async () => {
      await deploy('helm-guestbook', {
        repoURL: `${git.url}/examples.git`,
        path: 'helm-guestbook',
        targetRevision: 'HEAD',
        helm: { valueFiles: ['values-production.yaml'] },
      });
      // Its production values ask for a load balancer, which simulated nodes do not have: without it the Service is what is waited for.
      await eventually(
        'helm-guestbook is Synced',
        () => getApplication(rig.client, 'helm-guestbook'),
        ({ status }) => status?.sync?.status === 'Synced',
        30_000,
      );
      await deploy('guestbook-plain', { repoURL: `${git.url}/examples.git`, path: 'helm-guestbook', targetRevision: 'HEAD' });
      await synced('guestbook-plain', 'Healthy');
    }, 60_000);

    it('blue-green becomes Synced once the kind of its Rollout is known', async () => {
      const names = { kind: 'Rollout', plural: 'rollouts', singular: 'rollout', listKind: 'RolloutList' };
      const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
      const crd = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'rollouts.argoproj.io' },
        spec: { group: 'argoproj.io', scope: 'Namespaced', names, versions: [{ name: 'v1alpha1', served: true, storage: true, schema }] },
      } as const;
      await rig.client.create(builtin('apiextensions.k8s.io/v1', 'CustomResourceDefinition'), crd, { signal: signal() });
      await deploy('blue-green', { repoURL: `${git.url}/examples.git`, path: 'blue-green', targetRevision: 'HEAD' });
      await eventually(
        'blue-green is Synced',
        () => getApplication(rig.client, 'blue-green'),
        ({ status }) => status?.sync?.status === 'Synced',
        30_000,
      );
    }, 40_000);

    it('helm-dependency takes its chart from the repository its Chart.yaml names', async () => {
      await deploy('helm-dependency', { repoURL: `${git.url}/examples.git`, path: 'helm-dependency', targetRevision: 'HEAD' });
      await synced('helm-dependency', 'Healthy');
      expect(await dataOf('helm-dependency', 'helm-dependency-wordpress')).toMatchObject({ version: '9.0.3' });
    }, 40_000);

    it('apps, an application of applications, becomes Synced and Healthy and brings its children', async () => {
      await deploy('apps', {
        repoURL: `${git.url}/examples.git`,
        path: 'apps',
        targetRevision: 'HEAD',
        helm: {
          parameters: [
            { name: 'config.spec.source.repoURL', value: `${git.url}/examples.git` },
            { name: 'config.spec.source.targetRevision', value: 'HEAD' },
          ],
        },
      });
      await synced('apps', 'Healthy');
      for (const child of ['example.guestbook', 'example.helm-guestbook', 'example.helm-hooks', 'example.sync-waves']) await synced(child, 'Healthy');
    }, 90_000);
  });
});
