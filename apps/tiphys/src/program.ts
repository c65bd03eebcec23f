import { Command, CommanderError } from 'commander';
import { DomainError, isAbortError, messageOf, redactUrl } from '@tiphys/kernel';
import { CliError } from './cli/cli-error.ts';
import { printable } from './cli/output.ts';
import type { Host } from './cli/session.ts';
import { appCommand } from './commands/app.ts';
import { appsetCommand } from './commands/appset.ts';
import { controllerCommand, serverCommand } from './commands/delivery.ts';
import { planeCommand } from './commands/plane.ts';
import { renderCommand } from './commands/render.ts';
import { projectCommand } from './commands/project.ts';
import { clusterCommand, repoCommand } from './commands/settings.ts';
import { upCommand } from './commands/up.ts';
import { VERSION } from './version.ts';

/** Exit codes of the program. */
const EXIT = { ok: 0, negative: 1, error: 2, timeout: 3 } as const;

const TEARDOWN_GRACE_MS = 20_000;

/** Runs the command a person typed; resolves with the exit code. Writes errors itself. */
export async function runProgram(args: readonly string[], outer: Host): Promise<number> {
  let exitCode: number = EXIT.ok;
  const host: Host = { ...outer, setExitCode: (code) => (exitCode = code) };
  const program = createProgram(host);
  guardExit(host);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, host);
  }
}

function createProgram(host: Host): Command {
  const program = new Command('tiphys')
    .description('GitOps continuous delivery with the engine included')
    .version(VERSION)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  for (const command of [
    upCommand(host),
    planeCommand(host),
    controllerCommand(host),
    serverCommand(host),
    renderCommand(host),
    appCommand(host),
    appsetCommand(host),
    repoCommand(host),
    clusterCommand(host),
    projectCommand(host),
  ])
    program.addCommand(command);
  applyToAll(program, (command) => command.exitOverride().configureOutput({ writeOut: host.stdout, writeErr: host.stderr }));
  return program;
}

function applyToAll(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const child of command.commands) applyToAll(child, change);
}

// Teardown that hangs must not keep a process that was told to end: the one exit of the program.
function guardExit(host: Host): void {
  host.signal.addEventListener('abort', () => void setTimeout(() => process.exit(EXIT.error), TEARDOWN_GRACE_MS).unref(), { once: true });
}

function report(error: unknown, host: Host): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.error; // commander has written it.
  if (host.signal.aborted && (isAbortError(error) || error === host.signal.reason)) return EXIT.ok;
  host.stderr(`error: ${printable(redactUrl(messageOf(error)))}\n`);
  if (error instanceof DomainError && error.hint !== undefined) host.stderr(`hint: ${printable(error.hint)}\n`);
  if (!(error instanceof DomainError) && host.env['TIPHYS_DEBUG'] !== undefined)
    host.stderr(`${printable(error instanceof Error ? (error.stack ?? '') : '')}\n`);
  if (error instanceof CliError) return error.code === 'failed' ? EXIT.negative : error.code === 'timeout' ? EXIT.timeout : EXIT.error;
  return EXIT.error;
}
