import type { Core, Scope } from '../core.ts';
import type { Draft, JsonMap } from '../draft.ts';
import { streamChoice } from '../stream/channel.ts';
import { admissionRequest, admitMutating, admitWrite, type AdmissionFlags } from './chain.ts';

/** Asks admission about a connection to a pod, Service or node. Throws what a plugin refuses with. */
export async function admitConnect(core: Core, scope: Scope, query: URLSearchParams, flags: Pick<AdmissionFlags, 'warn' | 'annotate'>): Promise<void> {
  const request = admissionRequest('CONNECT', scope, { ...flags, dryRun: false }, { object: optionsOf(scope, query) });
  await admitMutating(core, request);
  await admitWrite(core, request, () => Promise.resolve());
}

// The object of a CONNECT request is its options (core/v1 types.go: PodExecOptions and its neighbours).
function optionsOf({ served, subresource }: Scope, query: URLSearchParams): Draft {
  const options = (kind: string, fields: JsonMap): Draft => ({ apiVersion: 'v1', kind, metadata: {}, ...fields });
  const container = query.get('container');
  const streams = { ...streamChoice(query), ...(container === null ? {} : { container }) };
  switch (subresource ?? '') {
    case 'exec':
      return options('PodExecOptions', { ...streams, command: query.getAll('command') });
    case 'attach':
      return options('PodAttachOptions', streams);
    case 'portforward':
      return options('PodPortForwardOptions', { ports: query.getAll('ports').flatMap((ports) => ports.split(',').map(Number)) });
    default:
      return options(`${served.kind}ProxyOptions`, { path: query.get('path') ?? '' });
  }
}
