import { quote } from './strconv.ts';

/** An instant with the zone it is shown in. */
export interface Moment {
  readonly nanoseconds: bigint;
  readonly offsetSeconds: number;
  readonly zone: string;
}

/** The calendar reading of a moment in its zone. */
export interface Calendar {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly yearDay: number;
}

/** English month names, January first. */
export const MONTHS: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
/** English weekday names, Sunday first. */
export const WEEKDAYS: readonly string[] = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const TOKEN =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|_2006|__2|_2|002|0[1-6]|15|[12345]|PM|pm|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|[.,](?:0+|9+)(?!\d)/g;

/** The calendar reading of a moment. */
export function calendarOf(moment: Moment): Calendar {
  const nanos = moment.nanoseconds;
  const whole = nanos / 1_000_000_000n - (nanos < 0n && nanos % 1_000_000_000n !== 0n ? 1n : 0n);
  const date = new Date((Number(whole) + moment.offsetSeconds) * 1000);
  const year = date.getUTCFullYear();
  const first = new Date(date);
  first.setUTCMonth(0, 1);
  first.setUTCHours(0, 0, 0, 0);
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanosecond: Number(nanos - whole * 1_000_000_000n),
    weekday: date.getUTCDay(),
    yearDay: Math.floor((date.getTime() - first.getTime()) / 86_400_000) + 1,
  };
}

