import { LIMITS } from '@tiphys/kernel';
import { fail } from './kustomize-error.ts';

/** What one build may use. At a bound the build ends with a KustomizeError of code `limit`. */
export interface KustomizeLimits {
  /** Objects held at one time. */
  readonly objects: number;
  /** Bytes of all files read, generated data and output together. */
  readonly bytes: number;
  /** Files read, those that were looked for and not found included. */
  readonly files: number;
  /** Kustomizations nested in each other. */
  readonly depth: number;
  /** YAML nodes made by reading, with aliases written out, and by copying. */
  readonly nodes: number;
}

export const defaultKustomizeLimits: KustomizeLimits = {
  objects: LIMITS.renderObjects,
  bytes: LIMITS.renderOutputBytes,
  files: 20_000,
  depth: 64,
  nodes: 1_500_000,
};

/** Counts what a build uses. */
export class Budget {
  readonly #limits: KustomizeLimits;
  readonly #used: Record<keyof KustomizeLimits, number> = { objects: 0, bytes: 0, files: 0, depth: 0, nodes: 0 };

  constructor(limits: Partial<KustomizeLimits> = {}) {
    this.#limits = { ...defaultKustomizeLimits, ...limits };
  }

  /** Adds to what was used. Throws KustomizeError `limit`. */
  spend(what: keyof KustomizeLimits, count: number): void {
    this.#used[what] += count;
    this.check(what, this.#used[what]);
  }

  /** Checks a count that is known as a whole. Throws KustomizeError `limit`. */
  check(what: keyof KustomizeLimits, count: number): void {
    if (count > this.#limits[what]) fail(`the build exceeds its limit of ${this.#limits[what]} ${what}`, 'limit');
  }
}
