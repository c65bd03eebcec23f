import { overloads, type Overload } from '../overload.ts';
import { noSuchOverload } from '../problem.ts';
import { CelDuration, CelTimestamp, timestampParts, type TimeParts } from '../time.ts';

// What a method reads of a moment; months and days of the month start at 0 but for getDate.
const PARTS: readonly (readonly [name: string, read: (parts: TimeParts) => number])[] = [
  ['getFullYear', (parts) => parts.year],
  ['getMonth', (parts) => parts.month - 1],
  ['getDayOfYear', (parts) => parts.dayOfYear],
  ['getDayOfMonth', (parts) => parts.day - 1],
  ['getDate', (parts) => parts.day],
  ['getDayOfWeek', (parts) => parts.dayOfWeek],
  ['getHours', (parts) => parts.hour],
  ['getMinutes', (parts) => parts.minute],
  ['getSeconds', (parts) => parts.second],
  ['getMilliseconds', (parts) => Math.floor(parts.nanosecond / 1_000_000)],
];

const UNITS: readonly (readonly [name: string, nanos: bigint])[] = [
  ['getHours', 3_600_000_000_000n],
  ['getMinutes', 60_000_000_000n],
  ['getSeconds', 1_000_000_000n],
  ['getMilliseconds', 1_000_000n],
];

/** The methods of timestamps and durations. */
export const TIMES: readonly Overload[] = [
  ...PARTS.flatMap(([name, read]) =>
    overloads(name, ['timestamp.(): int', 'timestamp.(string): int'], ([moment, zone]) => {
      if (!(moment instanceof CelTimestamp)) throw noSuchOverload();
      return BigInt(read(timestampParts(moment, typeof zone === 'string' ? zone : 'UTC')));
    }),
  ),
  ...UNITS.flatMap(([name, nanos]) =>
    overloads(name, ['duration.(): int'], ([span]) => {
      if (!(span instanceof CelDuration)) throw noSuchOverload();
      // Milliseconds of a duration are all of them, as hours are.
      return span.nanos / nanos;
    }),
  ),
];
