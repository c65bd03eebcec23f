import { formatPlace, JsonnetError, type Place } from './jsonnet-error.ts';

/** What one evaluation may use. */
export interface JsonnetLimits {
  /** Calls, fields and values worked out. */
  readonly steps: number;
  /** Calls and values that wait for one another. */
  readonly depth: number;
  /** Items of all arrays made. */
  readonly items: number;
  /** Characters of all texts made. */
  readonly characters: number;
}

/** Bounds that real programs stay far below: a worker of 512 MB survives all of them. */
export const defaultJsonnetLimits: JsonnetLimits = { steps: 15_000_000, depth: 1500, items: 5_000_000, characters: 128 * 1024 * 1024 };

const MAX_TRACE = 20;

/** Counts what an evaluation uses, and makes its errors. */
export class Machine {
  readonly #limits: JsonnetLimits;
  #steps = 0;
  #depth = 0;
  #items = 0;
  #characters = 0;

  constructor(limits: JsonnetLimits) {
    this.#limits = limits;
  }

  /** Runs one call or value; what waits is counted. */
  enter<T>(body: () => T): T {
    this.#steps += 1;
    if (this.#steps > this.#limits.steps) throw overBudget(`needs more than ${this.#limits.steps} steps`);
    this.#depth += 1;
    try {
      if (this.#depth > this.#limits.depth) throw overBudget('max stack frames exceeded.');
      return body();
    } finally {
      this.#depth -= 1;
    }
  }

  /** Charges the items of an array before it is made. */
  chargeItems(count: number): void {
    this.#items += count;
    if (this.#items > this.#limits.items) throw overBudget(`makes more than ${this.#limits.items} array items`);
  }

  /** Charges the characters of a text before it is made. */
  chargeText(characters: number): void {
    this.#characters += characters;
    if (this.#characters > this.#limits.characters) throw overBudget(`makes more than ${this.#limits.characters} characters of text`);
  }
}

function overBudget(message: string): JsonnetError {
  return new JsonnetError({ code: 'budget' }, `RUNTIME ERROR: ${message}`);
}

/** A failure of a running program; places are added on the way out. */
export function runtimeError(message: string): JsonnetError {
  return new JsonnetError({ code: 'runtime' }, `RUNTIME ERROR: ${message}`);
}

/** Adds the place that was being worked out to an error passing by. */
export function at(place: Place, error: unknown): unknown {
  if (!(error instanceof JsonnetError) || error.code === 'syntax' || error.code === 'static') return error;
  const lines = error.message.split('\n\t');
  const here = formatPlace(place);
  if (lines.length > MAX_TRACE || lines.at(-1) === here) return error;
  return new JsonnetError({ ...error.detail, place: error.detail.place ?? place }, `${error.message}\n\t${here}`, { cause: error.cause });
}
