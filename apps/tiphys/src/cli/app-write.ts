import type { Application, SyncRun } from '@tiphys/delivery-applications';
import { readFile } from 'node:fs/promises';
import { formatProblem, parseManifests } from '@tiphys/kube-yaml';
import { applicationCall, parseApplicationName } from './application-name.ts';
import { applicationOf, type CreateFlags } from './app-spec.ts';
import { CliError } from './cli-error.ts';
import { finishRun } from './follow-run.ts';
import { printable } from './output.ts';
import type { ClientSession } from './session.ts';

/** Options of `app create`. */
export interface CreateOptions extends CreateFlags {
  readonly file?: string;
  readonly upsert?: boolean;
}

/** `app create NAME` from flags, or `app create -f FILE` from manifests as an Argo CD user writes them. */
export async function createApplications({ api, host }: ClientSession, name: string | undefined, options: CreateOptions): Promise<void> {
  const applications = options.file === undefined ? [await fromFlags(name, options)] : await fromFile(options.file);
  for (const application of applications) {
    const created = await api.call<Application>({
      method: 'POST',
      path: '/api/v1/applications',
      query: { upsert: options.upsert === true ? true : undefined },
      body: application,
    });
    host.stdout(`application/${printable(created.metadata.name ?? '')} created\n`);
  }
}

function fromFlags(text: string | undefined, options: CreateOptions): Promise<unknown> {
  if (text === undefined || options.repo === undefined)
    throw new CliError({ code: 'usage' }, 'app create: needs a name and --repo, or -f', {
      hint: 'tiphys app create web --repo URL --path DIR --dest-namespace NS',
    });
  const { name, appNamespace } = parseApplicationName(text);
  return applicationOf(name, appNamespace, options);
}

async function fromFile(file: string): Promise<readonly unknown[]> {
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((cause: unknown) => {
    throw new CliError({ code: 'usage' }, `${file}: cannot be read`, { cause });
  });
  const { objects, problems } = parseManifests(text, { source: file });
  if (problems.length > 0) throw new CliError({ code: 'usage' }, problems.map(formatProblem).join('\n'));
  const applications = objects.filter(({ object }) => object.kind === 'Application').map(({ object }) => object);
  if (applications.length === 0) throw new CliError({ code: 'usage' }, `${file}: holds no Application`);
  return applications;
}

/** `app delete`. */
export async function deleteApplication(
  { api, host }: ClientSession,
  name: string,
  { cascade, propagationPolicy }: { readonly cascade: boolean; readonly propagationPolicy?: string },
): Promise<void> {
  await api.call({ method: 'DELETE', ...applicationCall(name, '', { cascade, propagationPolicy }) });
  host.stdout(`application/${printable(name)} ${cascade ? 'is being deleted with its resources' : 'deleted, its resources stay'}\n`);
}

/** Options of `app rollback`. */
export interface RollbackOptions {
  readonly run?: string;
  readonly prune?: boolean;
  readonly reason?: string;
  readonly async?: boolean;
  readonly timeout?: number;
}

/** `app rollback`: to an entry of the history (default: the one before the last) or to what a run deployed. */
export async function rollbackApplication(session: ClientSession, name: string, id: string | undefined, options: RollbackOptions): Promise<void> {
  const to = options.run === undefined ? { id: id === undefined ? await previousEntry(session, name) : Number(id) } : { run: options.run };
  if ('id' in to && !Number.isInteger(to.id))
    throw new CliError({ code: 'usage' }, `history id "${id ?? ''}" is not a number`, { hint: `\`tiphys app history ${name}\` lists them` });
  const run = await session.api.call<SyncRun>({
    method: 'POST',
    ...applicationCall(name, '/rollback'),
    body: { ...to, prune: options.prune, reason: options.reason },
  });
  await finishRun(session, name, run, options);
}

async function previousEntry({ api }: ClientSession, name: string): Promise<number> {
  const application = await api.call<Application>(applicationCall(name));
  const entry = (application.status?.history ?? []).at(-2);
  if (entry === undefined)
    throw new CliError({ code: 'usage' }, `application ${application.metadata.name ?? ''}: there is no earlier deployment to roll back to`);
  return entry.id;
}

/** Options of `app wait`. */
export interface WaitOptions {
  readonly sync?: boolean;
  readonly health?: boolean;
  readonly operation?: boolean;
  readonly timeout?: number;
}

/** `app wait`: until the application is Synced, Healthy and without a running operation, or what the flags choose of it. */
export async function waitForApplication({ api, host }: ClientSession, name: string, options: WaitOptions): Promise<void> {
  const chosen = options.sync === true || options.health === true || options.operation === true;
  const wants = (flag: boolean | undefined): boolean => !chosen || flag === true;
  const timeoutSeconds = options.timeout ?? 0;
  const stop = new AbortController();
  const signal = AbortSignal.any([host.signal, stop.signal, ...(timeoutSeconds > 0 ? [AbortSignal.timeout(timeoutSeconds * 1000)] : [])]);
  let last = '';
  try {
    for await (const event of api.events(name, signal)) {
      if (event.kind === 'run') continue;
      const application = event.kind === 'application' ? event.application : await api.call<Application>(applicationCall(name));
      const { sync, health, operationState } = application.status ?? {};
      const line = `${sync?.status ?? 'Unknown'} ${health?.status ?? 'Unknown'}${operationState === undefined ? '' : ` ${operationState.phase}`}`;
      if (line !== last) host.stdout(`${printable(name)}: ${line}\n`);
      last = line;
      const isBusy = operationState?.phase === 'Running' || operationState?.phase === 'Terminating' || application.operation !== undefined;
      if (
        (!wants(options.sync) || sync?.status === 'Synced') &&
        (!wants(options.health) || health?.status === 'Healthy') &&
        (!wants(options.operation) || !isBusy)
      )
        return;
    }
  } finally {
    stop.abort();
  }
  throw new CliError({ code: 'timeout' }, `application ${name}: still ${last} after ${timeoutSeconds} s`, { hint: `\`tiphys app get ${name}\` says why` });
}
