import { CelError } from './problem.ts';
import type { CelValue } from './value.ts';

const NANOS = 1_000_000_000n;
const MAX_INT = (1n << 63n) - 1n;
const MIN_INT = -(1n << 63n);
// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds since 1970.
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;
/** The first moment there is, 0001-01-01T00:00:00Z. */
export const MIN_NANOS: bigint = MIN_SECONDS * NANOS;
const SECONDS_A_DAY = 86_400n;

/** A span of time, in nanoseconds of an int64. */
export class CelDuration {
  readonly typeName = 'google.protobuf.Duration';
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    if (nanos > MAX_INT || nanos < MIN_INT) throw new CelError('duration overflow');
    this.nanos = nanos;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelDuration && other.nanos === this.nanos;
  }
}

/** A moment, in nanoseconds since 1970 (UTC), in the years 1 to 9999. The offset is that of the text it was read from. */
export class CelTimestamp {
  readonly typeName = 'google.protobuf.Timestamp';
  readonly nanos: bigint;
  readonly offsetSeconds: bigint;

  constructor(nanos: bigint, offsetSeconds: bigint = 0n) {
    if (!isTimestamp(floorDiv(nanos, NANOS))) throw new CelError('timestamp overflow');
    this.nanos = nanos;
    this.offsetSeconds = offsetSeconds;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelTimestamp && other.nanos === this.nanos;
  }
}

/** Whether seconds since 1970 are a moment. */
export function isTimestamp(seconds: bigint): boolean {
  return seconds >= MIN_SECONDS && seconds <= MAX_SECONDS;
}

/** Division that rounds down, also below zero. */
function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: NANOS,
  m: 60n * NANOS,
  h: 3_600n * NANOS,
};

/** Reads Go's duration text, such as `1h30m` or `-1.5s`; undefined when it is none. */
export function parseDuration(text: string): CelDuration | undefined {
  const match = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (match === null) return /^[+-]?0$/.test(text) ? new CelDuration(0n) : undefined;
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = UNIT_NANOS[unit] ?? 1n;
    nanos += BigInt(whole === '' ? '0' : whole) * scale + (BigInt(fraction === '' ? '0' : fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  if (nanos > MAX_INT) return undefined;
  return new CelDuration(match[1] === '-' ? -nanos : nanos);
}

/** The text `string(duration)` yields: seconds with as many decimals as needed. */
export function formatDuration({ nanos }: CelDuration): string {
  const magnitude = nanos < 0n ? -nanos : nanos;
  const fraction = (magnitude % NANOS).toString().padStart(9, '0').replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${magnitude / NANOS}${fraction === '' ? '' : `.${fraction}`}s`;
}

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Reads RFC 3339 text; undefined when it is none. */
export function parseTimestamp(text: string): CelTimestamp | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const number = (index: number): number => Number(match[index] ?? '0');
  const day = daysOf(number(1), number(2), number(3));
  if (day === undefined || number(4) > 23 || number(5) > 59 || number(6) > 59 || number(9) > 23 || number(10) > 59) return undefined;
  const offset = BigInt((number(9) * 60 + number(10)) * 60) * (match[8] === '-' ? -1n : 1n);
  const seconds = day * SECONDS_A_DAY + BigInt((number(4) * 60 + number(5)) * 60 + number(6)) - offset;
  const fraction = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'));
  return isTimestamp(seconds) ? new CelTimestamp(seconds * NANOS + fraction, offset) : undefined;
}

/** Reads `YYYY-MM-DD` as the start of that day; undefined when it is none. */
export function parseDate(text: string): CelTimestamp | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseTimestamp(`${text}T00:00:00Z`) : undefined;
}

/** RFC 3339 text of a moment with its offset, and as many decimals as needed. */
export function formatTimestamp({ nanos, offsetSeconds }: CelTimestamp): string {
  const parts = partsOf(nanos + offsetSeconds * NANOS);
  const pad = (value: number, width: number): string => String(value).padStart(width, '0');
  const fraction = pad(parts.nanosecond, 9).replace(/0+$/, '');
  const time = `${pad(parts.hour, 2)}:${pad(parts.minute, 2)}:${pad(parts.second, 2)}${fraction === '' ? '' : `.${fraction}`}`;
  return `${pad(parts.year, 4)}-${pad(parts.month, 2)}-${pad(parts.day, 2)}T${time}${formatOffset(Number(offsetSeconds))}`;
}

function formatOffset(seconds: number): string {
  if (seconds === 0) return 'Z';
  const minutes = Math.abs(seconds) / 60;
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

/** A moment on the calendar. `dayOfWeek` 0 is Sunday, `dayOfYear` starts at 0, `month` and `day` at 1. */
export interface TimeParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
}

/** The parts of a moment in UTC, or at an offset or in a zone such as `+02:00` or `Europe/Berlin`. Throws `CelError` for an unknown zone. */
export function timestampParts(timestamp: CelTimestamp, zone: string = 'UTC'): TimeParts {
  return partsOf(timestamp.nanos + BigInt(offsetSeconds(timestamp, zone)) * NANOS);
}

function offsetSeconds(timestamp: CelTimestamp, zone: string): number {
  if (zone === 'UTC' || zone === '') return 0;
  const fixed = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (fixed !== null) return (Number(fixed[2]) * 60 + Number(fixed[3])) * 60 * (fixed[1] === '-' ? -1 : 1);
  const milliseconds = Number(floorDiv(timestamp.nanos, 1_000_000n));
  const formatted = zoneFormat(zone).formatToParts(milliseconds);
  const part = (type: string): number => Number(formatted.find((candidate) => candidate.type === type)?.value ?? '0');
  const local = (daysOf(part('year'), part('month'), part('day')) ?? 0n) * SECONDS_A_DAY + BigInt((part('hour') * 60 + part('minute')) * 60 + part('second'));
  return Number(local - floorDiv(timestamp.nanos, NANOS));
}

function zoneFormat(zone: string): Intl.DateTimeFormat {
  try {
    const numeric = 'numeric';
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  } catch {
    // Intl throws a RangeError for a zone it does not know.
    throw new CelError(`unknown time zone ${zone}`);
  }
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

// Days since 1970-01-01 in the proleptic Gregorian calendar; undefined for a day that does not exist.
function daysOf(year: number, month: number, day: number): bigint | undefined {
  const last = (MONTH_DAYS[month - 1] ?? 0) + (month === 2 && isLeap(year) ? 1 : 0);
  if (day < 1 || day > last) return undefined;
  // Years from March on, so that the leap day is the last of its year.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return BigInt(era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function partsOf(nanos: bigint): TimeParts {
  const seconds = floorDiv(nanos, NANOS);
  const days = Number(floorDiv(seconds, SECONDS_A_DAY));
  const secondOfDay = Number(seconds - BigInt(days) * SECONDS_A_DAY);
  const { year, month, day } = dateOf(days);
  return {
    year,
    month,
    day,
    hour: Math.floor(secondOfDay / 3_600),
    minute: Math.floor((secondOfDay % 3_600) / 60),
    second: secondOfDay % 60,
    nanosecond: Number(nanos - seconds * NANOS),
    dayOfWeek: (((days + 4) % 7) + 7) % 7,
    dayOfYear: days - Number(daysOf(year, 1, 1) ?? 0n),
  };
}

function dateOf(days: number): Pick<TimeParts, 'year' | 'month' | 'day'> {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day: dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1 };
}
