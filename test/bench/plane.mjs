#!/usr/bin/env node
// The bundled control plane as a process of its own, on disk, over TLS; beside it in the same run etcd, for raw writes.
// Usage: node test/bench/plane.mjs [--quick]      needs a build; etcd on the PATH for the comparison
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';

const quick = process.argv.includes('--quick');
const main = fileURLToPath(new URL('../../apps/tiphys/dist/main.js', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'tiphys-bench-plane-'));
const children = [];
const say = (row) => process.stdout.write(`${JSON.stringify(row)}\n`);
const round = (value, digits = 2) => Math.round(value * 10 ** digits) / 10 ** digits;
const pick = (values, q) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;

const status = (pid) => readFileSync(`/proc/${pid}/status`, 'utf8');
const rssMb = (pid) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(status(pid))?.[1] ?? 0) / 1024);
// User and system time of a process in seconds; ticks are hundredths on Linux.
const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** Authority, certificate and key of a kubeconfig of ours. */
function identityOf(kubeconfig) {
  const config = readFileSync(kubeconfig, 'utf8');
  const decode = (name) => Buffer.from(new RegExp(`"?${name}"?: "?([A-Za-z0-9+/=]+)`).exec(config)?.[1] ?? '', 'base64').toString();
  return { ca: decode('certificate-authority-data'), cert: decode('client-certificate-data'), key: decode('client-key-data') };
}

async function startPlane(dataDir) {
  const kubeconfig = `${dataDir}.kubeconfig`;
  const args = ['plane', '--data-dir', dataDir, '--https-port', '0', '--kubeconfig-out', kubeconfig, '--log-format', 'json', '--log-level', 'error'];
  const began = performance.now();
  const child = spawn(process.execPath, [...(process.env.BENCH_NODE_OPTIONS ?? '').split(' ').filter(Boolean), main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TIPHYS_HOME: path.join(folder, 'home') },
  });
  children.push(child);
  const ready = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`plane ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
  });
  const readyMs = performance.now() - began;
  const tls = identityOf(kubeconfig);
  const connect = () => new Client(ready.server, { connect: tls, pipelining: 1 });
  const client = connect();
  await ok(client, 'GET', '/readyz');
  return { child, pid: child.pid, url: ready.server, readyMs, answeredMs: performance.now() - began, connect, client };
}

async function stop(child) {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await gone;
}

async function ok(client, method, target, body, { contentType = 'application/json', accept = 'application/json' } = {}) {
  const answer = await client.request({
    method,
    path: target,
    headers: { accept, 'user-agent': 'bench', ...(body === undefined ? {} : { 'content-type': contentType }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${target}: ${answer.statusCode}: ${text.slice(0, 300)}`);
  return text;
}

/** Reads a list to its last byte, as bytes: decoding them is the client's affair. */
async function drain(client, target, accept) {
  const answer = await client.request({ method: 'GET', path: target, headers: { accept, 'user-agent': 'bench' } });
  let bytes = 0;
  for await (const chunk of answer.body) bytes += chunk.length;
  if (answer.statusCode !== 200) throw new Error(`GET ${target}: ${answer.statusCode}`);
  return bytes;
}

/** Runs one operation over so many connections, each with one request in flight. */
async function load(connect, connections, total, perform) {
  const clients = Array.from({ length: connections }, connect);
  await Promise.all(clients.map((client, index) => perform.warm(client, index)));
  const times = [];
  let next = 0;
  const began = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let index = next++; index < total; index = next++) {
        const at = performance.now();
        await perform.once(client, index);
        times.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(clients.map((client) => client.close()));
  return { perSecond: Math.round(total / seconds), p50ms: round(pick(times, 0.5)), p99ms: round(pick(times, 0.99)) };
}

const FILLER = 'x'.repeat(900);
const NAMESPACE = '/api/v1/namespaces/default/configmaps';
const configMap = (name, value) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value, filler: FILLER } });
const ready = (client) => ok(client, 'GET', '/readyz');

async function operations(plane) {
  for (const connections of [1, 16, 128]) {
    const total = (quick ? 500 : 2_000) * (connections === 1 ? 1 : 5);
    const name = (index) => `c${connections}-${index}`;
    const row = (what, figures) => say({ what, connections, total, ...figures });
    const run = (once) => load(plane.connect, connections, total, { warm: ready, once });
    row('create', await run((client, index) => ok(client, 'POST', NAMESPACE, configMap(name(index), '0'))));
    row('get', await run((client, index) => ok(client, 'GET', `${NAMESPACE}/${name(index)}`)));
    row('update', await run((client, index) => ok(client, 'PUT', `${NAMESPACE}/${name(index)}`, configMap(name(index), '1'))));
    row(
      'patch',
      await run((client, index) =>
        ok(client, 'PATCH', `${NAMESPACE}/${name(index)}`, { data: { value: '2' } }, { contentType: 'application/merge-patch+json' }),
      ),
    );
    row('delete', await run((client, index) => ok(client, 'DELETE', `${NAMESPACE}/${name(index)}`)));
  }
}

