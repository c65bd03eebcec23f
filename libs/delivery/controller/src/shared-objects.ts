import { applicationOf } from '@tiphys/delivery-applications';
import type { Comparison } from '@tiphys/delivery-diff';
import { describeRef, refKey } from '@tiphys/kube-model';

/** Objects of a comparison that another existing application tracks, by key, with a sentence each. */
export function sharedObjects(name: string, comparison: Comparison, exists: (application: string) => boolean): ReadonlyMap<string, string> {
  const shared = new Map<string, string>();
  for (const { ref, live, desired } of comparison.resources) {
    const other = live === undefined || desired === undefined ? undefined : applicationOf(live);
    if (other === undefined || other === name || !exists(other)) continue;
    shared.set(refKey(ref), `${describeRef(ref)} is part of applications ${name} and ${other}`);
  }
  return shared;
}
