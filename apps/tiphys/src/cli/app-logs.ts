import type { LogLine } from '@tiphys/delivery-api';
import { applicationCall } from './application-name.ts';
import { printable } from './output.ts';
import type { ClientSession } from './session.ts';

/** Options of `app logs`. */
export interface LogOptions {
  readonly pod?: string;
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly filter?: string;
}

/** `app logs`: the lines of all pods of an application as they arrive, each with its pod in front. */
export async function printLogs({ api, host, format }: ClientSession, name: string, options: LogOptions): Promise<void> {
  const query = {
    podName: options.pod,
    container: options.container,
    follow: options.follow,
    previous: options.previous,
    tailLines: options.tail,
    sinceSeconds: options.since,
    filter: options.filter,
  };
  for await (const text of api.lines(applicationCall(name, '/logs', query))) {
    if (text === '') continue;
    const { result } = JSON.parse(text) as { readonly result: LogLine }; // The stream's own format.
    host.stdout(
      format === 'json' ? `${JSON.stringify(result)}\n` : `${printable(`${result.podName}${result.podName === '' ? '' : ' '}`)}${printable(result.content)}\n`,
    );
  }
}
