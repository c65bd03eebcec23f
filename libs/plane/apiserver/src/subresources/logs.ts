import { statusError, type corev1 } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { draftAs } from '../draft.ts';
import { badRequest } from '../failures.ts';
import type { Answer } from '../http/answer.ts';
import type { ContainerTarget, LogOptions, NodeBackend } from '../nodes.ts';
import { mustGetEntry, readAs } from '../registry/objects.ts';

/** A container and the agent that runs it. */
export interface RunningTarget {
  readonly target: ContainerTarget;
  readonly backend: NodeBackend;
  readonly hasTty: boolean;
}

/** Finds a pod's container and its node agent. Throws 400 with kubelet's words when there is none to choose. */
export function findTarget(core: Core, scope: Scope, wanted: string, anyContainer: boolean = false): RunningTarget {
  const pod = draftAs<corev1.Pod>(readAs(scope.served, mustGetEntry(core, scope).value));
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? []), ...(pod.spec?.ephemeralContainers ?? [])];
  const container =
    wanted === '' && anyContainer
      ? (all.at(0)?.name ?? '')
      : wanted === ''
        ? soleContainer(scope, pod.spec?.containers ?? [], pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'])
        : wanted;
  const found = all.find((candidate) => candidate.name === container);
  if (found === undefined) throw badRequest(`container ${container} is not valid for pod ${scope.name}`);
  const node = pod.spec?.nodeName ?? '';
  if (node === '') throw badRequest(`pod ${scope.name} does not have a host assigned`);
  const backend = core.nodes.find(node);
  if (backend === undefined) throw statusError('ServiceUnavailable', `node ${node} has no agent connected to this server`);
  return { target: { namespace: scope.namespace ?? '', pod: scope.name, uid: pod.metadata.uid ?? '', container }, backend, hasTty: found.tty === true };
}

function soleContainer(scope: Scope, containers: readonly { readonly name: string }[], preferred: string | undefined): string {
  const [first] = containers;
  if (containers.length === 1 && first !== undefined) return first.name;
  if (preferred !== undefined && containers.some((candidate) => candidate.name === preferred)) return preferred;
  throw badRequest(`a container name must be specified for pod ${scope.name}, choose one of: [${containers.map((candidate) => candidate.name).join(' ')}]`);
}

/** Streams a container's log. */
export async function readLog(core: Core, scope: Scope, query: URLSearchParams, signal: AbortSignal): Promise<Answer> {
  const { target, backend } = findTarget(core, scope, query.get('container') ?? '');
  const chunks = await backend.logs(target, logOptions(query), signal);
  return { kind: 'stream', code: 200, contentType: 'text/plain', chunks };
}

function logOptions(query: URLSearchParams): LogOptions {
  const isTrue = (name: string): boolean => query.get(name) === 'true' || query.get(name) === '1';
  const count = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    if (!/^\d+$/.test(text))
      throw statusError('Invalid', `PodLogOptions "" is invalid: ${name}: Invalid value: ${JSON.stringify(text)}: must be greater than or equal to 0`);
    return Number(text);
  };
  const [tailLines, sinceSeconds, limitBytes, sinceTime] = [count('tailLines'), count('sinceSeconds'), count('limitBytes'), query.get('sinceTime')];
  return {
    follow: isTrue('follow'),
    previous: isTrue('previous'),
    timestamps: isTrue('timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceTime === null ? {} : { sinceTime }),
  };
}
