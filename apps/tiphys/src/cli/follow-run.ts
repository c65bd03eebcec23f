import { isFinished, type SyncRun, type TaskResult } from '@tiphys/delivery-applications';
import { applicationCall } from './application-name.ts';
import { CliError } from './cli-error.ts';
import { printable } from './output.ts';
import type { ClientSession, Host } from './session.ts';

/** Follows a run to its end, or only says that it was asked for. Throws CliError `failed` when it does not succeed. */
export async function finishRun(
  session: ClientSession,
  name: string,
  run: SyncRun,
  options: { readonly async?: boolean; readonly timeout?: number },
): Promise<void> {
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
      const run = event.kind === 'run' ? event.run : await api.call<SyncRun>(applicationCall(application, `/runs/${encodeURIComponent(runName)}`));
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
