#!/usr/bin/env node
// Many applications on the bundled plane with simulated nodes: plane and controller in processes of their own, as two programs would be.
// Usage: node test/bench/delivery.mjs [applications] [--json]      needs a build
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadKubeconfigClient } from '../../libs/kube/client/dist/index.js';
import { builtin, customResource } from '../../libs/kube/model/dist/index.js';

const count = Number(process.argv.slice(2).find((arg) => !arg.startsWith('--')) ?? 1000);
const main = fileURLToPath(new URL('../../apps/tiphys/dist/main.js', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'tiphys-bench-delivery-'));
const repository = path.join(folder, 'repo');
const applicationType = customResource('argoproj.io/v1alpha1', 'Application', 'applications');
const children = [];
const signal = AbortSignal.timeout(1_800_000);
const git = (...args) => execFileSync('git', ['-C', repository, '-c', 'user.name=b', '-c', 'user.email=b@b', ...args], { encoding: 'utf8' }).trim();
const pick = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
const say = (row) => process.stdout.write(`${JSON.stringify(row)}\n`);

function start(...args) {
  const child = spawn(
    process.execPath,
    [...(process.env.BENCH_NODE_OPTIONS ?? '').split(' ').filter(Boolean), main, ...args, '--log-format', 'json', '--log-level', 'error'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TIPHYS_HOME: path.join(folder, 'home') },
    },
  );
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', () => resolve(child));
  });
}

const rssMb = (pid) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
// User and system time of a process in seconds; ticks are hundredths on Linux.
const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

