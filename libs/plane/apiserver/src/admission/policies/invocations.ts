import { convertByWebhook } from '../../crd/conversion.ts';
import type { Core } from '../../core.ts';
import type { Draft } from '../../draft.ts';
import { parseStored } from '../../registry/objects.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';
import { matchTarget } from '../webhooks/match.ts';
import { inVersion } from '../webhooks/review.ts';
import { collectParams } from './params.ts';
import type { Binding, PolicyBase } from './policy.ts';

/** A policy that is asked about a request: by one binding, with one parameter. */
export interface Invocation<T extends PolicyBase> {
  readonly policy: T;
  readonly binding: Binding;
  readonly version: ServedResource;
  readonly params: Draft | undefined;
}

/** A policy or binding that cannot be asked, for its configuration is wrong. */
export interface Misconfiguration<T extends PolicyBase> {
  readonly policy: T;
  readonly binding: Binding;
  readonly message: string;
}

/** All that policies have to say about a request, in the order of policies, bindings and parameters. */
export async function invocationsOf<T extends PolicyBase>(
  core: Core,
  policies: readonly T[],
  request: AdmissionRequest,
): Promise<readonly (Invocation<T> | Misconfiguration<T>)[]> {
  const found: (Invocation<T> | Misconfiguration<T>)[] = [];
  for (const policy of policies) {
    const version = matchTarget(core, policy.target, request);
    if (version === undefined) continue;
    for (const binding of policy.bindings) {
      if (binding.target !== undefined && matchTarget(core, binding.target, request) === undefined) continue;
      const params = await collectParams(core, policy, binding, request);
      if (params.kind === 'problem') found.push({ policy, binding, message: `failed to configure binding: ${params.problem}` });
      else found.push(...params.params.map((param) => ({ policy, binding, version, params: param })));
    }
  }
  return found;
}

/** An object of a request in the version that was matched. */
export async function versioned(core: Core, object: Draft | undefined, served: ServedResource, version: ServedResource): Promise<Draft | undefined> {
  if (object === undefined || version === served || object.apiVersion !== served.apiVersion) return object;
  const { custom } = version;
  if (custom?.conversion === undefined) return inVersion(object, served, version);
  const [converted] = await convertByWebhook(core, custom.conversion, [object], version.apiVersion);
  return converted;
}

/** The Namespace of a request; undefined for what lies in none, and for namespaces themselves. */
export function namespaceObject(core: Core, { scope }: AdmissionRequest): Draft | undefined {
  if (scope.namespace === undefined || !scope.served.namespaced) return undefined;
  const entry = core.store.get(`/core/namespaces/${scope.namespace}`);
  return entry === undefined ? undefined : parseStored(entry.value);
}
