import type { corev1 } from '@tiphys/kube-model';
import type { ContainerExit } from '@tiphys/plane-runtime';
import { describe, expect, it } from 'vitest';
import { expand, resolveInputs } from './environment.ts';
import { planPod } from './pod-plan.ts';
import { newPodRecord, type PodRecord } from './pod-record.ts';
import { podStatus } from './pod-status.ts';
import type { PodSources } from './sources.ts';
import { resolveVolumes } from './volumes.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');

function pod(spec: Partial<corev1.PodSpec>, metadata: Partial<corev1.Pod['metadata']> = {}): corev1.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'web', uid: 'u', labels: { app: 'web' }, ...metadata },
    spec: { containers: [{ name: 'main' }], ...spec },
  };
}

const exit = (exitCode: number): ContainerExit => ({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAtMs: nowMs, finishedAtMs: nowMs });

function record(of: corev1.Pod, phases: Readonly<Record<string, 'running' | 'starting' | number>>): PodRecord {
  const made = newPodRecord(of, nowMs);
  for (const container of made.containers) {
    const phase = phases[container.name];
    if (phase === undefined) continue;
    container.phase = typeof phase === 'number' ? 'exited' : phase;
    if (typeof phase === 'number') container.exit = exit(phase);
    else container.started = container.ready = phase === 'running';
    if (phase === 'running')
      container.running = { id: `x://${container.name}`, startedAtMs: nowMs, exited: new Promise(() => undefined), stop: async () => undefined };
  }
  return made;
}

describe('pod plan', () => {
  const inits = pod({ initContainers: [{ name: 'first' }, { name: 'proxy', restartPolicy: 'Always' }, { name: 'second' }], containers: [{ name: 'main' }] });
  const cases: readonly [string, corev1.Pod, Parameters<typeof record>[1], Partial<ReturnType<typeof planPod>>][] = [
    ['starts with the first init container', inits, {}, { start: ['first'] }],
    ['waits while it runs', inits, { first: 'running' }, { start: [] }],
    ['starts a sidecar next', inits, { first: 0 }, { start: ['proxy'] }],
    ['goes on once the sidecar has started', inits, { first: 0, proxy: 'running' }, { start: ['second'] }],
    ['starts the containers last', inits, { first: 0, proxy: 'running', second: 0 }, { start: ['main'] }],
    ['does not repeat init containers when a container is restarted', inits, { proxy: 'running', main: 1 }, { start: ['main'] }],
    ['fails a pod whose init container fails for good', pod({ initContainers: [{ name: 'i' }], restartPolicy: 'Never' }), { i: 1 }, { terminal: 'Failed' }],
    ['restarts under Always even after success', pod({}), { main: 0 }, { start: ['main'], terminal: undefined }],
    ['succeeds under OnFailure', pod({ restartPolicy: 'OnFailure' }), { main: 0 }, { terminal: 'Succeeded' }],
    ['fails under Never', pod({ restartPolicy: 'Never' }), { main: 2 }, { terminal: 'Failed' }],
    [
      'ends sidecars with the pod',
      { ...inits, spec: { ...inits.spec, containers: [{ name: 'main' }], restartPolicy: 'Never' } },
      { first: 0, proxy: 'running', second: 0, main: 0 },
      { terminal: 'Succeeded', stop: ['proxy'] },
    ],
  ];
  it.each(cases)('%s', (_name, of, phases, expected) => {
    expect(planPod(of, record(of, phases), nowMs)).toMatchObject(expected);
  });

  it('ends containers before sidecars when the pod is deleted, then removes it', () => {
    const deleted = { ...inits, metadata: { ...inits.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(planPod(deleted, record(deleted, { proxy: 'running', main: 'running' }), nowMs)).toMatchObject({ stop: ['main'], remove: false });
    expect(planPod(deleted, record(deleted, { proxy: 'running', main: 0 }), nowMs)).toMatchObject({ stop: ['proxy'], remove: false });
    expect(planPod(deleted, record(deleted, { proxy: 0, main: 0 }), nowMs)).toMatchObject({ remove: true, terminal: 'Succeeded' });
  });

  it('waits for its back-off', () => {
    const of = pod({});
    const waiting = record(of, { main: 1 });
    for (const container of waiting.containers) container.retryAtMs = nowMs + 500;
    expect(planPod(of, waiting, nowMs)).toMatchObject({ start: [], wakeAtMs: nowMs + 500 });
    expect(planPod(of, waiting, nowMs + 500)).toMatchObject({ start: ['main'] });
  });
});

describe('pod status', () => {
  it('shows phases and conditions, and the same status again when nothing changed', () => {
    const of = pod({ readinessGates: [{ conditionType: 'lb' }] });
    const first = podStatus(of, record(of, {}), '127.0.0.1', [], nowMs);
    expect(first).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] });
    const running = podStatus(of, record(of, { main: 'running' }), '127.0.0.1', first.conditions ?? [], nowMs + 5_000);
    expect(running.phase).toBe('Running');
    expect(Object.fromEntries((running.conditions ?? []).map(({ type, status }) => [type, status]))).toMatchObject({
      ContainersReady: 'True',
      Ready: 'False',
      Initialized: 'True',
    });
    expect(podStatus(of, record(of, { main: 'running' }), '127.0.0.1', running.conditions ?? [], nowMs + 9_000)).toEqual(running);
    const gated = { ...of, status: { conditions: [{ type: 'lb', status: 'True' }] } };
    expect(podStatus(gated, record(of, { main: 'running' }), '127.0.0.1', [], nowMs).conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  });

  it('shows a container in back-off as waiting with its last end', () => {
    const of = pod({});
    const crashed = record(of, { main: 3 });
    for (const container of crashed.containers) container.waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s' };
    expect(podStatus(of, crashed, '', [], nowMs).containerStatuses).toMatchObject([
      { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 3 } } },
    ]);
    expect(podStatus(of, crashed, '', [], nowMs).phase).toBe('Running');
  });
});