/** Go's Time.Format. */
export function formatTime(moment: Moment, layout: string): string {
  const calendar = calendarOf(moment);
  return layout.replace(TOKEN, (token) => formatToken(token, calendar, moment));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function formatToken(token: string, at: Calendar, moment: Moment): string {
  switch (token) {
    case 'January':
      return MONTHS[at.month - 1] ?? '';
    case 'Jan':
      return (MONTHS[at.month - 1] ?? '').slice(0, 3);
    case '1':
      return String(at.month);
    case '01':
      return two(at.month);
    case 'Monday':
      return WEEKDAYS[at.weekday] ?? '';
    case 'Mon':
      return (WEEKDAYS[at.weekday] ?? '').slice(0, 3);
    case '2':
      return String(at.day);
    case '_2':
      return String(at.day).padStart(2);
    case '02':
      return two(at.day);
    case '__2':
      return String(at.yearDay).padStart(3);
    case '002':
      return String(at.yearDay).padStart(3, '0');
    case '15':
      return two(at.hour);
    case '3':
      return String(at.hour % 12 || 12);
    case '03':
      return two(at.hour % 12 || 12);
    case '4':
      return String(at.minute);
    case '04':
      return two(at.minute);
    case '5':
      return String(at.second);
    case '05':
      return two(at.second);
    case '2006':
      return String(at.year).padStart(4, '0');
    case '_2006':
      return `_${String(at.year).padStart(4, '0')}`;
    case '06':
      return two(at.year % 100);
    case 'PM':
      return at.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return at.hour >= 12 ? 'pm' : 'am';
    case 'MST':
      return moment.zone;
    default:
      return /^[.,]/.test(token) ? formatFraction(token, at.nanosecond) : formatOffset(token, moment.offsetSeconds);
  }
}

function formatFraction(token: string, nanosecond: number): string {
  const digits = String(nanosecond)
    .padStart(9, '0')
    .slice(0, token.length - 1)
    .padEnd(token.length - 1, '0');
  if (token.charAt(1) === '0') return token.charAt(0) + digits;
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' ? '' : token.charAt(0) + trimmed;
}

function formatOffset(token: string, offset: number): string {
  if (token.startsWith('Z') && offset === 0) return 'Z';
  const size = Math.abs(offset);
  const colon = token.includes(':') ? ':' : '';
  const parts = [two(Math.floor(size / 3600)), two(Math.floor(size / 60) % 60), two(size % 60)];
  const bare = token.replace(/[Z:-]/g, '').length / 2;
  return (offset < 0 ? '-' : '+') + parts.slice(0, bare).join(colon);
}

const FIELD: Readonly<Record<string, RegExp>> = {
  '2006': /^\d{4}/,
  '06': /^\d{2}/,
  '01': /^\d{2}/,
  '1': /^\d{1,2}/,
  '02': /^\d{2}/,
  '2': /^\d{1,2}/,
  _2: /^ ?\d{1,2}/,
  '002': /^\d{3}/,
  __2: /^ {0,2}\d{1,3}/,
  '15': /^\d{1,2}/,
  '03': /^\d{2}/,
  '3': /^\d{1,2}/,
  '04': /^\d{2}/,
  '4': /^\d{1,2}/,
  '05': /^\d{2}/,
  '5': /^\d{1,2}/,
  PM: /^[AP]M/,
  pm: /^[ap]m/,
  MST: /^(?:[A-Z]{3,5}|[+-]\d{2})/,
};

/** Go's time.Parse in UTC. Throws with Go's message. */
export function parseTime(layout: string, text: string): Moment {
  const found: Record<string, string> = {};
  let at = 0;
  let from = 0;
  const fail = (element: string): never => {
    throw new Error(`parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(text.slice(at))} as ${quote(element)}`);
  };
  for (const match of layout.matchAll(TOKEN)) {
    const literal = layout.slice(from, match.index);
    if (!text.startsWith(literal, at)) fail(literal);
    at += literal.length;
    from = match.index + match[0].length;
    const [value] = patternFor(match[0]).exec(text.slice(at)) ?? [];
    if (value === undefined) return fail(match[0]);
    found[match[0]] = value;
    at += value.length;
    // Go takes a fraction after the seconds even where the layout has none.
    const extra = /^[.,]\d+/.exec(text.slice(at))?.[0];
    if ((match[0] === '05' || match[0] === '5') && extra !== undefined && !/^[.,][09]/.test(layout.slice(from))) {
      found['.'] = extra;
      at += extra.length;
    }
  }
  const tail = layout.slice(from);
  if (!text.startsWith(tail, at)) fail(tail);
  at += tail.length;
  if (at < text.length) throw new Error(`parsing time ${quote(text)}: extra text: ${quote(text.slice(at))}`);
  return momentOf(found, text);
}

function patternFor(token: string): RegExp {
  const known = FIELD[token];
  if (known !== undefined) return known;
  const names = { January: MONTHS, Jan: MONTHS.map((name) => name.slice(0, 3)), Monday: WEEKDAYS, Mon: WEEKDAYS.map((name) => name.slice(0, 3)) }[token];
  if (names !== undefined) return new RegExp(`^(?:${names.join('|')})`, 'i');
  if (/^[.,]/.test(token)) return token.charAt(1) === '0' ? new RegExp(`^[.,]\\d{${token.length - 1}}`) : /^(?:[.,]\d+)?/;
  const digits = token.includes(':') ? token.replace(/[Z-]/, '').replaceAll('07', '\\d{2}').replaceAll('00', '\\d{2}') : `\\d{${token.length - 1}}`;
  return new RegExp(token.startsWith('Z') ? `^(?:Z|[+-]${digits})` : `^[+-]${digits}`);
}

function momentOf(found: Readonly<Record<string, string>>, text: string): Moment {
  const number = (...tokens: string[]): number | undefined => {
    const value = tokens.map((token) => found[token]).find((item) => item !== undefined);
    return value === undefined ? undefined : Number(value);
  };
  const named = (names: readonly string[], length: number, value: string | undefined): number | undefined =>
    value === undefined ? undefined : names.findIndex((name) => name.slice(0, length).toLowerCase() === value.slice(0, length).toLowerCase()) + 1;
  const short = number('06');
  const year = number('2006') ?? (short === undefined ? 0 : short >= 69 ? 1900 + short : 2000 + short);
  const month = number('01', '1') ?? named(MONTHS, 3, found['January'] ?? found['Jan']) ?? 1;
  const day = number('02', '2', '_2') ?? 1;
  let hour = number('15', '03', '3') ?? 0;
  const half = (found['PM'] ?? found['pm'])?.toUpperCase();
  if (half === 'PM' && hour < 12) hour += 12;
  if (half === 'AM' && hour === 12) hour = 0;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (month < 1 || month > 12) throw new Error(`parsing time ${quote(text)}: month out of range`);
  if (date.getUTCDate() !== day) throw new Error(`parsing time ${quote(text)}: day out of range`);
  date.setUTCHours(hour, number('04', '4') ?? 0, number('05', '5') ?? 0);
  const fraction = Object.entries(found).find(([token]) => /^[.,]/.test(token))?.[1] ?? '';
  const nanos = BigInt((fraction.slice(1) || '0').padEnd(9, '0').slice(0, 9));
  const offset = offsetOf(Object.entries(found).find(([token]) => /^[Z-]/.test(token))?.[1]);
  return { nanoseconds: BigInt(date.getTime() - offset * 1000) * 1_000_000n + nanos, offsetSeconds: offset, zone: offset === 0 ? (found['MST'] ?? 'UTC') : '' };
}

function offsetOf(text: string | undefined): number {
  const parts = /^([+-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(text ?? '');
  if (parts === null) return 0;
  const size = Number(parts[2]) * 3600 + Number(parts[3] ?? 0) * 60 + Number(parts[4] ?? 0);
  return parts[1] === '-' ? -size : size;
}
