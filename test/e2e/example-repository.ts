import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createPluginHost, parsePlugins } from '@tiphys/delivery-plugins';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { signal, type Rig } from './delivery-harness.ts';

/** Where the example applications of Argo CD are. */
export const EXAMPLES = process.env['TIPHYS_EXAMPLE_APPS'] ?? new URL('../../../shared/repos/argocd-example-apps.bundle', import.meta.url).pathname;

/** Whether the examples are there; says so when not. */
export function hasExamples(what: string): boolean {
  if (existsSync(EXAMPLES)) return true;
  process.stderr.write(`skipped: ${what}: ${EXAMPLES} is not there\n`);
  return false;
}

/** Puts the examples below `<folder>/repos` as `examples.git`, as they are but for the chart repository of one, which is stood in for. */
export async function cloneExamples(folder: string, chartsUrl: string): Promise<void> {
  const work = path.join(folder, 'examples');
  execFileSync('git', ['clone', '--quiet', EXAMPLES, work], { stdio: 'ignore' });
  const file = path.join(work, 'helm-dependency', 'Chart.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('https://charts.helm.sh/stable', chartsUrl));
  execFileSync('git', ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qam', 'stand-in'], { stdio: 'ignore' });
  execFileSync('git', ['clone', '--quiet', '--bare', work, path.join(folder, 'repos', 'examples.git')], { stdio: 'ignore' });
}

const TIPHYS = new URL('../../apps/tiphys/dist/main.js', import.meta.url).pathname;
// The plugin of the example's README, over our own engines in the place of the helm and kustomize programs. The example patches a release named
// release-name, and lists its patch as Kustomize before 5.0 took it.
const PLUGIN = `
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: kustomized-helm }
spec:
  generate:
    command: [sh, -ec]
    args:
      - |
        ${process.execPath} ${TIPHYS} render . --tool helm --dependency-update --release release-name --namespace "$ARGOCD_APP_NAMESPACE" --kube-version "$KUBE_VERSION" > all.yaml
        sed -i 's/^patches:/patchesStrategicMerge:/' kustomization.yaml
        ${process.execPath} ${TIPHYS} render . --tool kustomize
`;

/** The plugin that the example `plugins/kustomized-helm` asks for. */
export async function createExamplePlugins(folder: string): Promise<ReturnType<typeof createPluginHost>> {
  const temporaryFolder = path.join(folder, 'plugins');
  await mkdir(temporaryFolder);
  for (const each of [folder, temporaryFolder]) await chmod(each, 0o711);
  return createPluginHost({ plugins: parsePlugins(PLUGIN, 'plugin.yaml'), user: undefined, searchPath: '/usr/bin:/bin', temporaryFolder });
}

/** Gives the Ingress of the sock shop an address: its class is nginx, whose controller this stands in for. */
export async function admitSockShop({ client }: Pick<Rig, 'client'>): Promise<void> {
  const patch = { status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } } };
  const key = { namespace: 'sock-shop', name: 'front-end-ingress' };
  await client.patch(builtin('networking.k8s.io/v1', 'Ingress'), key, patch, { type: 'merge', subresource: 'status', signal: signal() });
}

/** The definition of Argo Rollouts' kind, without its controller. */
export const ROLLOUT_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'rollouts.argoproj.io' },
  spec: {
    group: 'argoproj.io',
    scope: 'Namespaced',
    names: { kind: 'Rollout', listKind: 'RolloutList', plural: 'rollouts', singular: 'rollout' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { status: {} },
      },
    ],
  },
} as KubeObject;
