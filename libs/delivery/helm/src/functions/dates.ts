import { formatDuration, parseDuration } from '../go/duration.ts';
import { formatTime, parseTime, type Moment } from '../go/time-layout.ts';
import { agoText, goTime, inZone, momentIn, utc, ZERO_TIME } from '../go/time.ts';
import { GoInt, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionContext } from '../template/function-table.ts';
import { asString, define, type FunctionGroup } from './define.ts';

const SECOND = 1_000_000_000n;
const HOUR = 3600n * SECOND;

const dateInZone = define('string, any, string', ([layout, date, zone], context) => dateText(asString(layout), date, asString(zone), context));
const dateModify = define('string, time.Time', ([by, date]) => modified(asString(by), date, false));
const mustDateModify = define('string, time.Time', ([by, date]) => modified(asString(by), date, true));

/** Sprig's dates. Local time is UTC; the current time comes from the environment. */
export const dates: FunctionGroup = {
  now: define('', (_, context) => goTime(now(context))),
  date: define('string, any', ([layout, date], context) => dateText(asString(layout), date, 'Local', context)),
  dateInZone,
  date_in_zone: dateInZone,
  htmlDate: define('any', ([date], context) => dateText('2006-01-02', date, 'Local', context)),
  htmlDateInZone: define('any, string', ([date, zone], context) => dateText('2006-01-02', date, asString(zone), context)),
  dateModify,
  date_modify: dateModify,
  mustDateModify,
  must_date_modify: mustDateModify,
  ago: define('any', ([date], context) => {
    const current = now(context);
    return agoText(momentIn(date) ?? unixMoment(date) ?? current, current.nanoseconds);
  }),
  duration: define('any', ([seconds]) => formatDuration(secondsOf(seconds) * SECOND)),
  durationRound: define('any', ([value], context) => roundedDuration(durationOf(value, context))),
  toDate: define('string, string', ([layout, text]) => {
    try {
      return goTime(parseTime(asString(layout), asString(text)));
    } catch {
      // Sprig gives the zero time for what it cannot read.
      return goTime(ZERO_TIME);
    }
  }),
  mustToDate: define('string, string', ([layout, text]) => goTime(parseTime(asString(layout), asString(text)))),
  unixEpoch: define('time.Time', ([date]) => String((momentIn(date)?.nanoseconds ?? 0n) / SECOND)),
};

function now(context: FunctionContext): Moment {
  context.environment.onNonDeterminism?.('now');
  return utc(BigInt(Math.trunc(context.environment.nowMs())) * 1_000_000n);
}

function unixMoment(value: GoValue | undefined): Moment | undefined {
  return value instanceof GoInt && value.kind.startsWith('int') ? utc(value.value * SECOND) : undefined;
}

function dateText(layout: string, date: GoValue | undefined, zone: string, context: FunctionContext): string {
  const moment = momentIn(date) ?? unixMoment(date) ?? now(context);
  return formatTime(inZone(moment, zone) ?? utc(moment.nanoseconds), layout);
}

function modified(by: string, date: GoValue | undefined, isStrict: boolean): GoValue {
  const moment = momentIn(date) ?? ZERO_TIME;
  try {
    return goTime({ ...moment, nanoseconds: moment.nanoseconds + parseDuration(by) });
  } catch (error) {
    if (isStrict) throw new GoError(error instanceof Error ? error.message : '');
    return date ?? null;
  }
}

function secondsOf(value: GoValue | undefined): bigint {
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? BigInt(value.replace('+', '')) : 0n;
  return value instanceof GoInt && value.kind === 'int64' ? value.value : 0n;
}

function durationOf(value: GoValue | undefined, context: FunctionContext): bigint {
  if (typeof value === 'string') {
    try {
      return parseDuration(value);
    } catch {
      // Sprig takes what it cannot read for nothing.
      return 0n;
    }
  }
  const moment = momentIn(value);
  if (moment !== undefined) return now(context).nanoseconds - moment.nanoseconds;
  return value instanceof GoInt && value.kind === 'int64' ? value.value : 0n;
}

function roundedDuration(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const units: readonly (readonly [string, bigint])[] = [
    ['y', 365n * 24n * HOUR],
    ['mo', 30n * 24n * HOUR],
    ['d', 24n * HOUR],
    ['h', HOUR],
    ['m', 60n * SECOND],
    ['s', SECOND],
  ];
  const unit = units.find(([, length]) => size > length);
  return unit === undefined ? '0s' : `${size / unit[1]}${unit[0]}`;
}