describe('environment and volumes', () => {
  const sources: PodSources = {
    acceptsAnyVolume: false,
    configMap: (name) => (name === 'conf' ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { 'a.txt': 'A', LEVEL: 'info' } } : undefined),
    secret: (name) =>
      name === 'keys' ? { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { token: Buffer.from('s3cret').toString('base64') } } : undefined,
    services: () => [
      { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name: 'my-db' }, spec: { clusterIP: '127.96.0.5', ports: [{ port: 5432 }] } },
    ],
    token: () => 'jwt',
  };
  const context = { podIP: '127.64.0.2', hostIP: '127.0.0.1', nodeName: 'n', allocatable: { cpu: '2', memory: '1Gi' } };

  it('builds the environment in upstream order and expands references', () => {
    const container: corev1.Container = {
      name: 'main',
      command: ['serve'],
      args: ['--at=$(HOST):$(PORT)', '$$(HOST)', '$(NOPE)'],
      envFrom: [{ prefix: 'C_', configMapRef: { name: 'conf' } }],
      env: [
        { name: 'HOST', value: '0.0.0.0' },
        { name: 'URL', value: 'http://$(HOST):$(PORT)' },
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
        { name: 'MAYBE', valueFrom: { configMapKeyRef: { name: 'nope', key: 'x', optional: true } } },
      ],
    };
    const inputs = resolveInputs(pod({ containers: [container] }), container, sources, context, { HOST: '127.64.0.2', PORT: '8080' });
    expect(inputs).toMatchObject({
      args: ['--at=0.0.0.0:8080', '$(HOST)', '$(NOPE)'],
      env: {
        C_LEVEL: 'info',
        URL: 'http://0.0.0.0:8080',
        POD: 'web',
        APP: 'web',
        KEY: 's3cret',
        CPU: '2000',
        MY_DB_SERVICE_HOST: '127.96.0.5',
        MY_DB_SERVICE_PORT: '5432',
        HOSTNAME: 'web',
      },
    });
    expect('env' in inputs && 'MAYBE' in inputs.env).toBe(false);
    expect(expand('$(A', { A: '1' })).toBe('$(A');
  });

  it('names what is missing', () => {
    const needs = (env: corev1.EnvVar[]): unknown => resolveInputs(pod({}), { name: 'main', env }, sources, context, {});
    expect(needs([{ name: 'X', valueFrom: { configMapKeyRef: { name: 'nope', key: 'x' } } }])).toEqual({ problem: 'configmap "nope" not found' });
    expect(needs([{ name: 'X', valueFrom: { secretKeyRef: { name: 'keys', key: 'y' } } }])).toEqual({ problem: "couldn't find key y in secret shop/keys" });
    expect(resolveVolumes(pod({ volumes: [{ name: 'v', secret: { secretName: 'nope' } }] }), sources, context)).toEqual({ problem: 'secret "nope" not found' });
    expect(resolveVolumes(pod({ volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] }), sources, context)).toMatchObject({
      problem: expect.stringContaining('nfs volumes are not offered'),
    });
  });

  it('projects sources into one folder with private modes for secrets', () => {
    const volumes = resolveVolumes(
      pod({
        volumes: [
          {
            name: 'all',
            projected: {
              sources: [
                { configMap: { name: 'conf', items: [{ key: 'a.txt', path: 'd/a' }] } },
                { secret: { name: 'keys' } },
                { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
                { serviceAccountToken: { path: 'jwt' } },
              ],
            },
          },
        ],
      }),
      sources,
      context,
    );
    const [volume] = Array.isArray(volumes) ? volumes : [];
    expect(
      volume.files.map((file: { path: string; data: Uint8Array; mode: number }) => [file.path, Buffer.from(file.data).toString(), file.mode.toString(8)]),
    ).toEqual([
      ['d/a', 'A', '644'],
      ['token', 's3cret', '600'],
      ['labels', 'app="web"', '644'],
      ['jwt', 'jwt', '600'],
    ]);
  });
});
