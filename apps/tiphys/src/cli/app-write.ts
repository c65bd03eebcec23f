import { isFinished, type Application, type SyncRun, type TaskResult } from '@tiphys/delivery-applications';
import { readFile } from 'node:fs/promises';
import { formatProblem, parseManifests } from '@tiphys/kube-yaml';
import { CliError } from './cli-error.ts';
import { printable } from './output.ts';
import type { ClientSession, Host } from './session.ts';

/** Options of `app create` besides a file. */
export interface CreateOptions {
  readonly file?: string;
  readonly repo?: string;
  readonly path?: string;
  readonly revision?: string;
  readonly destServer?: string;
  readonly destName?: string;
  readonly destNamespace?: string;
  readonly project?: string;
  readonly syncPolicy?: string;
  readonly autoPrune?: boolean;
  readonly selfHeal?: boolean;
  readonly syncOption?: readonly string[];
  readonly directoryRecurse?: boolean;
  readonly upsert?: boolean;
}

/** `app create NAME` from flags, or `app create -f FILE` from manifests as an Argo CD user writes them. */
export async function createApplications({ api, host }: ClientSession, name: string | undefined, options: CreateOptions): Promise<void> {
  const applications = options.file === undefined ? [fromFlags(name, options)] : await fromFile(options.file);
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

function fromFlags(name: string | undefined, options: CreateOptions): unknown {
  if (name === undefined || options.repo === undefined)
    throw new CliError({ code: 'usage' }, 'app create: needs a name and --repo, or -f', {
      hint: 'tiphys app create web --repo URL --path DIR --dest-namespace NS',
    });
  const automated = options.syncPolicy === 'automated' || options.syncPolicy === 'auto' || options.autoPrune === true || options.selfHeal === true;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name },
    spec: {
      project: options.project ?? 'default',
      source: {
        repoURL: options.repo,
        path: options.path ?? '.',
        targetRevision: options.revision ?? 'HEAD',
        ...(options.directoryRecurse === true ? { directory: { recurse: true } } : {}),
      },
      destination: {
        ...(options.destName === undefined ? { server: options.destServer ?? 'https://kubernetes.default.svc' } : { name: options.destName }),
        ...(options.destNamespace === undefined ? {} : { namespace: options.destNamespace }),
      },
      syncPolicy: {
        ...(automated
          ? { automated: { ...(options.autoPrune === true ? { prune: true } : {}), ...(options.selfHeal === true ? { selfHeal: true } : {}) } }
          : {}),
        ...(options.syncOption === undefined ? {} : { syncOptions: options.syncOption }),
      },
    },
  };
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
export async function deleteApplication({ api, host }: ClientSession, name: string, cascade: boolean): Promise<void> {
  await api.call({ method: 'DELETE', path: `/api/v1/applications/${encodeURIComponent(name)}`, query: { cascade } });
  host.stdout(`application/${printable(name)} ${cascade ? 'is being deleted with its resources' : 'deleted, its resources stay'}\n`);
}

/** Options of `app sync`. */
export interface SyncOptions {
  readonly revision?: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly resource?: readonly string[];
  readonly syncOption?: readonly string[];
  readonly plan?: string;
  readonly async?: boolean;
  readonly timeout?: number;
}

/** `app sync`: asks for the sync and follows it to its end. */
export async function syncApplication(session: ClientSession, name: string, options: SyncOptions): Promise<void> {
  const run = await session.api.call<SyncRun>({
    method: 'POST',
    path: `/api/v1/applications/${encodeURIComponent(name)}/sync`,
    body: {
      revision: options.revision,
      prune: options.prune,
      dryRun: options.dryRun,
      force: options.force,
      plan: options.plan,
      syncOptions: options.syncOption,
      resources: options.resource?.map(parseResource),
    },
  });
  await finish(session, name, run, options);
}

// `group:kind:name` or `group:kind:namespace/name`, as the argocd command takes it.
function parseResource(text: string): { readonly group: string; readonly kind: string; readonly name: string; readonly namespace?: string } {
  const [group = '', kind = '', target = ''] = text.split(':');
  const slash = target.indexOf('/');
  if (kind === '' || target === '') throw new CliError({ code: 'usage' }, `resource "${text}": must be GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME`);
  return slash < 0 ? { group, kind, name: target } : { group, kind, namespace: target.slice(0, slash), name: target.slice(slash + 1) };
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
  const path = `/api/v1/applications/${encodeURIComponent(name)}`;
  const to = options.run === undefined ? { id: id === undefined ? await previousEntry(session, path) : Number(id) } : { run: options.run };
  if ('id' in to && !Number.isInteger(to.id))
    throw new CliError({ code: 'usage' }, `history id "${id ?? ''}" is not a number`, { hint: `\`tiphys app history ${name}\` lists them` });
  const run = await session.api.call<SyncRun>({ method: 'POST', path: `${path}/rollback`, body: { ...to, prune: options.prune, reason: options.reason } });
  await finish(session, name, run, options);
}

