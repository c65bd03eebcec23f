#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { runProgram } from './program.ts';

const stop = new AbortController();
// Many services wait on few signals: more listeners than Node's ten are no leak, thousands would be.
setMaxListeners(2_000);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
// A reader that closed the pipe (`| head`) wants no more of it.
process.stdout.on('error', () => stop.abort());

// The exit code is a property, not an exit: everything still open gets to end by itself.
process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  isTerminal: process.stdout.isTTY,
  now: () => Date.now(),
  signal: stop.signal,
  setExitCode: () => undefined,
});
