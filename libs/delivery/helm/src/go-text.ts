import { fromJson, goMap, type GoValue } from './go/value.ts';
import { helmFunctions } from './functions/table.ts';
import { asInt, asString, define, type FunctionGroup } from './functions/define.ts';
import { Budget, type BudgetLimits } from './template/budget.ts';
import { GoError } from './template/errors.ts';
import type { FunctionTable } from './template/function-table.ts';
import { createTemplateSet } from './template/template-set.ts';
import { helmYaml } from './yaml/hooks.ts';

/** How a text with Go templates is rendered. */
export interface GoTextOptions {
  /** What a missing key of a map gives (text/template Option `missingkey`). */
  readonly missingKey?: 'zero' | 'error' | 'default';
  readonly limits?: BudgetLimits;
  /** The time `now` gives, in milliseconds since the epoch. */
  readonly nowMs?: () => number;
}

// What belongs to charts, or reaches out of the process, is not offered.
const CHARTS_ONLY = ['include', 'tpl', 'required', 'lookup', 'getHostByName', 'env', 'expandenv'];

const OWN: FunctionGroup = {
  normalize: define('string', ([text]) => normalizeName(asString(text))),
  slugify: define('...any', (args) => slugify(args)),
};

const functions: FunctionTable = new Map([...[...helmFunctions].filter(([name]) => !CHARTS_ONLY.includes(name)), ...Object.entries(OWN)]);

/**
 * Renders a text with Go templates and the functions of an ApplicationSet: Sprig without what reaches outside, `normalize`, `slugify`, YAML in and out.
 * Throws TemplateParseError, TemplateExecError and BudgetError.
 */
export function renderGoText(text: string, data: unknown, options: GoTextOptions = {}): string {
  if (!text.includes('{{')) return text;
  const environment = { yaml: helmYaml, nowMs: options.nowMs ?? Date.now, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
  const budget = new Budget(options.limits);
  const set = createTemplateSet({ functions, environment, budget, missingKey: options.missingKey ?? 'default' });
  set.parse('', text);
  return set.execute('', dataOf(data));
}

function dataOf(data: unknown): GoValue {
  return fromJson(data) ?? goMap();
}

/** A text as a DNS subdomain: lower case, other characters as dashes, at most 253 (argo-cd applicationset/utils SanitizeName). */
export function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^-a-z0-9.]/g, '-')
    .slice(0, 253)
    .replaceAll(/^[-._]+|[-._]+$/g, '');
}

// slugify([maxSize, [smartTruncate,]] text), as argo-cd's SlugifyName.
function slugify(args: readonly GoValue[]): GoValue {
  const [first, second] = args;
  const text = args.at(-1);
  if (typeof text !== 'string' || args.length > 3) throw new GoError('slugify wants a text, behind a size and whether to cut at words');
  const maxSize = args.length > 1 ? asInt(first) : 50;
  const cutsAtWords = args.length > 2 && second === true;
  const slug = text
    .normalize('NFD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (slug.length <= maxSize) return slug;
  const cut = slug.slice(0, maxSize);
  const lastDash = cut.lastIndexOf('-');
  return (cutsAtWords && slug[maxSize] !== '-' && lastDash > 0 ? cut.slice(0, lastDash) : cut).replaceAll(/-+$/g, '');
}