async function previousEntry({ api }: ClientSession, path: string): Promise<number> {
  const application = await api.call<Application>({ path });
  const entry = (application.status?.history ?? []).at(-2);
  if (entry === undefined)
    throw new CliError({ code: 'usage' }, `application ${application.metadata.name ?? ''}: there is no earlier deployment to roll back to`);
  return entry.id;
}

async function finish(session: ClientSession, name: string, run: SyncRun, options: { readonly async?: boolean; readonly timeout?: number }): Promise<void> {
  const runName = run.metadata.name ?? '';
  if (options.async === true) {
    session.host.stdout(`${session.format === 'json' ? JSON.stringify(run) : `run/${runName} requested`}\n`);
    return;
  }
  const finished = await followRun(session, name, runName, options.timeout ?? 0);
  if (session.format === 'json') session.host.stdout(`${JSON.stringify(finished, null, 2)}\n`);
  if (finished.status?.phase !== 'Succeeded')
    throw new CliError({ code: 'failed' }, `run ${runName}: ${finished.status?.phase ?? 'Unknown'}: ${finished.status?.message ?? 'no message'}`);
}

/** Prints the tasks of a run as they end and resolves with the finished run. Throws CliError `timeout`. */
async function followRun({ api, host, format }: ClientSession, application: string, runName: string, timeoutSeconds: number): Promise<SyncRun> {
  const path = `/api/v1/applications/${encodeURIComponent(application)}/runs/${encodeURIComponent(runName)}`;
  const stop = new AbortController();
  const signal = AbortSignal.any([host.signal, stop.signal, ...(timeoutSeconds > 0 ? [AbortSignal.timeout(timeoutSeconds * 1000)] : [])]);
  const line = progressLine(host);
  const printed = new Map<string, string>();
  const report = (run: SyncRun): void => {
    if (format === 'json' || format === 'yaml' || format === 'name') return;
    for (const task of run.status?.tasks ?? []) {
      if (printed.get(task.id) === task.outcome) continue;
      printed.set(task.id, task.outcome);
      line.clear();
      host.stdout(describeTask(task));
    }
    line.show(progressOf(run));
  };
  try {
    for await (const event of api.events(application, signal)) {
      if (event.kind === 'application' || (event.kind === 'run' && event.run.metadata.name !== runName)) continue;
      const run = event.kind === 'run' ? event.run : await api.call<SyncRun>({ path });
      report(run);
      if (!isFinished(run)) continue;
      line.clear();
      if (format === 'table' || format === 'wide') host.stdout(`${run.status?.phase ?? ''}: ${printable(run.status?.message ?? '')}\n`);
      return run;
    }
  } finally {
    line.clear();
    stop.abort();
  }
  throw new CliError({ code: 'timeout' }, `run ${runName}: not finished after ${timeoutSeconds} s; it goes on`, {
    hint: `\`tiphys app wait ${application}\` follows it`,
  });
}

/** A last line that is rewritten in place on a terminal and does not exist in a pipe. */
function progressLine({ isTerminal, stdout }: Host): { readonly show: (text: string) => void; readonly clear: () => void } {
  let isShown = false;
  const clear = (): void => {
    if (isShown) stdout('\r\u001b[K');
    isShown = false;
  };
  const show = (text: string): void => {
    if (!isTerminal) return;
    clear();
    stdout(printable(text).slice(0, 110));
    isShown = true;
  };
  return { show, clear };
}

function progressOf(run: SyncRun): string {
  const tasks = run.status?.tasks ?? [];
  const waiting = tasks.filter((task) => task.outcome === 'Running').map((task) => `${task.kind}/${task.name}`);
  const done = tasks.length - waiting.length;
  return `… ${run.status?.phase ?? 'Pending'} ${done}/${run.status?.plan?.tasks.length ?? tasks.length}${waiting.length === 0 ? '' : `, waiting for ${waiting.join(', ')}`}`;
}

function describeTask(task: TaskResult): string {
  return `${printable(`${task.phase.padEnd(8)} ${String(task.wave).padStart(3)}  ${task.outcome.padEnd(11)} ${task.kind}/${task.name}  ${task.message}`).trimEnd()}\n`;
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
      const application =
        event.kind === 'application' ? event.application : await api.call<Application>({ path: `/api/v1/applications/${encodeURIComponent(name)}` });
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
