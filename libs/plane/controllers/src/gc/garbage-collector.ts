import type { Service, WorkQueue } from '@tiphys/kernel';
import { isStatus, type KubeObject, type metav1 } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from '../controller.ts';
import { KINDS, type ControllerDeps } from '../kinds.ts';
import { KindFollower } from './kind-follower.ts';
import { decideCollection, FOREGROUND, ORPHAN, OwnerGraph, type OwnedNode, type OwnerState } from './owner-graph.ts';

const RESOURCES_KEY = 'resources';
const MAX_ABSENT = 500;
const UNKNOWN_KIND_MS = 30_000;

/** Deletes what has lost its owners, in the background or ahead of them, over every kind the API serves. */
export function createGarbageCollector(deps: ControllerDeps): Service {
  return new GarbageCollector(deps).service();
}

class GarbageCollector {
  readonly #deps: ControllerDeps;
  readonly #graph = new OwnerGraph();
  // Owners a live read did not find; bounded, the oldest goes first. UIDs never come back.
  readonly #absent = new Set<string>();
  #follower: KindFollower | undefined;
  #queue: WorkQueue | undefined;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
  }

  service(): Service {
    const { informers, clock, logger } = this.#deps;
    const crds = informers.informer<KubeObject>({ type: KINDS.crd, metadataOnly: true });
    return createController({
      name: 'garbage-collector',
      clock,
      logger,
      workers: 8,
      informers: [crds],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      subscribe: (queue) => {
        const follower = this.#observe(queue);
        this.#queue = queue;
        this.#follower = follower;
        queue.add(RESOURCES_KEY);
        return [crds.onEvent(() => queue.addAfter(RESOURCES_KEY, 100)), () => follower.stop()];
      },
    });
  }

  #observe(queue: WorkQueue): KindFollower {
    return new KindFollower(this.#deps, (type, event) => {
      const uid = event.object.metadata.uid ?? '';
      if (event.type === 'deleted') {
        const owners = this.#graph.get(uid)?.owners ?? [];
        const dependents = this.#graph.dependentsOf(uid);
        this.#graph.remove(uid);
        this.#rememberAbsent(uid);
        for (const related of [...dependents.map((node) => node.uid), ...owners.map((owner) => owner.uid)]) queue.add(related);
        return;
      }
      const before = this.#graph.get(uid);
      const node = this.#graph.put(type, event.object);
      if (node.owners.length > 0 || isHeld(node)) queue.add(uid);
      // An owner that waits may have lost a dependent by a changed reference.
      for (const owner of before?.owners ?? [])
        if (!node.owners.some((kept) => kept.uid === owner.uid && kept.blockOwnerDeletion === owner.blockOwnerDeletion)) queue.add(owner.uid);
    });
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (key === RESOURCES_KEY) {
      await this.#follower?.refresh(signal);
      return DONE;
    }
    const node = this.#graph.get(key);
    if (node === undefined) return DONE;
    if (node.isDeleting) return this.#settleOwner(node, signal);
    if (node.owners.length === 0) return DONE;
    const states: OwnerState[] = [];
    for (const owner of node.owners) {
      const state = await this.#stateOf(node, owner, signal);
      if (state === undefined) return { requeueAfterMs: UNKNOWN_KIND_MS };
      states.push(state);
    }
    const action = decideCollection(node, states, this.#graph.dependentsOf(key));
    if (action.kind === 'dropReferences') await this.#patch(node, { ownerReferences: action.owners }, signal);
    if (action.kind === 'delete') {
      const version = action.unblock ? await this.#unblock(node, signal) : node.resourceVersion;
      await ignoreGone(
        this.#deps.client.delete(node.type, node, {
          propagationPolicy: action.propagation,
          preconditions: { uid: node.uid, ...(version === undefined ? {} : { resourceVersion: version }) },
          signal,
        }),
      );
    }
    return DONE;
  }

  // Undefined when the owner's kind is not served: nothing may be concluded.
  async #stateOf(node: OwnedNode, owner: metav1.OwnerReference, signal: AbortSignal): Promise<OwnerState | undefined> {
    const known = this.#graph.get(owner.uid);
    if (known !== undefined) {
      // An owner in another namespace is no owner.
      if (known.type.namespaced && known.namespace !== node.namespace) return 'dangling';
      return known.isDeleting && known.finalizers.includes(FOREGROUND) && owner.blockOwnerDeletion === true ? 'waiting' : 'solid';
    }
    if (this.#absent.has(owner.uid)) return 'dangling';
    const type = await this.#follower?.find(owner.apiVersion, owner.kind, signal);
    if (type === undefined) return undefined;
    try {
      const live = await this.#deps.client.get(type, type.namespaced ? { namespace: node.namespace, name: owner.name } : { name: owner.name }, { signal });
      if (live.metadata.uid === owner.uid) return 'solid';
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
    }
    this.#rememberAbsent(owner.uid);
    return 'dangling';
  }

  async #settleOwner(node: OwnedNode, signal: AbortSignal): Promise<ReconcileResult> {
    const dependents = this.#graph.dependentsOf(node.uid);
    if (node.finalizers.includes(ORPHAN)) {
      for (const dependent of dependents) await this.#patch(dependent, { ownerReferences: dependent.owners.filter(({ uid }) => uid !== node.uid) }, signal);
      await this.#patch(node, { finalizers: node.finalizers.filter((finalizer) => finalizer !== ORPHAN) }, signal);
      return DONE;
    }
    if (!node.finalizers.includes(FOREGROUND)) return DONE;
    const blocking = dependents.filter(({ owners }) => owners.some(({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion === true));
    if (blocking.length === 0) await this.#patch(node, { finalizers: node.finalizers.filter((finalizer) => finalizer !== FOREGROUND) }, signal);
    else for (const dependent of dependents) if (!dependent.isDeleting) this.#queue?.add(dependent.uid);
    return DONE;
  }

  async #unblock(node: OwnedNode, signal: AbortSignal): Promise<string | undefined> {
    return this.#patch(node, { ownerReferences: node.owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) }, signal);
  }

  async #patch(node: OwnedNode, metadata: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<string | undefined> {
    const { uid, resourceVersion } = node;
    const patched = await ignoreGone(this.#deps.client.patch(node.type, node, { metadata: { uid, resourceVersion, ...metadata } }, { type: 'merge', signal }));
    return patched?.metadata.resourceVersion;
  }

  #rememberAbsent(uid: string): void {
    this.#absent.add(uid);
    const [oldest] = this.#absent;
    if (this.#absent.size > MAX_ABSENT && oldest !== undefined) this.#absent.delete(oldest);
  }
}

function isHeld(node: OwnedNode): boolean {
  return node.isDeleting && (node.finalizers.includes(FOREGROUND) || node.finalizers.includes(ORPHAN));
}

// Gone or changed in the meantime: the watch brings what is true now, and with it the next look.
async function ignoreGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  }
}
