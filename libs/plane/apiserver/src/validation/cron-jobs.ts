import type { batchv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { between, nonNegative, oneOf } from './checks.ts';
import { checkJobSpec } from './jobs.ts';
import { kindRules, type KindRules } from './kind-rules.ts';

export const cronJob: KindRules = kindRules<batchv1.CronJob>({
  rows: [
    ['spec.concurrencyPolicy', oneOf('Allow', 'Forbid', 'Replace')],
    ['spec.startingDeadlineSeconds', nonNegative],
    ['spec.successfulJobsHistoryLimit', nonNegative],
    ['spec.failedJobsHistoryLimit', nonNegative],
  ],
  check: ({ spec }, problems) => {
    if (spec === undefined) return void problems.push(problem.required('spec'));
    checkSchedule(spec, problems);
    const template = spec.jobTemplate?.spec;
    if (template === undefined) return void problems.push(problem.required('spec.jobTemplate.spec.template'));
    if (template.selector !== undefined)
      problems.push(problem.invalid('spec.jobTemplate.spec.selector', template.selector, '`selector` will be auto-generated'));
    if (template.manualSelector === true) problems.push(problem.notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']));
    checkJobSpec(template, 'spec.jobTemplate.spec', problems);
  },
  create: ({ metadata }, problems) => {
    if ((metadata.name ?? '').length > 52) problems.push(problem.invalid('metadata.name', metadata.name, 'must be no more than 52 characters'));
  },
});

const MACRO = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$|^@every \S+$/;
const FIELD_RANGES = [between(0, 59), between(0, 23), between(1, 31), between(1, 12), between(0, 7)];
const NAMES = /^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)$/i;

function checkSchedule({ schedule: given, timeZone }: batchv1.CronJobSpec, problems: FieldProblem[]): void {
  // Absent in a body that leaves it out, whatever the type says.
  const schedule: string = given ?? '';
  const field = 'spec.schedule';
  if (schedule === '') return void problems.push(problem.required(field));
  if (/(CRON_)?TZ=/.test(schedule)) problems.push(problem.invalid(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else {
    const detail = scheduleProblem(schedule.trim());
    if (detail !== undefined) problems.push(problem.invalid(field, schedule, detail));
  }
  if (timeZone === undefined) return;
  if (timeZone === '') problems.push(problem.invalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string'));
  else if (timeZone.toLowerCase() === 'local')
    problems.push(problem.invalid('spec.timeZone', timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'));
  else if (!isTimeZone(timeZone)) problems.push(problem.invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`));
}

function scheduleProblem(schedule: string): string | undefined {
  if (MACRO.test(schedule)) return undefined;
  if (schedule.startsWith('@')) return `unrecognized descriptor: ${schedule}`;
  const fields = schedule.split(/\s+/);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  const bad = fields.find((text, index) => !text.split(',').every((part) => isFieldPart(part, index)));
  return bad === undefined ? undefined : `failed to parse ${bad}`;
}

function isFieldPart(part: string, index: number): boolean {
  const [range = '', step, ...rest] = part.split('/');
  if (rest.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false;
  if (range === '*' || range === '?') return true;
  const bounds = range.split('-');
  return bounds.length <= 2 && bounds.every((text) => (NAMES.test(text) && index >= 3) || (/^\d+$/.test(text) && inRange(Number(text), index)));
}

function inRange(value: number, index: number): boolean {
  const found: FieldProblem[] = [];
  FIELD_RANGES[index]?.(value, '', found);
  return found.length === 0;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    // Not a zone of the tz database.
    return false;
  }
}
