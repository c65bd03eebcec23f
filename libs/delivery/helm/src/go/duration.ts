import { quote } from './strconv.ts';
import { GoInt } from './value.ts';

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const SECOND = 1_000_000_000n;

/** Go's time.ParseDuration in nanoseconds. Throws with Go's message. */
export function parseDuration(text: string): bigint {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  const body = text.slice(sign.length);
  if (body === '0') return 0n;
  if (body === '') throw new Error(`time: invalid duration ${quote(text)}`);
  let total = 0n;
  const piece = /(\d*)(?:\.(\d*))?([^\d.]*)/y;
  for (let at = 0; at < body.length; at = piece.lastIndex) {
    piece.lastIndex = at;
    const [all = '', whole = '', fraction = '', unit = ''] = piece.exec(body) ?? [];
    if (all === '' || (whole === '' && fraction === '')) throw new Error(`time: invalid duration ${quote(text)}`);
    if (unit === '') throw new Error(`time: missing unit in duration ${quote(text)}`);
    const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (size === undefined) throw new Error(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    total += BigInt(whole || '0') * size + (fraction === '' ? 0n : (BigInt(fraction) * size) / 10n ** BigInt(fraction.length));
    if (total > 2n ** 63n - 1n) throw new Error(`time: invalid duration ${quote(text)}`);
  }
  return sign === '-' ? -total : total;
}

/** Go's Duration.String. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size < SECOND) {
    const [unit, scale] = size < 1_000n ? (['ns', 1n] as const) : size < 1_000_000n ? (['µs', 1_000n] as const) : (['ms', 1_000_000n] as const);
    return `${sign}${fraction(size, scale)}${unit}`;
  }
  const minutes = size / (60n * SECOND);
  const seconds = `${fraction(size % (60n * SECOND), SECOND)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours === 0n ? '' : `${hours}h`}${minutes % 60n}m${seconds}`;
}

function fraction(value: bigint, scale: bigint): string {
  const digits = (value % scale)
    .toString()
    .padStart(scale.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${value / scale}${scale === 1n || digits === '' ? '' : `.${digits}`}`;
}

/** Go's Duration.Round: half away from zero. */
export function roundDuration(nanoseconds: bigint, to: bigint): bigint {
  if (to <= 0n) return nanoseconds;
  const rest = nanoseconds % to;
  const size = rest < 0n ? -rest : rest;
  if (size * 2n < to) return nanoseconds - rest;
  return nanoseconds < 0n ? nanoseconds - rest - to : nanoseconds - rest + to;
}

/** A `time.Duration`. */
export function goDuration(nanoseconds: bigint): GoInt {
  return new GoInt('int64', BigInt.asIntN(64, nanoseconds), 'time.Duration', {
    String: { params: [], call: () => formatDuration(nanoseconds) },
    Hours: { params: [], call: () => Number(nanoseconds) / 3.6e12 },
    Minutes: { params: [], call: () => Number(nanoseconds) / 6e10 },
    Seconds: { params: [], call: () => Number(nanoseconds) / 1e9 },
    Milliseconds: { params: [], call: () => new GoInt('int64', nanoseconds / 1_000_000n) },
    Nanoseconds: { params: [], call: () => new GoInt('int64', nanoseconds) },
  });
}
