import type { Health } from '@tiphys/delivery-health';
import { refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';
import type { HealthBook } from './scripted-health.ts';

/** One live object below an application. */
export interface ResourceNode {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt?: string;
  readonly health?: Health;
  readonly parents: readonly { readonly uid: string; readonly kind: string; readonly name: string }[];
  readonly images: readonly string[];
}

const MAX_NODES = 10_000;

/** The managed objects and everything they own, as far as kinds are followed. */
export async function resourceTree(cluster: Cluster, roots: readonly KubeObject[], book: HealthBook, signal: AbortSignal): Promise<readonly ResourceNode[]> {
  const objects = new Map<string, KubeObject>();
  const pending = [...roots];
  for (let object = pending.pop(); object !== undefined && objects.size < MAX_NODES; object = pending.pop()) {
    const { uid = '' } = object.metadata;
    if (uid === '' || objects.has(uid)) continue;
    objects.set(uid, object);
    pending.push(...cluster.children(uid));
  }
  await book.prepare([...objects.values()], signal);
  return [...objects].map(([uid, object]) => nodeOf(object, uid, book.assess(object)));
}

function nodeOf(object: KubeObject, uid: string, health: Health | undefined): ResourceNode {
  const { creationTimestamp, resourceVersion = '' } = object.metadata;
  return {
    ref: refOf(object),
    uid,
    resourceVersion,
    ...(creationTimestamp === undefined ? {} : { createdAt: creationTimestamp }),
    ...(health === undefined ? {} : { health }),
    parents: (object.metadata.ownerReferences ?? []).map(({ uid: owner, kind, name }) => ({ uid: owner, kind, name })),
    images: imagesOf(object),
  };
}

function imagesOf(object: KubeObject): readonly string[] {
  if (object.kind !== 'Pod') return [];
  const { spec } = object as KubeObject & { readonly spec?: { readonly containers?: readonly { readonly image?: string }[] } };
  return (spec?.containers ?? []).flatMap(({ image }) => (image === undefined ? [] : [image]));
}
