import { setTimeout as wait } from 'node:timers/promises';
import { createConnection } from 'node:net';
import type { appsv1, corev1 } from '@tiphys/kube-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from './cluster.test-suite.ts';

const ECHO = `require('node:net').createServer((socket) => socket.on('error', () => {}).end(process.env.POD_IP + ':' + process.env.PORT)).listen(Number(process.env.PORT), process.env.HOST)`;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 'process', addressing: 'shared' });
  await cluster.namespace('t');
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    createConnection({ host: '127.0.0.1', port })
      .on('data', (chunk) => (text += chunk.toString()))
      .on('end', () => resolve(text))
      .on('error', reject);
  });
}

describe('shared addressing', () => {
  it('reaches two replicas on one address through one port of the Service', async () => {
    await cluster.create<corev1.Service>({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 't', name: 'echo' },
      spec: { selector: { app: 'echo' }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    const template: corev1.PodTemplateSpec = {
      metadata: { labels: { app: 'echo' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'main',
            image: 'none',
            command: ['node', '-e', ECHO],
            ports: [{ containerPort: 8080 }],
            readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    };
    await cluster.create<appsv1.Deployment>({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: 't', name: 'echo' },
      spec: { replicas: 2, selector: { matchLabels: { app: 'echo' } }, template },
    });
    await cluster.until(
      'both are available',
      async () => (await cluster.get<appsv1.Deployment>('Deployment', { namespace: 't', name: 'echo' }))?.status?.availableReplicas === 2,
    );
    const port = await cluster.until('the Service tells its port', async () => {
      const text = (await cluster.get<corev1.Service>('Service', { namespace: 't', name: 'echo' }))?.metadata.annotations?.['tiphys.dev/host-ports'];
      return text === undefined ? undefined : Number(JSON.parse(text)['80']);
    });
    const seen = new Set<string>();
    await cluster.until('both answer', async () => {
      seen.add(await ask(port));
      return seen.size === 2;
    });
    const pods = await cluster.list<corev1.Pod>('Pod', 't');
    const told = pods.map(({ metadata }) => `127.0.0.1:${JSON.parse(metadata.annotations?.['tiphys.dev/host-ports'] ?? '{}')['8080']}`);
    expect([...seen].toSorted()).toEqual(told.toSorted());
  });

  it('writes no status while nothing changes, although probes go on', async () => {
    const [pod] = await cluster.list<corev1.Pod>('Pod', 't');
    await wait(1_500);
    expect(await cluster.get('Pod', { namespace: 't', name: pod?.metadata.name ?? '' })).toEqual(pod);
  });
});
