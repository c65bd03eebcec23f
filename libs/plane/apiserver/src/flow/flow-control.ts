import { statusError, type flowcontrolv1 } from '@tiphys/kube-model';
import type { Store } from '@tiphys/plane-store';
import { createView } from '../admission/view.ts';
import { draftAs } from '../draft.ts';
import { flowOf, matchesSchema, type FlowSubject } from './classify.ts';
import { LevelQueue, type Release } from './level-queue.ts';

/** Requests that run at once, watches and connections not counted. */
export interface InFlightLimits {
  readonly reads: number;
  readonly writes: number;
}

export const defaultInFlightLimits: InFlightLimits = { reads: 400, writes: 200 };

/** Where a request belongs: headers that say by what, and the way in. */
export interface Classified {
  readonly headers: Readonly<Record<string, string>>;
  /** Lets the request in. Throws 429 when its level has no seat for it in time. */
  enter(signal: AbortSignal): Promise<Release>;
}

const GROUP = '/flowcontrol.apiserver.k8s.io/';
// A quarter of the time a request has.
const MAX_WAIT_MS = 15_000;
const nothing: Release = () => undefined;

type Levels = ReadonlyMap<string, flowcontrolv1.PriorityLevelConfiguration>;

const schemasOf = createView((objects) => {
  const schemas = objects.map((object) => draftAs<flowcontrolv1.FlowSchema>(object) as flowcontrolv1.FlowSchema); // Read only.
  return schemas.toSorted(byPrecedence);
});

const levelsOf = createView((objects): Levels => {
  const levels = objects.map((object) => draftAs<flowcontrolv1.PriorityLevelConfiguration>(object) as flowcontrolv1.PriorityLevelConfiguration); // Read only.
  return new Map(levels.map((level) => [level.metadata.name ?? '', level]));
});

/** Priority and fairness (KEP-1040): the flow schemas in the store say which priority level a request belongs to, and that how many run at once. */
export class FlowControl {
  readonly #store: Store;
  readonly #seats: number;
  readonly #queues = new Map<string, LevelQueue>();
  #levels: Levels = new Map();

  constructor(store: Store, limits: InFlightLimits) {
    this.#store = store;
    this.#seats = limits.reads + limits.writes;
  }

  /** The schema and the level of a request. Before the first objects exist, and for schemas that name no level, nothing is held back. */
  classify(subject: FlowSubject): Classified {
    const levels = this.#currentLevels();
    const schema = schemasOf({ store: this.#store }, `${GROUP}flowschemas/`).find((each) => matchesSchema(each, subject));
    const level = levels.get(schema?.spec?.priorityLevelConfiguration.name ?? '');
    if (schema === undefined || level === undefined) return { headers: {}, enter: async () => nothing };
    const headers = { 'x-kubernetes-pf-flowschema-uid': schema.metadata.uid ?? '', 'x-kubernetes-pf-prioritylevel-uid': level.metadata.uid ?? '' };
    if (level.spec?.type === 'Exempt' || subject.info.isLongRunning) return { headers, enter: async () => nothing };
    return {
      headers,
      enter: async (signal) => {
        const release = await this.#queue(level, levels).enter(flowOf(schema, subject), MAX_WAIT_MS, signal);
        if (release === undefined) throw statusError('TooManyRequests', 'too many requests, please try again later', { retryAfterSeconds: 1 });
        return release;
      },
    };
  }

  #queue(level: flowcontrolv1.PriorityLevelConfiguration, levels: Levels): LevelQueue {
    const { name = '' } = level.metadata;
    const limits = { seats: nominalSeats(level, levels, this.#seats) + this.#borrowable(level, levels), waiting: waitingOf(level) };
    const queue = this.#queues.get(name) ?? new LevelQueue(limits);
    queue.limits = limits;
    this.#queues.set(name, queue);
    return queue;
  }

  // Seats other levels lend and do not use themselves.
  #borrowable(level: flowcontrolv1.PriorityLevelConfiguration, levels: Levels): number {
    let seats = 0;
    for (const [name, other] of levels) {
      if (name === level.metadata.name) continue;
      const nominal = nominalSeats(other, levels, this.#seats);
      const lendable = Math.round((nominal * (lendingOf(other).lendablePercent ?? 0)) / 100);
      seats += Math.max(0, Math.min(lendable, nominal - (this.#queues.get(name)?.running ?? 0)));
    }
    const percent = level.spec?.limited?.borrowingLimitPercent;
    return percent === undefined ? seats : Math.min(seats, Math.round((nominalSeats(level, levels, this.#seats) * percent) / 100));
  }

  // The queues of levels that are gone go with them.
  #currentLevels(): Levels {
    const levels = levelsOf({ store: this.#store }, `${GROUP}prioritylevelconfigurations/`);
    if (levels === this.#levels) return levels;
    this.#levels = levels;
    for (const name of this.#queues.keys()) if (!levels.has(name)) this.#queues.delete(name);
    return levels;
  }
}

function byPrecedence(a: flowcontrolv1.FlowSchema, b: flowcontrolv1.FlowSchema): number {
  const [left, right] = [a.spec?.matchingPrecedence ?? 0, b.spec?.matchingPrecedence ?? 0];
  return left === right ? ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1) : left - right;
}

const DEFAULT_SHARES = 30;
const DEFAULT_QUEUES = 64;
const DEFAULT_QUEUE_LENGTH = 50;

function lendingOf({ spec }: flowcontrolv1.PriorityLevelConfiguration): { readonly nominalConcurrencyShares?: number; readonly lendablePercent?: number } {
  return spec?.type === 'Exempt' ? { nominalConcurrencyShares: 0, ...spec.exempt } : { nominalConcurrencyShares: DEFAULT_SHARES, ...spec?.limited };
}

// The level's part of all seats, by its shares.
function nominalSeats(level: flowcontrolv1.PriorityLevelConfiguration, levels: Levels, seats: number): number {
  const shares = (each: flowcontrolv1.PriorityLevelConfiguration): number => lendingOf(each).nominalConcurrencyShares ?? 0;
  const total = [...levels.values()].reduce((sum, each) => sum + shares(each), 0);
  return total === 0 ? seats : Math.ceil((seats * shares(level)) / total);
}

function waitingOf({ spec }: flowcontrolv1.PriorityLevelConfiguration): number {
  const response = spec?.limited?.limitResponse;
  if (response?.type !== 'Queue') return 0;
  return (response.queuing?.queues ?? DEFAULT_QUEUES) * (response.queuing?.queueLengthLimit ?? DEFAULT_QUEUE_LENGTH);
}
