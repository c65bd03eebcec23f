import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a kubectl wrote and how it ended. */
export interface KubectlRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One kubectl against one cluster; arguments are split at spaces unless given as a list. */
export interface Kubectl {
  (args: string | readonly string[], input?: string): Promise<KubectlRun>;
  /** Starts a command that goes on, such as a watch. */
  follow(args: string): { text(): string; stop(): void };
}

const VERSIONS = ['1.27', '1.28', '1.29', '1.30', '1.31', '1.32', '1.33'] as const;

/** The versions of kubectl there are tests for, and whether this machine has each; the missing ones are named on standard error. */
export function findKubectls(): readonly { readonly version: string; readonly isFound: boolean }[] {
  return VERSIONS.map((version) => {
    const isFound = existsSync(binaryOf(version));
    if (!isFound) process.stderr.write(`kubectl ${version} is not installed: its conformance tests are skipped\n`);
    return { version, isFound };
  });
}

/** A kubectl of a version; `home` is where it keeps its caches. */
export function createKubectl(version: string, options: { readonly home: string; readonly kubeconfig: string }): Kubectl {
  const env = { HOME: options.home, KUBECONFIG: options.kubeconfig, PATH: process.env['PATH'] };
  const cache = ['--cache-dir', join(options.home, version)];
  const split = (args: string | readonly string[]): readonly string[] => (typeof args === 'string' ? args.split(' ') : args);
  const run = (args: string | readonly string[], input?: string): Promise<KubectlRun> =>
    new Promise((resolve) => {
      const child = execFile(binaryOf(version), [...cache, ...split(args)], { env, timeout: 20_000 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
      });
      child.stdin?.end(input ?? '');
    });
  const follow = (args: string): ReturnType<Kubectl['follow']> => {
    const child = spawn(binaryOf(version), [...cache, ...split(args)], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return { text: () => text, stop: () => void child.kill() };
  };
  return Object.assign(run, { follow });
}

function binaryOf(version: string): string {
  try {
    return join(dirname(realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim())), `kubectl.${version}`);
  } catch {
    return '/nowhere';
  }
}
