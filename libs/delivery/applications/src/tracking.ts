import { refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';

/** The annotation that says which application an object belongs to. */
export const TRACKING_ANNOTATION = 'argocd.argoproj.io/tracking-id';

/** Who an object belongs to, and under which identity it was written. */
export interface Tracking {
  readonly application: string;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The tracking id of an object: `app:group/kind:ns/name`. */
export function formatTrackingId(application: string, ref: ObjectRef): string {
  return `${application}:${ref.group}/${ref.kind}:${ref.namespace ?? ''}/${ref.name}`;
}

/** Reads a tracking id; undefined when it is not one. */
export function parseTrackingId(id: string): Tracking | undefined {
  // Names may hold colons (RBAC), so only the first two separate.
  const match = /^([^:]+):([^/:]*)\/([^:]+):([^/]*)\/(.+)$/.exec(id);
  if (match === null) return undefined;
  const [, application = '', group = '', kind = '', namespace = '', name = ''] = match;
  return { application, group, kind, namespace, name };
}

/**
 * The application an object belongs to. A copy of a tracked object (other name, other namespace) carries an id that does
 * not match itself: it belongs to nobody, so it is neither compared nor pruned.
 */
export function applicationOf(object: KubeObject): string | undefined {
  const id = object.metadata.annotations?.[TRACKING_ANNOTATION];
  const tracking = id === undefined ? undefined : parseTrackingId(id);
  if (tracking === undefined) return undefined;
  const ref = refOf(object);
  const matches =
    tracking.group === ref.group &&
    tracking.kind === ref.kind &&
    tracking.name === ref.name &&
    (ref.namespace === undefined || tracking.namespace === ref.namespace);
  return matches ? tracking.application : undefined;
}

/** A copy of the object that carries its tracking id. CustomResourceDefinitions carry it too: they can be pruned. */
export function withTracking<T extends KubeObject>(object: T, application: string): T {
  const annotations = { ...object.metadata.annotations, [TRACKING_ANNOTATION]: formatTrackingId(application, refOf(object)) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
