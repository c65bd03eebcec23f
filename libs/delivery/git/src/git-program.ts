import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { redactUrl } from '@tiphys/kernel';
import { basicOrBearer } from './http-transport.ts';
import type { RepositoryAccess } from './repository.ts';
import { SourceError } from './source-error.ts';

/** One call of the `git` program. */
export interface GitCall {
  readonly url: string;
  readonly access: RepositoryAccess;
  readonly args: readonly string[];
  /** Bound on what is kept of its output. */
  readonly maxOutputBytes: number;
  readonly signal: AbortSignal;
}

const ERROR_TAIL = 4096;

/**
 * Runs `git` with arguments, never through a shell, with no configuration of the machine, no hooks, no prompts and no protocol but the URL's own.
 * Keys are files of its own folder that go with the call. Throws SourceError.
 */
export async function runGit(call: GitCall): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiphys-git-'));
  try {
    const env = await environmentOf(call, folder);
    return await run(call, env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function environmentOf({ url, access }: GitCall, folder: string): Promise<Readonly<Record<string, string>>> {
  const isSsh = !/^https?:/i.test(url);
  const config: (readonly [string, string])[] = [
    ['core.hooksPath', '/dev/null'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['protocol.allow', 'never'],
    [`protocol.${isSsh ? 'ssh' : /^https:/i.test(url) ? 'https' : 'http'}.allow`, 'always'],
    ['credential.helper', ''],
    ...(isSsh ? [] : httpConfig(access)),
  ];
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600 });
    return file;
  };
  if (!isSsh && access.caCertificates !== undefined) config.push(['http.sslCAInfo', await write('ca.pem', access.caCertificates)]);
  if (!isSsh && access.clientCertificate !== undefined) {
    config.push(['http.sslCert', await write('cert.pem', access.clientCertificate.certificate)]);
    config.push(['http.sslKey', await write('key.pem', access.clientCertificate.key)]);
  }
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: folder,
    LANG: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    ...(isSsh ? { GIT_SSH_COMMAND: await sshCommand(access, write) } : {}),
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(config.flatMap(([key, value], index) => [[`GIT_CONFIG_KEY_${index}`, key] as const, [`GIT_CONFIG_VALUE_${index}`, value] as const])),
  };
}

// In the environment of the child only: arguments can be seen by every user of a machine.
function httpConfig(access: RepositoryAccess): readonly (readonly [string, string])[] {
  const { insecure, proxy } = access;
  const header = basicOrBearer(access);
  return [
    ...(header === undefined ? [] : [['http.extraHeader', `Authorization: ${header}`] as const]),
    ...(insecure === true ? [['http.sslVerify', 'false'] as const] : []),
    ...(proxy === undefined ? [] : [['http.proxy', proxy] as const]),
  ];
}

async function sshCommand(access: RepositoryAccess, write: (name: string, text: string) => Promise<string>): Promise<string> {
  const options = ['-F', '/dev/null', '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-o', 'ConnectTimeout=20'];
  if (access.sshPrivateKey !== undefined) options.push('-i', await write('identity', access.sshPrivateKey));
  const knownHosts = await write('known_hosts', access.sshKnownHosts ?? '');
  options.push('-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null');
  options.push('-o', `StrictHostKeyChecking=${access.insecure === true ? 'no' : 'yes'}`);
  // Git gives this text to a shell: every part is one of ours and free of what a shell would read.
  return ['ssh', ...options].join(' ');
}

async function run({ url, args, maxOutputBytes, signal }: GitCall, env: Readonly<Record<string, string>>): Promise<string> {
  signal.throwIfAborted();
  const child = spawn('git', [...args], { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  signal.addEventListener('abort', end, { once: true });
  let errors = '';
  let bytes = 0;
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= maxOutputBytes) output.push(chunk);
    else end();
  });
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-ERROR_TAIL)));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (bytes > maxOutputBytes) throw tooLarge(url, maxOutputBytes);
    if (code !== 0) throw failureOf(url, errors);
    return Buffer.concat(output).toString();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const remote = redactUrl(url);
    throw new SourceError({ code: 'unreachable', remote }, `repository ${remote}: the git program is not installed`, {
      cause: error,
      hint: 'install git and an SSH client on the machine of the controller, or use an https:// URL',
    });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function tooLarge(url: string, limitBytes: number): SourceError {
  const remote = redactUrl(url);
  return new SourceError({ code: 'tooLarge', remote, limitBytes }, `repository ${remote}: answer exceeds the limit of ${limitBytes} bytes`);
}

const REFUSALS: readonly (readonly [RegExp, 'authFailed' | 'repositoryNotFound', string])[] = [
  [/Host key verification failed|No .* host key is known/i, 'authFailed', 'add the host to the ConfigMap argocd-ssh-known-hosts-cm'],
  [/Permission denied|Authentication failed|could not read Username|HTTP 40[13]/i, 'authFailed', 'add or renew its credentials: tiphys repo add'],
  [/not found|does not exist|does not appear to be a git repository/i, 'repositoryNotFound', 'check spec.source.repoURL'],
];

function failureOf(url: string, errors: string): SourceError {
  const remote = redactUrl(url);
  const text = redactUrl(errors.trim().split('\n').slice(-3).join(' '));
  for (const [pattern, code, hint] of REFUSALS) if (pattern.test(errors)) return new SourceError({ code, remote }, `repository ${remote}: ${text}`, { hint });
  return new SourceError({ code: 'unreachable', remote }, `repository ${remote}: ${text}`);
}
