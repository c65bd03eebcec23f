// Measures the promises of the main job with real processes: `npm run bench`. Needs a build.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKubeconfigClient } from '@tiphys/kube-client';
import { builtin } from '@tiphys/kube-model';
import { createGitRepo, eventually, runTiphys, startGitServer, startTiphys } from '@tiphys/testkit';

const STARTS = 5;
const CHANGES = 20;
const KUBECTL = process.env.KUBECTL ?? 'kubectl';
const PORTS = ['--port', '0', '--https-port', '0'];
const rows = [];

function report(what, target, values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  rows.push({ what, n: sorted.length, 'median ms': Math.round(at(0.5)), 'p95 ms': Math.round(at(0.95)), 'worst ms': Math.round(sorted.at(-1)), target });
}

async function inHome(body) {
  const home = await mkdtemp(path.join(tmpdir(), 'tiphys-bench-'));
  try {
    return await body(home);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

const configMap = (value) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {value: "${value}"}\n`;
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
`;

// When each state of an object was seen in the API, by a watch that anyone could open.
function follow(client, type) {
  const seen = [];
  const stop = new AbortController();
  const run = (async () => {
    for await (const { type: event, object } of client.watch(type, { namespace: 'shop', fieldSelector: 'metadata.name=web', signal: stop.signal }))
      seen.push({ at: performance.now(), object: event === 'DELETED' ? undefined : object });
  })().catch(() => undefined);
  const when = (what, accept, since) =>
    eventually(
      what,
      () => seen.find(({ at, object }) => at > since && accept(object)),
      (found) => found !== undefined,
      30_000,
    );
  return { when: async (...args) => (await when(...args)).at, stop: () => (stop.abort(), run) };
}

// One application of a ConfigMap and a Deployment from a repository over HTTP.
async function withApplication(args, body) {
  await inHome(async (home) => {
    const repo = await createGitRepo(path.join(home, 'repos', 'web'));
    await repo.commit({ 'map.yaml': configMap('start'), 'deployment.yaml': DEPLOYMENT });
    const git = await startGitServer(path.join(home, 'repos'));
    const up = await startTiphys(['up', '--runtime', 'simulated', ...PORTS, ...args], { home });
    const url = `${git.url}/web/.git`;
    const run = async (...command) => {
      const { code, err } = await runTiphys(command, { home });
      if (code !== 0) throw new Error(`${command.join(' ')}: ${err}`);
    };
    const client = await loadKubeconfigClient({ from: { path: up.ready.kubeconfig } });
    await run(
      'app',
      'create',
      'web',
      '--repo',
      url,
      '--path',
      '.',
      '--revision',
      'main',
      '--dest-namespace',
      'shop',
      '--auto-prune',
      '--self-heal',
      '--sync-option',
      'CreateNamespace=true',
    );
    await run('app', 'wait', 'web', '--timeout', '30');
    const watches = { maps: follow(client, builtin('v1', 'ConfigMap')), deployments: follow(client, builtin('apps/v1', 'Deployment')) };
    try {
      await body({ home, repo, up, url, ...watches });
    } finally {
      await watches.maps.stop();
      await watches.deployments.stop();
      await client.close();
      await up.stop();
      await git[Symbol.asyncDispose]();
    }
  });
}

async function measureStarts() {
  const first = [];
  const again = [];
  for (let index = 0; index < STARTS; index += 1) {
    await inHome(async (home) => {
      for (const values of [first, again]) {
        const started = performance.now();
        const up = await startTiphys(['up', '--demo', ...PORTS], { home });
        const { url } = await up.event('demo-healthy', 60_000);
        await eventually(
          'the Service answers',
          async () => (await fetch(url)).status,
          (status) => status === 200,
          30_000,
        );
        values.push(performance.now() - started);
        await up.stop();
      }
    });
  }
  report('first start of the demo → Healthy, Service answers', '≤ 5000', first);
  report('next start of the demo → Service answers', '', again);
}

async function measureCommits(what, target, args, announce) {
  await withApplication(args, async (rig) => {
    const values = [];
    for (let index = 0; index < CHANGES; index += 1) {
      // Commits come at any time between two polls.
      await sleep(300 + Math.random() * 1_000);
      const value = `${index}`;
      await rig.repo.commit({ 'map.yaml': configMap(value) });
      const committed = performance.now();
      await announce(rig);
      values.push((await rig.maps.when(`commit ${index} is live`, (object) => object?.data?.value === value, committed)) - committed);
    }
    report(what, target, values);
  });
}

async function push({ home, up, url }) {
  const secret = (await readFile(path.join(home, 'default', 'webhook-secret'), 'utf8')).trim();
  const body = JSON.stringify({ ref: 'refs/heads/main', after: '0'.repeat(40), repository: { clone_url: url } });
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
  const response = await fetch(`${up.ready.console}/api/webhook`, { method: 'POST', body, headers });
  if (!response.ok) throw new Error(`webhook: ${response.status} ${await response.text()}`);
}

async function measureDrift() {
  await withApplication(['--poll-interval', '600s'], async ({ up, home, maps, deployments }) => {
    const kubectl = (...args) =>
      execFileSync(KUBECTL, ['--kubeconfig', up.ready.kubeconfig, '-n', 'shop', ...args], { stdio: 'ignore', env: { ...process.env, HOME: home } });
    // What kubectl does, how the wrong state looks and how the right one does.
    const kinds = [
      [
        maps,
        ['patch', 'configmap', 'web', '-p', '{"data":{"value":"by hand"}}'],
        (object) => object?.data?.value === 'by hand',
        (object) => object?.data?.value === 'start',
      ],
      [maps, ['delete', 'configmap', 'web', '--wait=false'], (object) => object === undefined, (object) => object?.data?.value === 'start'],
      [deployments, ['scale', 'deployment', 'web', '--replicas', '5'], (object) => object?.spec?.replicas === 5, (object) => object?.spec?.replicas === 2],
      [deployments, ['delete', 'deployment', 'web', '--wait=false'], (object) => object === undefined, (object) => object?.spec?.replicas === 2],
    ];
    const values = [];
    for (let index = 0; index < CHANGES; index += 1) {
      const [watch, args, isWrong, isRight] = kinds[index % kinds.length];
      const since = performance.now();
      kubectl(...args);
      const wrongAt = await watch.when(`${args.join(' ')} is seen`, isWrong, since);
      values.push((await watch.when(`${args.join(' ')} is reverted`, isRight, wrongAt)) - wrongAt);
    }
    report('kubectl edit or delete → reverted', '≤ 1000', values);
  });
}

await measureStarts();
await measureCommits('commit → ConfigMap, by webhook', '≤ 500', ['--poll-interval', '600s'], push);
await measureCommits('commit → ConfigMap, polling at 1 s', '', ['--poll-interval', '1s'], async () => undefined);
await measureDrift();
process.stdout.write(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}\n`,
);
const titles = Object.keys(rows[0]);
const cells = [titles, ...rows.map((row) => titles.map((title) => String(row[title])))];
const widths = titles.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
for (const line of cells)
  process.stdout.write(
    `${line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('   ')
      .trimEnd()}\n`,
  );
