import { existsSync, readdirSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { appsv1, batchv1, corev1, discoveryv1 } from '@tiphys/kube-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from './cluster.test-suite.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 'process' });
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => {
  if (request.url === '/ready') return response.end('ok');
  setTimeout(() => response.end(process.env.VERSION + ' ' + process.env.HOSTNAME), 5);
});
server.listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => setTimeout(() => { server.close(() => process.exit(0)); server.closeIdleConnections(); }, 300));
`;

function web(namespace: string, version: string): appsv1.Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'main',
              image: 'none',
              command: ['node', '-e', SERVER],
              env: [{ name: 'VERSION', value: version }],
              ports: [{ name: 'http', containerPort: 8080 }],
              readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1 },
            },
          ],
          terminationGracePeriodSeconds: 5,
        },
      },
    },
  };
}

function fetchText(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, agent: false }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve(text))
        .on('error', reject);
    });
    request.on('error', reject);
  });
}

const pod = (namespace: string, name: string, spec: Partial<corev1.PodSpec>, container: Partial<corev1.Container> = {}): corev1.Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name },
  spec: { terminationGracePeriodSeconds: 2, containers: [{ name: 'main', image: 'none', ...container }], ...spec },
});
const script = (code: string): readonly string[] => ['node', '-e', code];
const LIVE_ON = 'setInterval(() => {}, 1000)';

const status = (namespace: string, name: string) => async (): Promise<corev1.PodStatus | undefined> =>
  (await cluster.get<corev1.Pod>('Pod', { namespace, name }))?.status;
const main = (of: corev1.PodStatus | undefined): corev1.ContainerStatus | undefined => of?.containerStatuses?.[0];
const log = async (namespace: string, name: string, query: Readonly<Record<string, string>> = {}): Promise<string> => {
  let text = '';
  const answer = await cluster.client.raw({ method: 'GET', path: `/api/v1/namespaces/${namespace}/pods/${name}/log`, query, signal: cluster.signal });
  for await (const chunk of answer.body) text += Buffer.from(chunk).toString();
  return text;
};

describe('a deployment of processes behind a service', () => {
  it('answers, rolls without a failed request, and rolls back', async () => {
    await cluster.namespace('shop');
    const service = await cluster.create<corev1.Service>({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
    });
    await cluster.create(web('shop', 'v1'));
    const host = service.spec?.clusterIP ?? '';
    await cluster.until(
      'the deployment is available',
      async () => (await cluster.get<appsv1.Deployment>('Deployment', { namespace: 'shop', name: 'web' }))?.status?.availableReplicas === 2,
    );
    const seen = new Set<string>();
    for (let count = 0; count < 10; count += 1) seen.add(await fetchText(host, 80));
    expect(seen.size).toBe(2);

    let isOver = false;
    const answers = new Map<string, number>();
    const failures: string[] = [];
    const callers = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const text = await fetchText(host, 80).catch((error: Error) => void failures.push(error.message));
        if (text !== undefined) answers.set(text.slice(0, 2), (answers.get(text.slice(0, 2)) ?? 0) + 1);
      }
    });
    await cluster.patch('Deployment', { namespace: 'shop', name: 'web' }, { spec: web('shop', 'v2').spec });
    await cluster.until('v2 is complete', async () => {
      const { metadata, status: of } = (await cluster.get<appsv1.Deployment>('Deployment', { namespace: 'shop', name: 'web' })) ?? {};
      const done = of?.observedGeneration === metadata?.generation && of?.updatedReplicas === 2 && of.replicas === 2 && of.availableReplicas === 2;
      return done && (await cluster.list<corev1.Pod>('Pod', 'shop')).length === 2;
    });
    isOver = true;
    await Promise.all(callers);
    expect(failures).toEqual([]);
    expect(answers.get('v2') ?? 0).toBeGreaterThan(0);

    const sets = await cluster.list<appsv1.ReplicaSet>('ReplicaSet', 'shop');
    const first = sets.find(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision'] === '1');
    await cluster.patch('Deployment', { namespace: 'shop', name: 'web' }, { spec: { template: { spec: first?.spec?.template?.spec } } });
    await cluster.until('v1 answers again', async () => (await fetchText(host, 80)).startsWith('v1'));
    const live = await cluster.until('revision 3', async () => {
      const of = await cluster.get<appsv1.Deployment>('Deployment', { namespace: 'shop', name: 'web' });
      return of?.metadata.annotations?.['deployment.kubernetes.io/revision'] === '3' && of;
    });
    expect(live.status?.conditions?.map(({ type }) => type).toSorted()).toEqual(['Available', 'Progressing']);
    const slices = await cluster.list<discoveryv1.EndpointSlice>('EndpointSlice', 'shop');
    expect(slices.every(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web')).toBe(true);
  }, 60_000);

  it('empties and removes its namespace', async () => {
    await cluster.remove('Namespace', { name: 'shop' });
    await cluster.until('the namespace is gone', async () => (await cluster.get('Namespace', { name: 'shop' })) === undefined);
    expect(await cluster.list('Pod', 'shop')).toEqual([]);
    expect(await cluster.list('ReplicaSet', 'shop')).toEqual([]);
    await cluster.until('the pod folders are gone', async () => readdirSync(join(cluster.stateDir, 'pods')).length === 0);
  }, 40_000);
});

describe('process pods', () => {
  beforeAll(async () => {
    await cluster.namespace('t');
    await cluster.until('the default account is there', () => cluster.get('ServiceAccount', { namespace: 't', name: 'default' }));
  });

  it('restarts a failing container with growing delays and keeps the previous log', async () => {
    await cluster.create(pod('t', 'crash', {}, { command: script('console.log("run " + Date.now()); process.exit(3)') }));
    const of = await cluster.until('it is in back-off', async () => {
      const current = await status('t', 'crash')();
      return main(current)?.state?.waiting?.reason === 'CrashLoopBackOff' && (main(current)?.restartCount ?? 0) >= 2 && current;
    });
    expect(main(of)?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(await log('t', 'crash', { previous: 'true' })).toMatch(/^run \d+\n$/);
    const events = await cluster.list<corev1.Event>('Event', 't');
    expect(events.some(({ reason, involvedObject }) => reason === 'BackOff' && involvedObject?.name === 'crash')).toBe(true);
    await cluster.remove('Pod', { namespace: 't', name: 'crash' });
  });

  it('waits for a missing ConfigMap, naming it, and brings changes to the running container', async () => {
    const volumes = [{ name: 'conf', configMap: { name: 'conf' } }];
    const code = `const fs = require('fs'); let last; setInterval(() => { const now = fs.readFileSync('etc/conf/text', 'utf8'); if (now !== last) console.log(last = now) }, 20)`;
    await cluster.create(pod('t', 'reader', { volumes }, { command: script(code), volumeMounts: [{ name: 'conf', mountPath: '/etc/conf' }] }));
    const waiting = await cluster.until(
      'it waits',
      async () => main(await status('t', 'reader')())?.state?.waiting?.reason === 'CreateContainerConfigError' && status('t', 'reader')(),
    );
    expect(main(waiting)?.state?.waiting?.message).toContain('configmap "conf" not found');
    await cluster.create<corev1.ConfigMap>({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 't', name: 'conf' }, data: { text: 'one' } });
    await cluster.until('it runs', async () => (await status('t', 'reader')())?.phase === 'Running');
    await cluster.until('it read one', async () => (await log('t', 'reader')).includes('one'));
    await cluster.patch('ConfigMap', { namespace: 't', name: 'conf' }, { data: { text: 'two' } });
    await cluster.until('it read two', async () => (await log('t', 'reader')).includes('two'));
    const events = await cluster.list<corev1.Event>('Event', 't');
    expect(events.find(({ reason }) => reason === 'FailedMount')?.message).toContain('conf');
    await cluster.remove('Pod', { namespace: 't', name: 'reader' });
  });

  it('asks probes: not ready until it answers, restarted when it stops answering', async () => {
    const code = `const fs = require('fs'); fs.writeFileSync('alive', ''); setTimeout(() => fs.writeFileSync('ready', ''), 300); ${LIVE_ON}`;
    await cluster.create(
      pod(
        't',
        'probed',
        {},
        {
          command: script(code),
          readinessProbe: { exec: { command: ['sh', '-c', 'test -f ready'] }, periodSeconds: 1 },
          livenessProbe: { exec: { command: ['sh', '-c', 'test -f alive'] }, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1 },
        },
      ),
    );
    const isReady = async (): Promise<boolean> => (await status('t', 'probed')())?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    await cluster.until('it runs', async () => (await status('t', 'probed')())?.phase === 'Running');
    await cluster.until('it is ready', isReady);
    await cluster.until('removing its file', async () => {
      const root = join(
        cluster.stateDir,
        'pods',
        (await cluster.get<corev1.Pod>('Pod', { namespace: 't', name: 'probed' }))?.metadata.uid ?? '',
        'containers/main/rootfs',
      );
      const { rmSync } = await import('node:fs');
      rmSync(join(root, 'alive'));
      return !existsSync(join(root, 'alive'));
    });
    await cluster.until('it was restarted', async () => (main(await status('t', 'probed')())?.restartCount ?? 0) >= 1);
    await cluster.remove('Pod', { namespace: 't', name: 'probed' });
  });

  it('ends gracefully: preStop, then SIGTERM, then the object goes', async () => {
    await cluster.create(
      pod(
        't',
        'polite',
        { terminationGracePeriodSeconds: 10 },
        {
          command: script(
            `const fs = require('fs'); process.on('SIGTERM', () => { console.log('term after ' + fs.existsSync('stopping')); setTimeout(() => process.exit(0), 200) }); console.log('up'); ${LIVE_ON}`,
          ),
          lifecycle: { preStop: { exec: { command: ['touch', 'stopping'] } } },
        },
      ),
    );
    // Only a process that listens for the signal can be polite.
    await cluster.until('it listens', async () => (await status('t', 'polite')())?.phase === 'Running' && (await log('t', 'polite')).includes('up'));
    const following = log('t', 'polite', { follow: 'true' });
    const begunAt = performance.now();
    await cluster.remove('Pod', { namespace: 't', name: 'polite' });
    await cluster.until('it is gone', async () => (await cluster.get('Pod', { namespace: 't', name: 'polite' })) === undefined);
    expect(performance.now() - begunAt).toBeLessThan(5_000);
    expect(await following).toContain('term after true');
  });

  it('is run again after its agent was restarted, with its address and a count of the restart', async () => {
    await cluster.create(pod('t', 'lasting', {}, { command: script(`console.log('pid ' + process.pid); ${LIVE_ON}`) }));
    const before = await cluster.until('it runs', async () => {
      const of = await status('t', 'lasting')();
      return of?.phase === 'Running' && (await log('t', 'lasting')).includes('pid') && of;
    });
    const pid = Number((await log('t', 'lasting')).slice(4));
    await cluster.restartNode();
    expect(() => process.kill(pid, 0)).toThrow();
    const after = await cluster.until('it runs again', async () => {
      const of = await status('t', 'lasting')();
      return main(of)?.restartCount === 1 && main(of)?.ready === true && of;
    });
    expect(after.podIP).toBe(before.podIP);
    expect(main(after)?.lastState?.terminated?.exitCode).not.toBe(0);
    await cluster.remove('Pod', { namespace: 't', name: 'lasting' });
  });

  it('runs init containers in order and a Job to its end', async () => {
    const template: corev1.PodTemplateSpec = {
      spec: {
        restartPolicy: 'Never',
        volumes: [{ name: 'work', emptyDir: {} }],
        initContainers: [
          { name: 'first', image: 'none', command: ['sh', '-c', 'echo prepared > work/note'], volumeMounts: [{ name: 'work', mountPath: '/work' }] },
        ],
        containers: [{ name: 'main', image: 'none', command: ['cat', 'work/note'], volumeMounts: [{ name: 'work', mountPath: '/work' }] }],
      },
    };
    await cluster.create<batchv1.Job>({ apiVersion: 'batch/v1', kind: 'Job', metadata: { namespace: 't', name: 'good' }, spec: { template } });
    const done = await cluster.until('it is complete', async () => {
      const of = await cluster.get<batchv1.Job>('Job', { namespace: 't', name: 'good' });
      return of?.status?.conditions?.some(({ type }) => type === 'Complete') === true && of;
    });
    expect(done.status).toMatchObject({ succeeded: 1 });
    const [made] = (await cluster.list<corev1.Pod>('Pod', 't')).filter(({ metadata }) => metadata.labels?.['job-name'] === 'good');
    expect(await log('t', made?.metadata.name ?? '')).toBe('prepared\n');
  });

  it('fails a Job at its limit', async () => {
    await cluster.create<batchv1.Job>({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { namespace: 't', name: 'bad' },
      spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none', command: ['false'] }] } } },
    });
    const failed = await cluster.until('it failed', async () => {
      const of = await cluster.get<batchv1.Job>('Job', { namespace: 't', name: 'bad' });
      return of?.status?.conditions?.find(({ type }) => type === 'Failed');
    });
    expect(failed.reason).toBe('BackoffLimitExceeded');
  });

  it('says that a pod without a command cannot run here', async () => {
    await cluster.create(pod('t', 'image', {}, { image: 'nginx' }));
    const waiting = await cluster.until(
      'it waits',
      async () => main(await status('t', 'image')())?.state?.waiting?.reason === 'CreateContainerConfigError' && status('t', 'image')(),
    );
    expect(main(waiting)?.state?.waiting?.message).toContain('runs commands, not images');
    await cluster.remove('Pod', { namespace: 't', name: 'image' });
    await cluster.until('it is gone', async () => (await cluster.get('Pod', { namespace: 't', name: 'image' })) === undefined);
  });
});