const manifests = (index, value) => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {value: "${value}"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web-${index}}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 1, selector: {matchLabels: {app: web-${index}}}, template: {metadata: {labels: {app: web-${index}}}, spec: {serviceAccountName: web, containers: [{name: web, image: "web:1"}]}}}
`;

function writeAll(value) {
  for (let index = 0; index < count; index += 1) {
    mkdirSync(path.join(repository, `apps/a${index}`), { recursive: true });
    writeFileSync(path.join(repository, `apps/a${index}/all.yaml`), manifests(index, value));
  }
  git('add', '--all');
  git('commit', '--quiet', '--message', value);
  return git('rev-parse', 'HEAD');
}

const application = (index) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: `a${index}`, namespace: 'argocd' },
  spec: {
    project: 'default',
    source: { repoURL: repository, path: `apps/a${index}`, targetRevision: 'main' },
    destination: { server: 'https://kubernetes.default.svc', namespace: `n${index}` },
    syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
  },
});

/** Follows all applications and tells when each was Synced and Healthy at a commit. */
class Follower {
  #states = new Map();
  #waiters = new Set();
  constructor(client) {
    this.#run(client).catch(() => undefined); // Ends with the plane.
  }
  async #run(client) {
    const list = await client.list(applicationType, { namespace: 'argocd', signal });
    for (const item of list.items) this.#see(item);
    for await (const event of client.watch(applicationType, { namespace: 'argocd', resourceVersion: list.metadata.resourceVersion, signal }))
      this.#see(event.object);
  }
  #see({ metadata, status }) {
    this.#states.set(metadata.name, { revision: status?.sync?.revision, sync: status?.sync?.status, health: status?.health?.status });
    for (const waiter of this.#waiters) waiter();
  }
  /** Resolves with milliseconds since the call when `wanted` applications are there. */
  until(wanted, isThere) {
    const startedAt = performance.now();
    return new Promise((resolve) => {
      const look = () => {
        if ([...this.#states].filter(([name, state]) => isThere(state, name)).length < wanted) return;
        this.#waiters.delete(look);
        resolve(performance.now() - startedAt);
      };
      this.#waiters.add(look);
      look();
    });
  }
}

const isDone = (revision) => (state) => state.revision === revision && state.sync === 'Synced' && state.health === 'Healthy';

try {
  mkdirSync(repository, { recursive: true });
  git('init', '--quiet', '--initial-branch=main');
  const first = writeAll('first');
  const kubeconfig = path.join(folder, 'kubeconfig');
  const plane = await start('plane', '--memory', '--https-port', '0', '--kubeconfig-out', kubeconfig, '--runtime', 'simulated', '--nodes', '20');
  const controller = await start('controller', '--kubeconfig', kubeconfig, '--data-dir', path.join(folder, 'delivery'), '--poll-interval', '15s');
  const client = await loadKubeconfigClient({ from: { path: kubeconfig }, userAgent: 'bench' });
  const follower = new Follower(client);

  // (a) the first installation of all
  const cpuBefore = [cpuSeconds(controller.pid), cpuSeconds(plane.pid)];
  const installing = follower.until(count, isDone(first));
  for (let index = 0; index < count; index += 1) await client.create(applicationType, application(index), { signal });
  const installMs = await installing;
  say({
    what: `first installation of ${count} applications of 4 objects`,
    seconds: installMs / 1000,
    perSecond: (count / installMs) * 1000,
    controllerCpu: cpuSeconds(controller.pid) - cpuBefore[0],
    planeCpu: cpuSeconds(plane.pid) - cpuBefore[1],
  });
  say({ what: 'memory after the installation', controllerMb: rssMb(controller.pid), planeMb: rssMb(plane.pid) });

  // (b) a line changed in all of them
  const second = writeAll('second');
  say({ what: `a line changed in all ${count}`, seconds: (await follower.until(count, isDone(second))) / 1000 });

  // (c) a line changed in one of them
  const times = [];
  for (let round = 0; round < 10; round += 1) {
    const name = `a${(round * 97) % count}`;
    writeFileSync(path.join(repository, `apps/${name}/all.yaml`), manifests(Number(name.slice(1)), `one-${round}`));
    const at = performance.now();
    git('commit', '--quiet', '--all', '--message', `one ${round}`);
    const commit = git('rev-parse', 'HEAD');
    await follower.until(1, (state, of) => of === name && isDone(commit)(state));
    times.push(performance.now() - at);
  }
  say({ what: `a line changed in one of ${count}: commit to Synced`, medianMs: pick(times, 0.5), worstMs: pick(times, 1) });

  // (d) nothing to do
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const idleFrom = [cpuSeconds(controller.pid), await requests(client), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const minutes = (performance.now() - idleFrom[2]) / 60_000;
  say({
    what: 'idle for a minute',
    cpuPercent: ((cpuSeconds(controller.pid) - idleFrom[0]) / (minutes * 60)) * 100,
    requestsPerMinute: ((await requests(client)) - idleFrom[1]) / minutes,
    controllerMb: rssMb(controller.pid),
    planeMb: rssMb(plane.pid),
  });

  // (e) drift of all
  const drifted = Math.min(count, 1000);
  const healed = new Map();
  const maps = builtin('v1', 'ConfigMap');
  const changedAt = new Map();
  const stop = new AbortController();
  const list = await client.list(maps, { limit: 1, signal });
  const watching = (async () => {
    for await (const { object } of client.watch(maps, { resourceVersion: list.metadata.resourceVersion, signal: stop.signal })) {
      const { namespace, name } = object.metadata;
      if (name !== 'settings') continue;
      if (object.data?.value === 'drifted') changedAt.set(namespace, performance.now());
      else if (changedAt.has(namespace) && !healed.has(namespace)) healed.set(namespace, performance.now() - changedAt.get(namespace));
      if (healed.size === drifted) stop.abort();
    }
  })().catch(() => undefined);
  const driftAt = performance.now();
  for (let index = 0; index < drifted; index += 1)
    await client.patch(maps, { namespace: `n${index}`, name: 'settings' }, { data: { value: 'drifted' } }, { type: 'merge', signal });
  await watching;
  const delays = [...healed.values()];
  say({ what: `${drifted} objects drifted, corrected`, p50Ms: pick(delays, 0.5), p99Ms: pick(delays, 0.99), allSeconds: (performance.now() - driftAt) / 1000 });
  say({ what: 'memory at the end', controllerMb: rssMb(controller.pid), planeMb: rssMb(plane.pid) });

  // (g) a chain of waves
  mkdirSync(path.join(repository, 'waves'), { recursive: true });
  const wave = (index) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wave-${index}, annotations: {argocd.argoproj.io/sync-wave: "${index}"}}\n`;
  writeFileSync(path.join(repository, 'waves/all.yaml'), Array.from({ length: 20 }, (_, index) => wave(index)).join('---\n'));
  git('add', '--all');
  git('commit', '--quiet', '--message', 'waves');
  const waves = {
    ...application(0),
    metadata: { name: 'waves', namespace: 'argocd' },
    spec: {
      ...application(0).spec,
      source: { ...application(0).spec.source, path: 'waves' },
      destination: { ...application(0).spec.destination, namespace: 'waves' },
    },
  };
  const commit = git('rev-parse', 'HEAD');
  const chain = follower.until(1, (state, name) => name === 'waves' && isDone(commit)(state));
  await client.create(applicationType, waves, { signal });
  say({ what: 'a chain of 20 waves, from the application to Healthy', seconds: (await chain) / 1000 });
} finally {
  for (const child of children) {
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Requests the plane has answered. */
async function requests(client) {
  const chunks = [];
  for await (const chunk of (await client.raw({ method: 'GET', path: '/metrics', signal })).body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return [...text.matchAll(/^apiserver_request_total(?:\{[^}]*\})? (\d+)/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
}
