import type { KubeObject, metav1, ResourceType } from '@tiphys/kube-model';

/** One object as the collector sees it. */
export interface OwnedNode {
  readonly uid: string;
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly resourceVersion: string;
  readonly owners: ReadonlyArray<metav1.OwnerReference>;
  readonly finalizers: ReadonlyArray<string>;
  readonly isDeleting: boolean;
}

/** The finalizer of an owner that waits for its dependents. */
export const FOREGROUND = 'foregroundDeletion';
/** The finalizer of an owner that lets its dependents go first. */
export const ORPHAN = 'orphan';

/** Who owns whom, by UID. Only objects that were seen are in it; an owner that is not may still exist. */
export class OwnerGraph {
  readonly #nodes = new Map<string, OwnedNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): OwnedNode | undefined {
    return this.#nodes.get(uid);
  }

  /** Objects that name this one as an owner. */
  dependentsOf(uid: string): readonly OwnedNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  put(type: ResourceType, object: KubeObject): OwnedNode {
    const { uid = '', namespace, name = '', resourceVersion = '', ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata;
    const node: OwnedNode = { uid, type, namespace, name, resourceVersion, owners: ownerReferences, finalizers, isDeleting: deletionTimestamp !== undefined };
    this.#unlink(uid);
    this.#nodes.set(uid, node);
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      dependents.add(uid);
      this.#dependents.set(owner.uid, dependents);
    }
    return node;
  }

  remove(uid: string): void {
    this.#unlink(uid);
    this.#nodes.delete(uid);
  }

  #unlink(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.owners ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** What is known of one owner reference: the owner is there, is gone, or is being deleted in the foreground and waits. */
export type OwnerState = 'solid' | 'dangling' | 'waiting';

/** What to do with an object, given the states of its owners in the order of its references. */
export type CollectorAction =
  | { readonly kind: 'keep' }
  | { readonly kind: 'dropReferences'; readonly owners: ReadonlyArray<metav1.OwnerReference> }
  | { readonly kind: 'delete'; readonly propagation: 'Background' | 'Foreground'; readonly unblock: boolean };

/** Decides about an object that is not being deleted itself (garbagecollector.go attemptToDeleteItem). Pure. */
export function decideCollection(node: OwnedNode, states: readonly OwnerState[], dependents: readonly OwnedNode[]): CollectorAction {
  const staying = node.owners.filter((_, index) => states[index] === 'solid');
  if (node.owners.length === 0 || staying.length === node.owners.length) return { kind: 'keep' };
  // One living owner is enough to stay; the others are no longer named.
  if (staying.length > 0) return { kind: 'dropReferences', owners: staying };
  const isAwaited = states.includes('waiting');
  if (!isAwaited || dependents.length === 0) return { kind: 'delete', propagation: 'Background', unblock: false };
  // A dependent that waits for us while we would wait for it: the circle is opened here.
  const isCircle = dependents.some((dependent) => dependent.isDeleting && dependent.finalizers.includes(FOREGROUND));
  return { kind: 'delete', propagation: 'Foreground', unblock: isCircle };
}
