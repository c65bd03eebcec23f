import { formatQuantity, type corev1, type KubeObject } from '@tiphys/kube-model';
import { addAmounts, maskAmounts, matchesScopes, missingResources, parseAmounts, quotaUsage, subtractAmounts, type Amounts } from '@tiphys/plane-quota';
import type { Store } from '@tiphys/plane-store';
import type { Core } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { objectKey } from '../registry/served.ts';
import type { AdmissionRequest } from './chain.ts';
import { countUsage } from './quota-count.ts';
import { refuse } from './refuse.ts';
import { createView } from './view.ts';

/** Quota a write has taken before it is certain. */
export interface QuotaReservation {
  /** The write is done or will not be: what is stored counts from here on. */
  release(): void;
}

type Quota = corev1.ResourceQuota;

/** What a write under way will use; it stops to count once its object is in the store. */
interface Taken {
  readonly key: string;
  readonly isCreation: boolean;
  readonly amounts: Amounts;
}

const quotasOf = createView((objects) => objects.map((object) => draftAs<Quota>(object) as Quota)); // Read only.

// Invariant: between a check and its entry here nothing waits, so two writes never take the same room.
const takenByStore = new WeakMap<Store, Map<string, Set<Taken>>>();

/**
 * Takes what the request will use from every quota of the namespace that counts it (apiserver pkg/admission/plugin/resourcequota).
 * What is in use is counted from what is stored and what is being written, so nothing is ever let in that does not fit;
 * `status.used` is the controller's to write. Throws 403 when a quota would be exceeded; then nothing is taken.
 */
export function reserveQuota(core: Core, request: AdmissionRequest): QuotaReservation | undefined {
  const { operation, scope, dryRun } = request;
  if (scope.namespace === undefined || !scope.served.namespaced || (operation !== 'CREATE' && operation !== 'UPDATE')) return undefined;
  if (scope.subresource !== undefined && scope.subresource !== 'resize') return undefined;
  const quotas = quotasOf(core, `/core/resourcequotas/${scope.namespace}/`);
  if (quotas.length === 0) return undefined;
  const delta = deltaOf(core, request);
  const limited = quotas.flatMap((quota) => {
    const amounts = check(core, request, quota, delta);
    return amounts === undefined ? [] : [{ quota, amounts }];
  });
  if (dryRun || limited.length === 0) return undefined;
  const key = objectKey(scope.served, scope.namespace, request.object?.metadata.name ?? '');
  const releases = limited.map(({ quota, amounts }) => hold(core, idOf(quota), { key, isCreation: operation === 'CREATE', amounts }));
  return { release: () => releases.forEach((release) => release()) };
}

const idOf = ({ metadata }: Quota): string => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

function hold({ store }: Core, id: string, taken: Taken): () => void {
  const byQuota = takenByStore.get(store) ?? new Map<string, Set<Taken>>();
  takenByStore.set(store, byQuota);
  const all = byQuota.get(id) ?? new Set<Taken>();
  byQuota.set(id, all.add(taken));
  return () => {
    all.delete(taken);
    if (all.size === 0) byQuota.delete(id);
  };
}

function objectOf(draft: Draft | undefined): KubeObject | undefined {
  return draft as KubeObject | undefined; // A draft has a kind and metadata.
}

// Of an update only what the object uses more than before counts.
function deltaOf(core: Core, { scope, object, oldObject }: AdmissionRequest): Amounts {
  const usage = (draft: Draft | undefined): Amounts => {
    const found = objectOf(draft);
    return found === undefined ? new Map() : quotaUsage(scope.served, found, core.clock.now());
  };
  return subtractAmounts(usage(object), usage(oldObject));
}

/** What of the delta a quota limits; undefined when it does not count the object. Throws 403 when it has no room for it. */
function check(core: Core, request: AdmissionRequest, quota: Quota, delta: Amounts): Amounts | undefined {
  const { name = '' } = quota.metadata;
  const { spec } = quota;
  const object = objectOf(request.object);
  if (spec === undefined || object === undefined || !matchesScopes(spec, object)) return undefined;
  const hard = parseAmounts(spec.hard);
  if (object.kind === 'Pod' && request.scope.served.group === '' && request.operation === 'CREATE') {
    const missing = missingResources(hard.keys(), object as corev1.Pod); // Of the kind looked at.
    if (missing !== '') throw refuse(request, `failed quota: ${name}: must specify ${missing}`);
  }
  const asked = new Map([...maskAmounts(delta, hard.keys())].filter(([, { nano }]) => nano > 0n));
  if (asked.size === 0) return undefined;
  const used = addAmounts(countUsage(core, request.scope, quota), underWay(core, idOf(quota)));
  const next = addAmounts(used, asked);
  const exceeded = [...asked.keys()].filter((resource) => (next.get(resource)?.nano ?? 0n) > (hard.get(resource)?.nano ?? 0n));
  if (exceeded.length === 0) return asked;
  const show = (amounts: Amounts): string =>
    [...maskAmounts(amounts, exceeded, true)]
      .map(([resource, quantity]) => `${resource}=${formatQuantity(quantity)}`)
      .toSorted()
      .join(',');
  throw refuse(request, `exceeded quota: ${name}, requested: ${show(asked)}, used: ${show(used)}, limited: ${show(hard)}`);
}

function underWay({ store }: Core, id: string): Amounts {
  let sum: Amounts = new Map();
  for (const { key, isCreation, amounts } of takenByStore.get(store)?.get(id) ?? []) {
    if (isCreation && store.get(key) !== undefined) continue;
    sum = addAmounts(sum, amounts);
  }
  return sum;
}
