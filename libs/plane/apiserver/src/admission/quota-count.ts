import type { corev1, KubeObject } from '@tiphys/kube-model';
import { addAmounts, matchesScopes, quotaUsage, subtractAmounts, type Amounts } from '@tiphys/plane-quota';
import type { Entry, Store } from '@tiphys/plane-store';
import type { Core, Scope } from '../core.ts';
import { parseStored } from '../registry/objects.ts';
import { listPrefix } from '../registry/served.ts';

/** What the objects of one resource use of one quota, kept as they change. */
interface Count {
  readonly quotaRevision: string;
  readonly byKey: Map<string, { readonly modRevision: number; readonly usage: Amounts }>;
  total: Amounts;
}

// Counts kept; the oldest go first and are made anew when they are asked for.
const MAX_COUNTS = 1_000;
const NOTHING: Amounts = new Map();

const countsByStore = new WeakMap<Store, Map<string, Count>>();

/** What the stored objects of the scope's resource and namespace use of a quota. Only what has changed since the last call is looked at. */
export function countUsage(core: Core, { served, namespace }: Scope, quota: corev1.ResourceQuota): Amounts {
  const prefix = listPrefix(served, namespace);
  const id = `${quota.metadata.uid ?? ''} ${prefix}`;
  const counts = countsByStore.get(core.store) ?? new Map<string, Count>();
  countsByStore.set(core.store, counts);
  const quotaRevision = JSON.stringify([quota.spec?.scopes, quota.spec?.scopeSelector]);
  const known = counts.get(id);
  const count: Count = known?.quotaRevision === quotaRevision ? known : { quotaRevision, byKey: new Map(), total: NOTHING };
  counts.delete(id);
  counts.set(id, count);
  const [oldest] = counts.keys();
  if (counts.size > MAX_COUNTS && oldest !== undefined) counts.delete(oldest);
  follow(count, core.store.list({ prefix }).entries, (entry) => {
    const object = parseStored(entry.value) as KubeObject; // A stored object.
    return matchesScopes(quota.spec ?? {}, object) ? quotaUsage(served, object, core.clock.now()) : NOTHING;
  });
  return count.total;
}

function follow(count: Count, entries: readonly Entry[], usageOf: (entry: Entry) => Amounts): void {
  for (const entry of entries) {
    const known = count.byKey.get(entry.key);
    if (known?.modRevision === entry.modRevision) continue;
    const usage = usageOf(entry);
    count.total = addAmounts(subtractAmounts(count.total, known?.usage ?? NOTHING), usage);
    count.byKey.set(entry.key, { modRevision: entry.modRevision, usage });
  }
  if (count.byKey.size === entries.length) return;
  const present = new Set(entries.map(({ key }) => key));
  for (const [key, { usage }] of count.byKey) {
    if (present.has(key)) continue;
    count.total = subtractAmounts(count.total, usage);
    count.byKey.delete(key);
  }
}
