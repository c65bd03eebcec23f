import { parseQuantity } from '@tiphys/kube-model';
import { asList, asMap, asText } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import type { Format } from './formats.ts';

/** One rule about a field: adds what is wrong with its value. An absent value is no problem of a check's. */
export type Check = (value: unknown, field: string, problems: FieldProblem[]) => void;

const INT32_MAX = 2_147_483_647;

/** All of several checks. */
export const all =
  (...checks: readonly Check[]): Check =>
  (value, field, problems) => {
    for (const check of checks) check(value, field, problems);
  };

/** A value from a closed set. */
export const oneOf =
  (...supported: readonly string[]): Check =>
  (value, field, problems) => {
    if (typeof value === 'string' && !supported.includes(value)) problems.push(problem.notSupported(field, value, supported.toSorted()));
  };

/** Text of a format. Empty text is absent text unless `empty` is `refused`. */
export const format =
  (of: Format, empty: 'absent' | 'refused' = 'absent'): Check =>
  (value, field, problems) => {
    if (typeof value !== 'string' || (value === '' && empty === 'absent')) return;
    const detail = of(value);
    if (detail !== undefined) problems.push(problem.invalid(field, value, detail));
  };

/** A number of at least `bound`. */
export const atLeast =
  (bound: number): Check =>
  (value, field, problems) => {
    if (typeof value === 'number' && value < bound)
      problems.push(problem.invalid(field, value, bound === 1 ? 'must be greater than 0' : `must be greater than or equal to ${bound}`));
  };

export const nonNegative: Check = atLeast(0);
export const positive: Check = atLeast(1);

/** A number of a range. */
export const between =
  (first: number, last: number): Check =>
  (value, field, problems) => {
    if (typeof value === 'number' && (value < first || value > last))
      problems.push(problem.invalid(field, value, `must be between ${first} and ${last}, inclusive`));
  };

export const portNumber: Check = between(1, 65_535);
export const userId: Check = between(0, INT32_MAX);
export const fileMode: Check = (value, field, problems) => {
  if (typeof value === 'number' && (value < 0 || value > 0o777))
    problems.push(problem.invalid(field, value, 'must be a number between 0 and 0777 (octal), both inclusive'));
};

/** A number of a port, or the name of one. */
export const port =
  (of: Format): Check =>
  (value, field, problems) =>
    typeof value === 'number' ? portNumber(value, field, problems) : format(of, 'refused')(value, field, problems);

const PERCENT = /^(\d+)%$/;

/** A count that is not negative, or a percentage. */
export const countOrPercent: Check = (value, field, problems) => {
  if (typeof value === 'number') nonNegative(value, field, problems);
  else if (typeof value === 'string' && !PERCENT.test(value))
    problems.push(
      problem.invalid(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    );
};

/** The percentage that a count or percentage is; undefined for a count. */
export function percentOf(value: unknown): number | undefined {
  const [, digits] = PERCENT.exec(typeof value === 'string' ? value : '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** A percentage of at most 100. */
export const atMostAll: Check = (value, field, problems) => {
  if ((percentOf(value) ?? 0) > 100) problems.push(problem.invalid(field, value, 'must not be greater than 100%'));
};

/** A quantity that is not negative. */
export const quantity: Check = (value, field, problems) => {
  if (typeof value === 'string' && (parseQuantity(value)?.nano ?? 0n) < 0n) problems.push(problem.invalid(field, value, 'must be greater than or equal to 0'));
};

/** Text of at most so many bytes. */
export const maxBytes =
  (max: number): Check =>
  (value, field, problems) => {
    if (typeof value === 'string' && Buffer.byteLength(value) > max) problems.push(problem.tooLong(field, max));
  };

/** A list of at most so many items. */
export const maxItems =
  (max: number): Check =>
  (value, field, problems) => {
    if (Array.isArray(value) && value.length > max) problems.push(problem.tooMany(field, value.length, max));
  };

/** A list, set or text that is not empty. */
export const notEmpty =
  (detail?: string): Check =>
  (value, field, problems) => {
    if (value === '' || (Array.isArray(value) && value.length === 0) || (asMap(value) !== undefined && Object.keys(asMap(value) ?? {}).length === 0))
      problems.push(problem.required(field, detail));
  };

/** Items that are all different, by one of their fields or by themselves. */
export const unique =
  (key?: string): Check =>
  (value, field, problems) => {
    const seen = new Set<unknown>();
    for (const [index, item] of asList(value).entries()) {
      const identity = key === undefined ? item : asMap(item)?.[key];
      if (identity === undefined || identity === '') continue;
      if (seen.has(identity)) problems.push(problem.duplicate(key === undefined ? `${field}[${index}]` : `${field}[${index}].${key}`, identity));
      seen.add(identity);
    }
  };

/** A path from the root of a file system. */
export const absolutePath: Check = (value, field, problems) => {
  if (typeof value === 'string' && value !== '' && !value.startsWith('/')) problems.push(problem.invalid(field, value, 'must be an absolute path'));
};

const hasBackSteps = (path: string): boolean => path.split('/').includes('..');

export const noBackSteps: Check = (value, field, problems) => {
  if (typeof value === 'string' && hasBackSteps(value)) problems.push(problem.invalid(field, value, "must not contain '..'"));
};

/** A path inside a volume, which never leads out of it. */
const descendingPath: Check = (value, field, problems) => {
  if (typeof value === 'string' && value.startsWith('/')) problems.push(problem.invalid(field, value, 'must be a relative path'));
  noBackSteps(value, field, problems);
};

/** A path of a file that a volume makes; names that begin with two dots are the volume's own. */
export const projectedPath: Check = (value, field, problems) => {
  if (value === undefined || value === '') return void problems.push(problem.required(field));
  descendingPath(value, field, problems);
  if (asText(value)?.startsWith('..') === true && !hasBackSteps(asText(value) ?? '')) problems.push(problem.invalid(field, value, "must not start with '..'"));
};

/** Exactly one field of an object besides those named. */
export function givenFields(value: unknown, besides: readonly string[] = []): readonly string[] {
  return Object.entries(asMap(value) ?? {}).flatMap(([name, given]) => (given === undefined || besides.includes(name) ? [] : [name]));
}
