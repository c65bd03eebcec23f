import { existsSync } from 'node:fs';
import * as fs from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import git from 'isomorphic-git';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import { builtin, fieldAt, isStatus, type corev1 } from '@tiphys/kube-model';
import { DEMO_FILES } from './manifests.ts';

/** What the demo needs. */
export interface DemoOptions {
  readonly dataDir: string;
  readonly client: KubeClient;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** The demo, installed. */
export interface Demo {
  /** Lines that tell a person what to try. */
  readonly instructions: readonly string[];
  /** Resolves with the Service's address once the application is Synced and Healthy. */
  whenHealthy(signal: AbortSignal): Promise<string>;
}

const NAME = 'demo';
const NAMESPACE = 'demo';
const AUTHOR = { name: 'Tiphys demo', email: 'demo@localhost' };
const serviceType = builtin('v1', 'Service');

/** Makes the demo's repository and application unless they are there from an earlier start. */
export async function installDemo({ dataDir, client, namespace, signal }: DemoOptions): Promise<Demo> {
  const repository = join(dataDir, 'repository');
  if (!existsSync(join(repository, '.git'))) await createRepository(repository);
  await client.create<Application>(applicationType, demoApplication(repository, namespace), { signal, fieldManager: 'tiphys-demo' }).catch((error: unknown) => {
    if (!isStatus(error, 'AlreadyExists')) throw error;
  });
  return { instructions: instructionsFor(repository), whenHealthy: (inner) => whenHealthy(client, namespace, inner) };
}

async function createRepository(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await git.init({ fs, dir, defaultBranch: 'main' });
  for (const [path, text] of Object.entries(DEMO_FILES)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
    await git.add({ fs, dir, filepath: path });
  }
  await git.commit({ fs, dir, message: 'the demo application', author: AUTHOR });
}

function demoApplication(repository: string, namespace: string): Application {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: NAME, namespace },
    spec: {
      project: 'default',
      source: { repoURL: repository, path: 'web', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: NAMESPACE },
      syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
    },
  };
}

function instructionsFor(repository: string): readonly string[] {
  return [
    '  Try this:',
    `    deploy     edit ${join(repository, 'web/config.yaml')}`,
    `               git -C ${repository} commit -am "say something else"`,
    '    drift      kubectl -n demo scale deployment web --replicas 5     (it is put back)',
    `    break      set replicas to -1 in ${join(repository, 'web/deployment.yaml')} and commit`,
    `    roll back  node apps/tiphys/dist/main.js app rollback ${NAME}     (stays until the next commit)`,
    '',
  ];
}

async function whenHealthy(client: KubeClient, namespace: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    const stop = new AbortController();
    for await (const { object } of client.watch<Application>(applicationType, {
      namespace,
      fieldSelector: `metadata.name=${NAME}`,
      signal: AbortSignal.any([signal, stop.signal]),
    })) {
      if (object.status?.sync?.status !== 'Synced' || object.status.health?.status !== 'Healthy') continue;
      stop.abort();
      return serviceUrl(client, signal);
    }
    signal.throwIfAborted();
  }
}

async function serviceUrl(client: KubeClient, signal: AbortSignal): Promise<string> {
  const service = await client.get<corev1.Service>(serviceType, { namespace: NAMESPACE, name: 'web' }, { signal });
  const shared: unknown = JSON.parse(service.metadata.annotations?.['tiphys.dev/host-ports'] ?? '{}');
  const port = fieldAt(shared, '8000');
  return typeof port === 'number' ? `http://127.0.0.1:${port}/` : `http://${service.spec?.clusterIP ?? '127.0.0.1'}:8000/`;
}
