#!/usr/bin/env node
// Malformed requests against the API server in a process of its own: none may crash it or be answered with 5xx, and its memory stays bounded.
// Usage: node test/fuzz/api-server.fuzz.mjs [requests] [seed]      needs a build; ends with 1 when anything was found
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { BUILTIN_RESOURCES } from '../../libs/kube/model/dist/index.js';
import { seedsOf } from './api-server-seeds.mjs';
import { randomFrom } from './random.mjs';
import { mangle } from './mangle-request.mjs';

const total = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const CONNECTIONS = 16;
const folder = mkdtempSync(path.join(tmpdir(), 'tiphys-fuzz-'));
const main = fileURLToPath(new URL('../../apps/tiphys/dist/main.js', import.meta.url));
const kubeconfig = path.join(folder, 'config');
const rssMb = (pid) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);

const child = spawn(
  process.execPath,
  [main, 'plane', '--memory', '--https-port', '0', '--kubeconfig-out', kubeconfig, '--log-format', 'json', '--log-level', 'error'],
  {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TIPHYS_HOME: folder },
  },
);
const logs = [];
createInterface({ input: child.stderr }).on('line', (line) => logs.length < 200 && logs.push(line));
let ended;
child.once('exit', (code, signal) => (ended = { code, signal }));

const ready = await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line))));
const config = readFileSync(kubeconfig, 'utf8');
const decode = (name) => Buffer.from(new RegExp(`"?${name}"?: "?([A-Za-z0-9+/=]+)`).exec(config)?.[1] ?? '', 'base64').toString();
const pool = new Pool(ready.server, {
  connections: CONNECTIONS,
  connect: { ca: decode('certificate-authority-data'), cert: decode('client-certificate-data'), key: decode('client-key-data') },
  bodyTimeout: 15_000,
  headersTimeout: 15_000,
});

const codes = new Map();
const findings = [];
const random = randomFrom(seed);
const seeds = seedsOf(BUILTIN_RESOURCES);
let sent = 0;
let unanswered = 0;

function note(request, what) {
  if (findings.length < 20)
    findings.push({ what, method: request.method, path: request.path, headers: request.headers, body: request.body?.toString('latin1').slice(0, 600) });
}

async function send(request) {
  try {
    const answer = await pool.request(request);
    const { statusCode } = answer;
    codes.set(statusCode, (codes.get(statusCode) ?? 0) + 1);
    // A watch goes on: its head is all there is to see.
    if (/[?&]watch=/.test(request.path) || /log\?.*follow/.test(request.path)) {
      answer.body.on('error', () => undefined);
      answer.body.destroy();
      return;
    }
    const text = await answer.body.text();
    // Upstream's own answer to a revision that is still to come is 504; a HEAD has no text to tell it by.
    // What a backend of a proxy path does not answer is 503.
    const isMeant =
      (statusCode === 504 && request.path.includes('resourceVersion=99999999999999999')) || (statusCode === 503 && request.path.includes('/proxy'));
    if (statusCode >= 500 && !isMeant) note(request, `${statusCode}: ${text.slice(0, 300)}`);
  } catch (error) {
    // What cannot be written as a request never reached the server.
    if (error.code === 'UND_ERR_INVALID_ARG' || error instanceof TypeError) return;
    unanswered += 1;
    if (error.name !== 'AbortError') note(request, `no answer: ${error.code ?? ''} ${error.message}`);
  }
}

const began = performance.now();
let peak = 0;
const watchdog = setInterval(() => {
  if (ended === undefined) peak = Math.max(peak, rssMb(child.pid));
}, 500);
await Promise.all(
  Array.from({ length: CONNECTIONS * 2 }, async () => {
    while (sent < total && ended === undefined) {
      sent += 1;
      await send(mangle(random, seeds));
    }
  }),
);
clearInterval(watchdog);
const stillAnswers =
  ended === undefined &&
  (await pool.request({ method: 'GET', path: '/readyz' }).then(
    ({ statusCode }) => statusCode === 200,
    () => false,
  ));
const seconds = (performance.now() - began) / 1000;
for (const finding of findings) process.stdout.write(`${JSON.stringify(finding)}\n`);
for (const line of logs.slice(0, 20)) process.stdout.write(`log: ${line.slice(0, 2_000)}\n`);
process.stdout.write(
  `${JSON.stringify({ requests: sent, seed, seconds: Math.round(seconds), codes: Object.fromEntries([...codes].toSorted(([a], [b]) => a - b)), unanswered, findings: findings.length, crashed: ended !== undefined, stillAnswers, rssMb: ended === undefined ? rssMb(child.pid) : 0, peakRssMb: peak })}\n`,
);
const isGood = ended === undefined && stillAnswers && findings.length === 0;
child.kill('SIGKILL');
await pool.destroy();
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
process.exit(isGood ? 0 : 1);
