import { asMap, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import type { Check } from './checks.ts';

/**
 * One rule of a table: the path (`[]` stands for every item of a list, `[*]` for every value of a map), what holds for the value
 * there, and whether it must be there. A rule is about objects that have the path's parents.
 */
export type Row = readonly [path: string, check: Check | undefined, presence?: 'required' | { readonly required: string } | undefined];

interface CompiledRow {
  readonly steps: readonly string[];
  readonly check: Check | undefined;
  readonly required: boolean;
  readonly detail: string | undefined;
}

/** Makes a checker of a table. `base` of its calls is the path of the object itself. */
export function table(rows: readonly Row[]): (object: unknown, base: string, problems: FieldProblem[]) => void {
  const compiled = rows.map(([path, check, presence]): CompiledRow => ({
    steps: path.replaceAll(/\[(\*?)\]/g, '.[$1]').split('.'),
    check,
    required: presence !== undefined,
    detail: typeof presence === 'object' ? presence.required : undefined,
  }));
  return (object, base, problems) => {
    for (const row of compiled) visit(object, base, row, 0, problems);
  };
}

function visit(at: unknown, field: string, row: CompiledRow, index: number, problems: FieldProblem[]): void {
  const step = row.steps[index];
  if (step === undefined) return judge(at, field, row, problems);
  if (step === '[]') {
    if (Array.isArray(at)) for (const [item, value] of at.entries()) visit(value, `${field}[${item}]`, row, index + 1, problems);
    return;
  }
  const map: JsonMap | undefined = asMap(at);
  if (map === undefined) return;
  if (step === '[*]') {
    for (const [key, value] of Object.entries(map)) visit(value, `${field}[${key}]`, row, index + 1, problems);
    return;
  }
  const next = Object.hasOwn(map, step) ? map[step] : undefined;
  if (next === undefined && index < row.steps.length - 1) return;
  visit(next, field === '' ? step : `${field}.${step}`, row, index + 1, problems);
}

function judge(value: unknown, field: string, { check, required, detail }: CompiledRow, problems: FieldProblem[]): void {
  if (value === undefined || (required && value === '')) {
    if (required) problems.push(problem.required(field, detail));
    return;
  }
  check?.(value, field, problems);
}
