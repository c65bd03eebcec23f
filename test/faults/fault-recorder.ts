import { expect } from 'vitest';

/** What is counted of the world after a fault: both are to be zero. */
export interface Damage {
  /** Objects that were deleted though Git has them, or though nobody asked for it. */
  readonly wrongDeletes: number;
  /** Commits and runs that never came to an end. */
  readonly lostIntents: number;
}

/** One fault of the catalogue as it went. */
interface FaultRow extends Damage {
  readonly id: string;
  readonly injected: string;
  readonly survived: boolean;
  readonly recoveryMs: number | undefined;
}

/** A fault while it is tested. */
export interface FaultProbe {
  /** The fault is over, or can hurt no more: recovery counts from here. May be called again. */
  ended(): void;
  /** The world is as wanted: recovery counts to here. */
  recovered(): void;
}

/** The results of one family of faults. */
export interface FaultRecorder {
  /** Runs a test under its row of the catalogue. Fails when the body fails, and when damage is counted. */
  run(id: string, injected: string, body: (probe: FaultProbe) => Promise<Damage>): Promise<void>;
  /** Prints the one line of the family. A row counts as survived when each of its tests passed. */
  report(): void;
}

/** Makes a recorder for a family of the catalogue: `F`, `G`, `K`. */
export function createFaultRecorder(family: string): FaultRecorder {
  const rows: FaultRow[] = [];
  return {
    async run(id, injected, body) {
      let endedAt = performance.now();
      let recoveryMs: number | undefined;
      const probe: FaultProbe = {
        ended: () => (endedAt = performance.now()),
        recovered: () => (recoveryMs = performance.now() - endedAt),
      };
      let damage: Damage | undefined;
      try {
        damage = await body(probe);
        expect(damage).toEqual({ wrongDeletes: 0, lostIntents: 0 });
        rows.push({ id, injected, survived: true, recoveryMs, ...damage });
      } catch (error) {
        rows.push({ id, injected, survived: false, recoveryMs, ...(damage ?? { wrongDeletes: 0, lostIntents: 1 }) });
        throw error;
      }
    },
    report: () => process.stdout.write(`${summarize(family, rows)}\n`),
  };
}

function summarize(family: string, rows: readonly FaultRow[]): string {
  const ids = [...new Set(rows.map(({ id }) => id))];
  const survived = ids.filter((id) => rows.every((row) => row.id !== id || row.survived));
  const times = rows.flatMap(({ recoveryMs }) => (recoveryMs === undefined ? [] : [recoveryMs])).toSorted((a, b) => a - b);
  const percentile = (share: number): string => times[Math.min(times.length - 1, Math.floor(times.length * share))]?.toFixed(0) ?? '-';
  const sum = (pick: (row: FaultRow) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  const figures = [
    `survived ${survived.length}/${ids.length} (${rows.length} tests)`,
    `recovery p50 ${percentile(0.5)} ms p95 ${percentile(0.95)} ms`,
    `wrong deletes ${sum(({ wrongDeletes }) => wrongDeletes)}`,
    `lost intents ${sum(({ lostIntents }) => lostIntents)}`,
  ];
  const failed = rows.filter((row) => !row.survived).map(({ id, injected }) => `${id} ${injected}`);
  return `faults ${family}: ${figures.join(', ')}${failed.length === 0 ? '' : `; not survived: ${failed.join('; ')}`}`;
}
