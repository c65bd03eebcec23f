import type { Application, SyncRun } from '@tiphys/delivery-applications';
import type { InformerEvent } from '@tiphys/kube-client';
import type { StreamEvent } from './wire.ts';

/** An event with the position a client resumes from. */
export interface NumberedEvent {
  readonly id: string;
  readonly event: StreamEvent;
}

/** Events kept for clients that come back. */
const KEPT_EVENTS = 2_000;
/** Events a client may lag behind before it is cut off; it then resumes or starts over. */
const MAX_PENDING = 1_000;

/** Where a stream begins: after an event that is still kept, or with everything there is. */
export type StreamStart =
  | { readonly kind: 'resumed'; readonly missed: readonly NumberedEvent[] }
  | { readonly kind: 'snapshot'; readonly applications: readonly Application[]; readonly id: string };

const TYPES = { added: 'ADDED', updated: 'MODIFIED', deleted: 'DELETED' } as const;

/** Numbers the changes of applications and runs, and hands them to any number of clients, who may resume after a break. */
export class ApplicationEventLog {
  // Numbers of an earlier process mean nothing here, so they carry the process's own mark.
  readonly #epoch: string;
  readonly #list: () => readonly Application[];
  readonly #events: NumberedEvent[] = [];
  readonly #clients = new Set<StreamClient>();
  #sequence = 0;

  constructor(epoch: string, list: () => readonly Application[]) {
    this.#epoch = epoch;
    this.#list = list;
  }

  /** Takes what the informer of applications says. */
  recordApplication(event: InformerEvent<Application>): void {
    this.#record({ kind: 'application', type: TYPES[event.type], application: event.object });
  }

  /** Takes what the informer of runs says. */
  recordRun(event: InformerEvent<SyncRun>): void {
    this.#record({ kind: 'run', type: TYPES[event.type], run: event.object });
  }

  #record(event: StreamEvent): void {
    this.#sequence += 1;
    const numbered: NumberedEvent = { id: `${this.#epoch}-${this.#sequence}`, event };
    this.#events.push(numbered);
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    for (const client of this.#clients) client.push(numbered);
  }

  /** Opens a client's stream: what it missed, or all there is, and from then on every event. */
  open(lastEventId: string | undefined): { readonly start: StreamStart; readonly client: StreamClient } {
    const client = new StreamClient((done) => this.#clients.delete(done));
    this.#clients.add(client);
    return { start: this.#startOf(lastEventId), client };
  }

  #startOf(lastEventId: string | undefined): StreamStart {
    const [epoch, number] = (lastEventId ?? '').split('-');
    const last = Number(number);
    const oldest = this.#sequence - this.#events.length;
    if (epoch === this.#epoch && Number.isInteger(last) && last >= oldest && last <= this.#sequence) {
      return { kind: 'resumed', missed: this.#events.slice(last - oldest) };
    }
    return { kind: 'snapshot', applications: this.#list(), id: `${this.#epoch}-${this.#sequence}` };
  }
}

/** The pending events of one client. */
export class StreamClient {
  readonly #onClose: (client: StreamClient) => void;
  readonly #pending: NumberedEvent[] = [];
  #wake: (() => void) | undefined;
  #overrun = false;

  constructor(onClose: (client: StreamClient) => void) {
    this.#onClose = onClose;
  }

  push(event: NumberedEvent): void {
    if (this.#pending.length >= MAX_PENDING) this.#overrun = true;
    else this.#pending.push(event);
    this.#wake?.();
  }

  /** Events as they come, until the signal aborts or the client lags too far behind. */
  async *events(signal: AbortSignal): AsyncGenerator<NumberedEvent> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted && !this.#overrun) {
        const next = this.#pending.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#onClose(this);
    }
  }
}
