import { createServer } from 'node:net';
import type { corev1 } from '@tiphys/kube-model';

/** The annotation that tells which host port stands for which port of a pod or Service: `{"8080":41001}`. */
export const HOST_PORTS_ANNOTATION = 'tiphys.dev/host-ports';

/** Reads the annotation; empty when it is missing or not ours. */
export function parseHostPorts(annotations: Readonly<Record<string, string>> | undefined): Readonly<Record<string, number>> {
  const text = annotations?.[HOST_PORTS_ANNOTATION];
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
  } catch {
    return {}; // Written by a hand: as if it were not there.
  }
}

/** A port of 127.0.0.1 that nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** One free host port for every containerPort of the pod, keeping the ones it had. */
export async function assignHostPorts(pod: corev1.Pod): Promise<Readonly<Record<string, number>>> {
  const kept = parseHostPorts(pod.metadata.annotations);
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const ports: Record<string, number> = {};
  for (const { containerPort } of containers.flatMap((container) => container.ports ?? [])) {
    ports[containerPort] ??= kept[containerPort] ?? (await freePort());
  }
  return ports;
}
