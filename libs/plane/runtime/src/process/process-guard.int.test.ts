import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@tiphys/kernel';
import { expect, it } from 'vitest';
import { identify, isSameProcess, type ProcessIdentity } from './process-identity.ts';

// The guard's own source is run in a process that is then killed, as Tiphys would be.
const source = /GUARD_SOURCE = `([\s\S]*?)`;/.exec(readFileSync(join(import.meta.dirname, 'process-guard.ts'), 'utf8'))?.[1]?.replaceAll('\\\\', '\\') ?? '';

const PARENT = `
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const child = spawn('sh', ['-c', 'trap "" TERM; sleep 60 & wait; sleep 60'], { detached: true, stdio: 'ignore' });
const stat = readFileSync('/proc/' + child.pid + '/stat', 'latin1');
const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
const guard = spawn(process.execPath, ['-e', process.argv[1], '--', '200'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
guard.stdin.write('+\\t' + child.pid + '\\t' + start + '\\n', () => console.log(JSON.stringify({ child: child.pid, guard: guard.pid })));
setInterval(() => {}, 1000);
`;

it.skipIf(process.platform !== 'linux')('ends process groups when the process that started them is killed', async () => {
  const parent = spawn(process.execPath, ['-e', PARENT, '--', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  const pids = JSON.parse(line) as { readonly child: number; readonly guard: number };
  const living = [identify(pids.child), identify(pids.guard)].filter((identity): identity is ProcessIdentity => identity !== undefined);
  expect(living).toHaveLength(2);
  parent.kill('SIGKILL');
  const deadline = performance.now() + 5_000;
  while (living.some(isSameProcess) && performance.now() < deadline) await systemClock.sleep(20, new AbortController().signal);
  expect(living.filter(isSameProcess)).toEqual([]);
});
