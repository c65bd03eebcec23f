import { formatDuration, goDuration, roundDuration } from './duration.ts';
import { calendarOf, formatTime, MONTHS, WEEKDAYS, type Moment } from './time-layout.ts';
import { goInt, goInt64, GoInt, GoObject, type GoMethod, type GoValue } from './value.ts';

const TIME_TYPE = 'time.Time';
const ZERO_SECONDS = -62_135_596_800n;
const SECOND = 1_000_000_000n;

/** Go's zero time: the first of January of the year one. */
export const ZERO_TIME: Moment = { nanoseconds: ZERO_SECONDS * SECOND, offsetSeconds: 0, zone: 'UTC' };

/** A moment in UTC from nanoseconds since the epoch. */
export function utc(nanoseconds: bigint): Moment {
  return { nanoseconds, offsetSeconds: 0, zone: 'UTC' };
}

/** The moment behind a `time.Time` value; undefined for other values. */
export function momentIn(value: GoValue | undefined): Moment | undefined {
  return value instanceof GoObject && value.typeName.endsWith(TIME_TYPE) ? (value.payload as Moment) : undefined; // only goTime makes this type
}

/** A `time.Time`. The local zone is UTC. */
export function goTime(moment: Moment): GoObject {
  const at = calendarOf(moment);
  const text = (): string => formatTime(moment, '2006-01-02 15:04:05.999999999 -0700 MST');
  const plain = (value: () => GoValue): GoMethod => ({ params: [], call: value });
  const withTime = (decide: (other: Moment) => GoValue): GoMethod => ({ params: [TIME_TYPE], call: ([other]) => decide(momentIn(other) ?? ZERO_TIME) });
  const withDuration = (change: (by: bigint) => bigint): GoMethod => ({
    params: ['time.Duration'],
    call: ([by]) => goTime({ ...moment, nanoseconds: change(by instanceof GoInt ? by.value : 0n) }),
  });
  return new GoObject({
    typeName: TIME_TYPE,
    payload: moment,
    string: text,
    methods: {
      Format: { params: ['string'], call: ([layout]) => formatTime(moment, String(layout)) },
      String: plain(text),
      Unix: plain(() => goInt64(floorDivide(moment.nanoseconds, SECOND))),
      UnixMilli: plain(() => goInt64(floorDivide(moment.nanoseconds, 1_000_000n))),
      UnixNano: plain(() => goInt64(moment.nanoseconds)),
      Year: plain(() => goInt(at.year)),
      Day: plain(() => goInt(at.day)),
      Hour: plain(() => goInt(at.hour)),
      Minute: plain(() => goInt(at.minute)),
      Second: plain(() => goInt(at.second)),
      Nanosecond: plain(() => goInt(at.nanosecond)),
      YearDay: plain(() => goInt(at.yearDay)),
      Month: plain(() => named(at.month, 'time.Month', MONTHS[at.month - 1] ?? '')),
      Weekday: plain(() => named(at.weekday, 'time.Weekday', WEEKDAYS[at.weekday] ?? '')),
      UTC: plain(() => goTime(utc(moment.nanoseconds))),
      Local: plain(() => goTime(utc(moment.nanoseconds))),
      IsZero: plain(() => moment.nanoseconds === ZERO_TIME.nanoseconds),
      Sub: withTime((other) => goDuration(moment.nanoseconds - other.nanoseconds)),
      Before: withTime((other) => moment.nanoseconds < other.nanoseconds),
      After: withTime((other) => moment.nanoseconds > other.nanoseconds),
      Equal: withTime((other) => moment.nanoseconds === other.nanoseconds),
      Add: withDuration((by) => moment.nanoseconds + by),
      Round: withDuration((by) => ZERO_TIME.nanoseconds + roundDuration(moment.nanoseconds - ZERO_TIME.nanoseconds, by)),
      Truncate: withDuration((by) => (by <= 0n ? moment.nanoseconds : moment.nanoseconds - ((moment.nanoseconds - ZERO_TIME.nanoseconds) % by))),
      AddDate: { params: ['int', 'int', 'int'], call: ([years, months, days]) => goTime(addDate(moment, [years, months, days].map(asNumber))) },
    },
  });
}

/** Text of the time between two moments, rounded to seconds as `ago` shows it. */
export function agoText(moment: Moment, nowNanoseconds: bigint): string {
  return formatDuration(roundDuration(nowNanoseconds - moment.nanoseconds, SECOND));
}

/** The same moment in an IANA zone; undefined where the zone is unknown. */
export function inZone(moment: Moment, zone: string): Moment | undefined {
  if (zone === 'UTC' || zone === '' || zone === 'Local') return utc(moment.nanoseconds);
  try {
    const date = new Date(Number(moment.nanoseconds / 1_000_000n));
    const part = (style: 'longOffset' | 'short'): string =>
      new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style }).formatToParts(date).find((item) => item.type === 'timeZoneName')?.value ?? '';
    const offset = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(part('longOffset'));
    const size = offset === null ? 0 : Number(offset[2]) * 3600 + Number(offset[3]) * 60 + Number(offset[4] ?? 0);
    const offsetSeconds = offset?.[1] === '-' ? -size : size;
    return { nanoseconds: moment.nanoseconds, offsetSeconds, zone: abbreviation(zone, part('short'), offsetSeconds) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

// Intl has no abbreviations for most of Europe; the tz database does.
const EUROPE: Readonly<Record<number, readonly [string, string]>> = { 0: ['WET', 'GMT'], 3600: ['CET', 'WEST'], 7200: ['EET', 'CEST'], 10800: ['MSK', 'EEST'] };
const CENTRAL =
  /Amsterdam|Andorra|Belgrade|Berlin|Bratislava|Brussels|Budapest|Copenhagen|Gibraltar|Ljubljana|Luxembourg|Madrid|Malta|Monaco|Oslo|Paris|Podgorica|Prague|Rome|San_Marino|Sarajevo|Skopje|Stockholm|Tirane|Vaduz|Vatican|Vienna|Warsaw|Zagreb|Zurich/;

function abbreviation(zone: string, short: string, offset: number): string {
  if (!short.startsWith('GMT') || short === 'GMT') return short;
  if (zone === 'Europe/London' && offset === 3600) return 'BST';
  if (zone === 'Asia/Tokyo') return 'JST';
  if (zone === 'Asia/Kolkata' || zone === 'Asia/Calcutta') return 'IST';
  if (zone === 'Asia/Shanghai') return 'CST';
  if (zone.startsWith('Europe/')) return EUROPE[offset]?.[CENTRAL.test(zone) && offset === 7200 ? 1 : 0] ?? '';
  return `${offset < 0 ? '-' : '+'}${String(Math.floor(Math.abs(offset) / 3600)).padStart(2, '0')}`;
}

function named(value: number, typeName: string, text: string): GoInt {
  return new GoInt('int', BigInt(value), typeName, { String: { params: [], call: () => text } });
}

function addDate(moment: Moment, [years = 0, months = 0, days = 0]: readonly number[]): Moment {
  const date = new Date(Number(floorDivide(moment.nanoseconds, 1_000_000n)));
  const rest = moment.nanoseconds - BigInt(date.getTime()) * 1_000_000n;
  date.setUTCFullYear(date.getUTCFullYear() + years, date.getUTCMonth() + months, date.getUTCDate() + days);
  return { ...moment, nanoseconds: BigInt(date.getTime()) * 1_000_000n + rest };
}

function asNumber(value: GoValue | undefined): number {
  return value instanceof GoInt ? Number(value.value) : 0;
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value / by - (value < 0n && value % by !== 0n ? 1n : 0n);
}
