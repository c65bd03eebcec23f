import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningContainer } from '../runtime.ts';
import { identify, isSameProcess } from './process-identity.ts';
import { ProcessRuntime } from './process-runtime.ts';

const logger = createLogger({ level: 'silent' });
let stateDir: string;
let runtime: ProcessRuntime;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tiphys-runtime-'));
  runtime = new ProcessRuntime({
    clock: systemClock,
    logger,
    stateDir,
    podCidr: '127.77.0.0/24',
    closeGraceMs: 500,
    logRotation: { maxBytes: 2_000, maxFiles: 3 },
  });
  await runtime.recover([]);
});

afterEach(async () => {
  await runtime.close();
  await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
});

function pod(container: Partial<corev1.Container>, uid = 'u1'): corev1.Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: 'web', uid }, spec: { containers: [{ name: 'main', ...container }] } };
}

async function start(of: corev1.Pod, command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunningContainer> {
  const sandbox = await runtime.ensureSandbox(of, []);
  const [container] = of.spec?.containers ?? [];
  if (container === undefined) throw new Error('the pod has a container');
  return runtime.startContainer({ pod: of, container, attempt: 0, command, args: [], env: { ...sandbox.baseEnv(container), ...env } });
}

const target = { namespace: 'shop', pod: 'web', uid: 'u1', container: 'main' };

async function logText(options: Parameters<ProcessRuntime['logs']>[2] = {}, signal = AbortSignal.timeout(5_000)): Promise<string> {
  let text = '';
  for await (const chunk of await runtime.logs(target, 0, options, signal)) text += Buffer.from(chunk).toString();
  return text;
}

async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not so within ${deadlineMs} ms: ${condition.toString()}`);
    await systemClock.sleep(20, new AbortController().signal);
  }
}

describe('process runtime', () => {
  it('runs a command with its environment and keeps its output and exit code', async () => {
    const running = await start(
      pod({}),
      ['node', '-e', 'console.log(process.env.GREETING, process.cwd() === process.env.TIPHYS_ROOT); console.error("oops"); process.exit(3)'],
      { GREETING: 'hello' },
    );
    expect(await running.exited).toMatchObject({ exitCode: 3, reason: 'Error' });
    const text = await logText();
    expect(text).toContain('hello true\n');
    expect(text).toContain('oops\n');
    expect(await logText({ tailLines: 1, timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z (hello true|oops)\n$/);
  });

  it('refuses a container without a command and says why', async () => {
    await expect(start(pod({ image: 'nginx' }), [])).rejects.toMatchObject({
      code: 'CreateContainerConfigError',
      message: expect.stringContaining('runs commands, not images'),
    });
    await expect(start(pod({}), ['/no/such/program'])).rejects.toMatchObject({ code: 'RunContainerError' });
  });

  it('makes mounts appear below the root, private for secrets, and switches their contents at once', async () => {
    const of = pod({
      volumeMounts: [
        { name: 'conf', mountPath: '/etc/app' },
        { name: 'conf', mountPath: '/one.txt', subPath: 'a.txt' },
      ],
      workingDir: '/etc',
    });
    const file = (text: string, path = 'a.txt'): { readonly path: string; readonly data: Uint8Array; readonly mode: number } => ({
      path,
      data: Buffer.from(text),
      mode: 0o600,
    });
    await runtime.ensureSandbox(of, [{ kind: 'files', name: 'conf', files: [file('one'), file('x', 'sub/b.txt')] }]);
    const running = await start(of, ['node', '-e', 'console.log(require("fs").readFileSync("app/a.txt", "utf8")); setInterval(() => {}, 1000)']);
    await until(async () => (await logText()).includes('one\n'));
    const root = join(stateDir, 'pods/u1/containers/main/rootfs');
    expect(readFileSync(join(root, 'one.txt'), 'utf8')).toBe('one');
    expect(statSync(join(root, 'etc/app/a.txt')).mode & 0o777).toBe(0o600);
    await runtime.updateVolumes(of, [{ kind: 'files', name: 'conf', files: [file('two')] }]);
    expect(readFileSync(join(root, 'etc/app/a.txt'), 'utf8')).toBe('two');
    expect(existsSync(join(root, 'etc/app/sub'))).toBe(false);
    await running.stop(1_000);
  });

  it('refuses host paths and paths that climb out', async () => {
    await expect(runtime.ensureSandbox(pod({}), [{ kind: 'hostPath', name: 'h', path: '/', type: '' }])).rejects.toMatchObject({
      code: 'CreateContainerConfigError',
    });
    await expect(
      runtime.ensureSandbox(pod({}), [{ kind: 'files', name: 'f', files: [{ path: '../x', data: new Uint8Array(), mode: 0o644 }] }]),
    ).rejects.toMatchObject({ code: 'CreateContainerConfigError' });
  });

  it('ends gracefully within the grace period and kills what does not', async () => {
    const polite = await start(pod({}), [
      'node',
      '-e',
      'process.on("SIGTERM", () => { console.log("bye"); process.exit(0) }); console.log("up"); setInterval(() => {}, 1000)',
    ]);
    await until(async () => (await logText()).includes('up'));
    await polite.stop(5_000);
    expect(await polite.exited).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(await logText()).toContain('bye');
    const stubborn = await start(pod({}), ['node', '-e', 'process.on("SIGTERM", () => {}); console.log("deaf"); setInterval(() => {}, 1000)']);
    await until(async () => (await logText()).includes('deaf'));
    await stubborn.stop(100);
    expect(await stubborn.exited).toMatchObject({ exitCode: 137, signal: 9 });
  });

  it('gives each pod an address of its own that others cannot take', async () => {
    const first = await runtime.ensureSandbox(pod({}, 'u1'), []);
    const second = await runtime.ensureSandbox(pod({}, 'u2'), []);
    expect(first.podIP).not.toBe(second.podIP);
    for (const { podIP } of [first, second]) {
      const server = createServer((_request, response) => response.end(podIP));
      await new Promise<void>((resolve) => server.listen(18_099, podIP, resolve));
      const body = await new Promise<string>((resolve) => get(`http://${podIP}:18099`, (response) => response.setEncoding('utf8').on('data', resolve)));
      expect(body).toBe(podIP);
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('maps container ports to free host ports in shared addressing and keeps them', async () => {
    const shared = new ProcessRuntime({ clock: systemClock, logger, stateDir, addressing: 'shared' });
    const of = pod({ ports: [{ containerPort: 8080 }] });
    const sandbox = await shared.ensureSandbox(of, []);
    const port = sandbox.hostPorts['8080'] ?? 0;
    expect(port).toBeGreaterThan(1024);
    expect(sandbox.baseEnv({ name: 'main', ports: [{ containerPort: 8080 }] })).toMatchObject({
      HOST: '127.0.0.1',
      PORT: String(port),
      TIPHYS_PORT_8080: String(port),
    });
    const again = new ProcessRuntime({ clock: systemClock, logger, stateDir, addressing: 'shared' });
    const kept = { ...of, metadata: { ...of.metadata, annotations: { 'tiphys.dev/host-ports': JSON.stringify(sandbox.hostPorts) } } };
    expect((await again.ensureSandbox(kept, [])).hostPorts).toEqual(sandbox.hostPorts);
  });

  it('runs commands beside a container, with input, errors and exit code', async () => {
    const running = await start(pod({}), ['sleep', '60'], { NAME: 'Ada' });
    const run = async (command: readonly string[], tty = false, input = ''): Promise<{ readonly code: number; readonly out: string; readonly err: string }> => {
      let out = '';
      let err = '';
      async function* stdin(): AsyncIterable<Uint8Array> {
        yield Buffer.from(input);
      }
      const { exitCode } = await runtime.exec(
        target,
        { command, tty },
        {
          ...(input === '' ? {} : { stdin: stdin() }),
          stdout: (chunk) => (out += Buffer.from(chunk).toString()),
          stderr: (chunk) => (err += Buffer.from(chunk).toString()),
        },
        AbortSignal.timeout(5_000),
      );
      return { code: exitCode, out, err };
    };
    expect(await run(['sh', '-c', 'echo $NAME; echo no >&2; exit 7'])).toEqual({ code: 7, out: 'Ada\n', err: 'no\n' });
    expect((await run(['cat'], false, 'through')).out).toBe('through');
    expect(await run(['no-such-program'])).toMatchObject({ code: 127, err: expect.stringContaining('no-such-program') });
    if (existsSync('/usr/bin/script')) expect((await run(['tty'], true)).out).toContain('/dev/');
    await running.stop(500);
  });

  it('follows a log without losing a line, over rotations', async () => {
    const lines = 200;
    const running = await start(pod({}), [
      'node',
      '-e',
      `let n = 0; const t = setInterval(() => { for (let i = 0; i < 10; i++) console.log("line " + n++); if (n >= ${lines}) clearInterval(t) }, 5)`,
    ]);
    const text = await logText({ follow: true });
    await running.exited;
    const seen = text
      .trim()
      .split('\n')
      .map((line) => Number(line.slice(5)));
    expect(seen.at(-1)).toBe(lines - 1);
    const first = seen[0] ?? 0;
    expect(seen).toEqual(Array.from({ length: lines - first }, (_, index) => first + index));
    expect(existsSync(join(stateDir, 'pods/u1/containers/main/logs/0.log.2'))).toBe(true);
    expect(existsSync(join(stateDir, 'pods/u1/containers/main/logs/0.log.3'))).toBe(false);
  });

  it('ends what an earlier agent left behind and never a stranger', async () => {
    const leftover = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const mine = identify(leftover.pid ?? 0);
    const other = identify(stranger.pid ?? 0);
    if (mine === undefined || other === undefined) throw new Error('both processes run');
    const { mkdir, writeFile } = await import('node:fs/promises');
    for (const [name, record] of [
      ['a', mine],
      ['b', { ...other, startTime: '1' }],
    ] as const) {
      await mkdir(join(stateDir, 'pods/u9/containers', name), { recursive: true });
      await writeFile(join(stateDir, 'pods/u9/containers', name, 'process.json'), JSON.stringify(record));
    }
    await runtime.recover([]);
    await until(() => !isSameProcess(mine));
    expect(isSameProcess(other)).toBe(true);
    expect(existsSync(join(stateDir, 'pods/u9'))).toBe(false);
    stranger.kill('SIGKILL');
  });
});