const pod = (index) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p-${index}`, labels: { app: `a-${index % 50}`, tier: 'web' }, annotations: { note: 'one of many' } },
  // A scheduler that nobody runs: the pods stay as they were created.
  spec: {
    schedulerName: 'nobody',
    containers: [{ name: 'web', image: 'registry.example.com/web:1', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: '1' }] }],
  },
});

async function lists(plane) {
  const count = quick ? 1_000 : 10_000;
  await ok(plane.client, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'many' } });
  const target = '/api/v1/namespaces/many/pods';
  const made = await load(plane.connect, 64, count, { warm: ready, once: (client, index) => ok(client, 'POST', target, pod(index)) });
  say({ what: 'create pods', connections: 64, total: count, ...made });
  for (const [what, accept] of [
    ['JSON', 'application/json'],
    ['Table', 'application/json;as=Table;v=v1;g=meta.k8s.io'],
    ['protobuf', 'application/vnd.kubernetes.protobuf'],
    ['metadata', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'],
  ]) {
    const times = [];
    let bytes = 0;
    for (let round = 0; round < 7; round += 1) {
      const at = performance.now();
      bytes = await drain(plane.client, target, accept);
      times.push(performance.now() - at);
    }
    say({ what: `LIST ${count} pods as ${what}`, firstMs: round(times[0], 1), medianMs: round(pick(times, 0.5), 1), megabytes: round(bytes / 1e6, 1) });
  }
  say({
    what: 'memory with the pods',
    rssMegabytes: rssMb(plane.pid),
    ofThatMappedFiles: Math.round(Number(/RssFile:\s+(\d+)/.exec(status(plane.pid))?.[1] ?? 0) / 1024),
  });
}

async function fanOut(plane, watchers, writes) {
  // Many streams a connection, as informers have them.
  const { connect } = await import('node:http2');
  const tls = identityOf(`${path.join(folder, 'plane')}.kubeconfig`);
  const sessions = Array.from({ length: 10 }, () => connect(plane.url, tls));
  const times = [];
  let open = 0;
  for (let index = 0; index < watchers; index += 1) {
    const stream = sessions[index % sessions.length].request({
      ':path': `${NAMESPACE}?watch=true&fieldSelector=metadata.name=fan&resourceVersion=0`,
      'user-agent': 'bench',
    });
    stream.setEncoding('utf8');
    stream.once('response', () => (open += 1));
    stream.on('data', (part) => {
      const now = performance.now();
      for (const [, sent] of part.matchAll(/"sent":"([\d.]+)"/g)) times.push(now - Number(sent));
    });
  }
  while (open < watchers) await sleep(20);
  await ok(plane.client, 'POST', NAMESPACE, { ...configMap('fan', '0'), data: {} });
  for (let write = 0; write < writes; write += 1) {
    const before = times.length;
    await ok(plane.client, 'PATCH', `${NAMESPACE}/fan`, { data: { sent: String(performance.now()) } }, { contentType: 'application/merge-patch+json' });
    while (times.length < before + watchers) await sleep(2);
  }
  for (const session of sessions) session.destroy();
  say({ what: `one write to ${watchers} watchers`, writes, p50ms: round(pick(times, 0.5), 1), p99ms: round(pick(times, 0.99), 1) });
}

async function idle(plane) {
  const seconds = quick ? 10 : 60;
  await sleep(5_000);
  const before = cpuSeconds(plane.pid);
  await sleep(seconds * 1_000);
  say({ what: 'idle', seconds, cpuPercent: round(((cpuSeconds(plane.pid) - before) / seconds) * 100), rssMegabytes: rssMb(plane.pid) });
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

async function etcd() {
  const [port, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  try {
    execFileSync('etcd', ['--version']);
  } catch {
    say({ what: 'etcd', skipped: 'etcd is not on the PATH' });
    return;
  }
  const child = spawn(
    'etcd',
    [
      '--data-dir',
      path.join(folder, 'etcd'),
      '--listen-client-urls',
      url,
      '--advertise-client-urls',
      url,
      '--listen-peer-urls',
      `http://127.0.0.1:${peer}`,
      '--initial-advertise-peer-urls',
      `http://127.0.0.1:${peer}`,
      '--initial-cluster',
      `default=http://127.0.0.1:${peer}`,
    ],
    {
      stdio: 'ignore',
    },
  );
  children.push(child);
  const connect = () => new Client(url, { pipelining: 1 });
  for (;;) {
    const client = connect();
    const isUp = await client.request({ method: 'GET', path: '/health' }).then(
      (answer) => answer.body.text().then(() => answer.statusCode === 200),
      () => false,
    );
    await client.destroy();
    if (isUp) break;
    await sleep(50);
  }
  const value = Buffer.from(JSON.stringify(configMap('x', '0'))).toString('base64');
  for (const connections of [1, 16, 128]) {
    const total = (quick ? 500 : 2_000) * (connections === 1 ? 1 : 5);
    const key = (index) => Buffer.from(`k/${connections}/${index}`).toString('base64');
    const figures = await load(connect, connections, total, {
      warm: (client) => client.request({ method: 'GET', path: '/health' }).then((answer) => answer.body.text()),
      once: (client, index) => ok(client, 'POST', '/v3/kv/put', { key: key(index), value }),
    });
    say({ what: 'etcd put, through its JSON gateway without TLS', connections, total, ...figures });
  }
  say({ what: 'etcd RSS', megabytes: rssMb(child.pid) });
  await stop(child);
}

try {
  say({ what: 'machine', cpus: cpus().length, load: round(loadavg()[0]), node: process.version });
  const starts = [];
  for (let index = 0; index < 5; index += 1) {
    const plane = await startPlane(path.join(folder, `start-${index}`));
    starts.push(plane.answeredMs);
    await plane.client.close();
    await stop(plane.child);
  }
  say({ what: 'cold start to the first answer', medianMs: Math.round(pick(starts, 0.5)), worstMs: Math.round(Math.max(...starts)), n: starts.length });
  const plane = await startPlane(path.join(folder, 'plane'));
  await idle(plane);
  await operations(plane);
  await lists(plane);
  await fanOut(plane, quick ? 100 : 1_000, quick ? 5 : 20);
  await plane.client.close();
  await stop(plane.child);
  await etcd();
  say({ what: 'machine afterwards', load: round(loadavg()[0]) });
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
