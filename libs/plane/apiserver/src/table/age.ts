/** A cell that says how long ago something was: its text changes with the time of day, the object does not. */
export class Age {
  readonly #sinceMs: number;
  readonly #before: string;
  readonly #after: string;

  constructor(timestamp: string, before: string = '', after: string = '') {
    this.#sinceMs = Date.parse(timestamp);
    this.#before = before;
    this.#after = after;
  }

  textAt(nowMs: number): string {
    return `${this.#before}${humanDuration((nowMs - this.#sinceMs) / 1_000)}${this.#after}`;
  }
}

/** How long ago a time was, in the short form of the NAME/AGE tables (apimachinery duration.HumanDuration). */
export function ageOf(timestamp: string | undefined): Age | string {
  return timestamp === undefined || timestamp === '' ? '<unknown>' : new Age(timestamp);
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** Seconds in the short form of tables. */
export function humanDuration(elapsedSeconds: number): string {
  const seconds = Math.trunc(elapsedSeconds);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return pair(seconds, MINUTE, 'm', 1, 's');
  if (seconds < 180 * MINUTE) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR) return pair(seconds, HOUR, 'h', MINUTE, 'm');
  if (seconds < 48 * HOUR) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY) return pair(seconds, DAY, 'd', HOUR, 'h');
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR) return pair(seconds, YEAR, 'y', DAY, 'd');
  return `${Math.floor(seconds / YEAR)}y`;
}

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeUnit}${rest === 0 ? '' : `${rest}${smallUnit}`}`;
}
