import { messageOf, toTimestamp, type Clock, type Logger } from '@tiphys/kernel';
import { builtin, fnv32a, isStatus, type corev1, type KubeObject } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';

const EVENTS = builtin('v1', 'Event');
// The same event within this time is counted instead of written anew (client-go's EventCorrelator: 10 minutes).
const REPEAT_WINDOW_MS = 600_000;
const MAX_REMEMBERED = 4096;
const MAX_PENDING = 1024;

/** Writes Kubernetes Events about objects. Never throws and never waits: an event is a courtesy, not a duty. */
export interface EventRecorder {
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void;
}

/** Who writes events. */
export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly component: string;
  readonly host?: string;
  readonly signal: AbortSignal;
}

/** A recorder that keeps order per object, counts repetitions and drops events when 1024 wait. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, logger, signal } = options;
  const remembered = new Map<string, { readonly name: string; count: number; readonly firstMs: number }>();
  let pending = 0;
  let tail: Promise<void> = Promise.resolve();
  let serial = 0;

  async function write(object: KubeObject, type: string, reason: string, message: string, fieldPath: string | undefined): Promise<void> {
    const { namespace = 'default', name = '', uid = '' } = object.metadata;
    const identity = `${uid}/${type}/${reason}/${fieldPath ?? ''}/${message}`;
    const nowMs = clock.now();
    const known = remembered.get(identity);
    if (known !== undefined && nowMs - known.firstMs < REPEAT_WINDOW_MS) {
      known.count += 1;
      try {
        await client.patch(EVENTS, { namespace, name: known.name }, { count: known.count, lastTimestamp: toTimestamp(nowMs) }, { type: 'merge', signal });
        return;
      } catch (error) {
        if (!isStatus(error, 'NotFound')) throw error; // Gone with its hour: written anew below.
      }
    }
    serial += 1;
    const eventName = `${name}.${(fnv32a(`${identity}/${nowMs}/${serial}`) >>> 0).toString(16).padStart(8, '0')}${(nowMs % 0xffffffff).toString(16)}`;
    const time = toTimestamp(nowMs);
    const event: corev1.Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        namespace,
        name,
        uid,
        ...(object.metadata.resourceVersion === undefined ? {} : { resourceVersion: object.metadata.resourceVersion }),
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: options.component, ...(options.host === undefined ? {} : { host: options.host }) },
      reportingComponent: options.component,
      reportingInstance: options.host ?? '',
    };
    await client.create(EVENTS, event, { signal });
    remembered.delete(identity);
    remembered.set(identity, { name: eventName, count: 1, firstMs: nowMs });
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }

  return {
    record(object, type, reason, message, fieldPath) {
      if (pending >= MAX_PENDING || signal.aborted) return;
      pending += 1;
      tail = tail
        .then(() => write(object, type, reason, message, fieldPath))
        .catch((error: unknown) => {
          if (!signal.aborted) logger.debug({ reason, cause: messageOf(error) }, 'event not written');
        })
        .finally(() => {
          pending -= 1;
        });
    },
  };
}

/** A recorder that writes nothing. */
export const silentRecorder: EventRecorder = { record: () => undefined };
