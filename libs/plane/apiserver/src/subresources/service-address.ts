import { statusError, type corev1, type discoveryv1, type Mutable } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/stored.ts';

/** Where to connect to. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One ready endpoint of a Service's port, by its number or name; the only port when neither is given. Throws 503 when there is none. */
export function readyAddress(core: Core, namespace: string, service: Mutable<corev1.Service>, port: string): Address {
  const { name = '' } = service.metadata;
  const ports = service.spec?.ports ?? [];
  const wanted =
    ports.find((candidate) => candidate.name === port || String(candidate.port) === port) ?? (port === '' && ports.length === 1 ? ports[0] : undefined);
  if (wanted === undefined) throw statusError('ServiceUnavailable', `no service port "${port}" found for service "${name}"`);
  const slices = core.store
    .list({ prefix: `/discovery.k8s.io/endpointslices/${namespace}/` })
    .entries.map((entry) => draftAs<discoveryv1.EndpointSlice>(parseStored(entry.value)))
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  const addresses = slices.flatMap((slice) => {
    const number = slice.ports?.find((candidate) => (candidate.name ?? '') === (wanted.name ?? ''))?.port;
    return number === undefined
      ? []
      : (slice.endpoints ?? [])
          .filter((endpoint) => endpoint.conditions?.ready !== false)
          .flatMap((endpoint) => endpoint.addresses.map((host) => ({ host, port: number })));
  });
  const chosen = addresses[Math.floor(core.random() * addresses.length)];
  if (chosen === undefined) throw statusError('ServiceUnavailable', `no endpoints available for service "${name}"`);
  return chosen;
}
