import { controllerOf, matchesSelector, type KubeObject, type Selector } from '@tiphys/kube-model';
import type { Informer } from '@tiphys/kube-client';

/** The index of objects by the UID of the owner that controls them. */
export const OWNER_INDEX = 'controllerUid';

/** The index of objects without a controller, by namespace. */
const ORPHAN_INDEX = 'orphanNamespace';

/** Adds the indexes by owner. Adding them again changes nothing. */
export function indexByOwner<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(OWNER_INDEX, (object) => {
    const uid = controllerOf(object)?.uid;
    return uid === undefined ? [] : [uid];
  });
  informer.addIndex(ORPHAN_INDEX, (object) => (controllerOf(object) === undefined ? [object.metadata.namespace ?? ''] : []));
}

/** What an owner may claim: its own, and matching ones that nobody controls. */
export function orphansAndOwned<T extends KubeObject>(informer: Informer<T>, owner: KubeObject, selector: Selector): readonly T[] {
  const orphans = informer.byIndex(ORPHAN_INDEX, owner.metadata.namespace ?? '').filter((object) => matchesSelector(selector, object.metadata.labels));
  return [...informer.byIndex(OWNER_INDEX, owner.metadata.uid ?? ''), ...orphans];
}

/** Calls `fn` `count` times in batches of 1, 2, 4…; stops after a batch with a failure and answers the first one. */
export async function slowStart(count: number, fn: () => Promise<void>): Promise<Error | undefined> {
  for (let done = 0, batch = 1; done < count; done += batch, batch *= 2) {
    const results = await Promise.allSettled(Array.from({ length: Math.min(batch, count - done) }, fn));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) return asError(failed.reason);
  }
  return undefined;
}

/** Anything that was thrown, as an Error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason });
}
