import { messageOf, type Logger } from '@tiphys/kernel';
import { StatusError } from '@tiphys/kube-model';
import type { ExecOptions } from '../nodes.ts';
import type { RunningTarget } from '../subresources/logs.ts';
import type { ExecChannel, StreamChoice } from './channel.ts';

/** Runs a command, or attaches to a container, between a client's channel and a node agent. Always finishes the channel. */
export async function runExec(
  found: RunningTarget,
  options: ExecOptions,
  choice: StreamChoice,
  channel: ExecChannel,
  context: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  const { backend, target } = found;
  const streams = {
    ...(choice.stdin ? { stdin: channel.stdin } : {}),
    ...(choice.tty ? { resize: channel.resize } : {}),
    stdout: choice.stdout ? (chunk: Uint8Array): void => channel.stdout(chunk) : (): void => undefined,
    stderr: choice.tty
      ? (chunk: Uint8Array): void => channel.stdout(chunk)
      : choice.stderr
        ? (chunk: Uint8Array): void => channel.stderr(chunk)
        : (): void => undefined,
  };
  try {
    const { exitCode } = await backend.exec(target, options, streams, context.signal);
    await channel.finish(exitStatus(exitCode));
  } catch (error) {
    if (context.signal.aborted) return;
    context.logger.info({ namespace: target.namespace, pod: target.pod, container: target.container, reason: messageOf(error) }, 'command could not be run');
    await channel.finish(failureStatus(error));
  }
}

/** The Status that says how a command ended. */
function exitStatus(exitCode: number): unknown {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

function failureStatus(error: unknown): unknown {
  if (error instanceof StatusError) return error.status;
  return { metadata: {}, status: 'Failure', reason: 'InternalError', message: messageOf(error), code: 500 };
}
