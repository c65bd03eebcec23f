import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { createLogger, parseDuration, type Logger } from '@tiphys/kernel';
import { tiphysHome, type Host } from '../cli/session.ts';

/** Options of every long-running command. */
export interface ServerOptions {
  readonly logFormat: 'text' | 'json';
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
}

/** Adds the options every long-running command has. */
export function withServerOptions(command: Command): Command {
  return command
    .addOption(new Option('--log-format <format>', 'form of the ready line and of logs').choices(['text', 'json']).default('text'))
    .addOption(new Option('--log-level <level>', 'least severe log level').choices(['error', 'warn', 'info', 'debug']).default('warn'));
}

/** Adds the choice of runtime. */
export function withRuntimeOption(command: Command): Command {
  return command.addOption(
    new Option('--runtime <runtime>', 'how pods run: process runs the commands of manifests on this machine as you, simulated only plays their lives')
      .choices(['auto', 'cri', 'process', 'simulated'])
      .default('auto'),
  );
}

/** Options of commands that run a plane. */
export interface HistoryFlags {
  readonly history: number;
  readonly historyChanges: number;
}

/** Adds how much history a plane keeps. */
export function withHistoryOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--history <duration>', 'how long changes of objects are kept, for watches that come back and for reads with ?at=')
        .argParser(parseMilliseconds)
        .default(300_000, '5m'),
    )
    .option('--history-changes <count>', 'changes of objects kept at most; they are held in memory', parseChanges, 10_000);
}

function parseChanges(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1_000 || count > 10_000_000) throw new InvalidArgumentError('must be a whole number from 1000 to 10000000');
  return count;
}

/** Reads a port. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('must be a port, 0 to 65535');
  return port;
}

/** Reads a whole number of at least one. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000) throw new InvalidArgumentError('must be a whole number from 1 to 10000');
  return count;
}

/** How often repositories are looked at, in milliseconds. */
export function pollIntervalOption(): Option {
  return new Option('--poll-interval <duration>', 'how often each repository is looked at').argParser(parseMilliseconds).default(15_000, '15s');
}

/** Which further namespaces may hold Applications. */
export function applicationNamespacesOption(): Option {
  return new Option(
    '--application-namespaces <globs>',
    'further namespaces that may hold Applications, separated by commas; expressions between slashes (default: application.namespaces of argocd-cmd-params-cm)',
  ).argParser((text) => splitNamespaces(text));
}

/** Reads names separated by commas. */
export function splitNamespaces(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function parseMilliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 100) throw new InvalidArgumentError('must be a duration such as 15s, at least 100ms');
  return ms;
}

/** The state folder of a command: the one given, or one below this user's Tiphys folder. */
export function dataDirectory(host: Host, given: string | undefined, name: string): string {
  return given ?? join(tiphysHome(host.env), name);
}

/** The logger of a long-running command: standard error, so that standard output stays machine-readable. */
export function serverLogger(host: Host, options: ServerOptions): Logger {
  return createLogger({ level: options.logLevel, write: options.logFormat === 'json' ? host.stderr : (line) => host.stderr(formatLine(line)) });
}

function formatLine(line: string): string {
  // createLogger writes one JSON object a line.
  const { level, time, msg, err, ...fields } = JSON.parse(line) as {
    readonly level: string;
    readonly time: string;
    readonly msg?: string;
    readonly err?: { readonly message?: string };
  };
  const rest = Object.entries(fields)
    .filter(([key]) => key !== 'component')
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${msg ?? ''}${rest}${err?.message === undefined ? '' : ` error=${err.message}`}\n`;
}

/** Prints the one line that says a command is ready, with what a script needs of it. */
export function announceReady(host: Host, options: ServerOptions, facts: Readonly<Record<string, string | number>>): void {
  if (options.logFormat === 'json') host.stdout(`${JSON.stringify({ event: 'ready', ...facts })}\n`);
  else
    host.stdout(
      `ready ${Object.entries(facts)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}\n`,
    );
}
