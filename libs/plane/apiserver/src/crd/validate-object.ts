import { CEL_LIMITS } from '@tiphys/kube-cel';
import type { Scope } from '../core.ts';
import { asMap, type Draft, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { Correlation } from './correlation.ts';
import type { CustomVersion } from './custom-version.ts';
import { validateEmbedded } from './embedded.ts';
import { runRules, type RuleNode, type RuleRun } from './rules.ts';
import { validateAt, validateCustom, validateListTypes } from './validate-custom.ts';

/** Everything that is wrong with a custom object beyond its metadata (apiextensions registry/customresource strategy.go). */
export function validateCustomObject(
  scope: Scope,
  custom: CustomVersion,
  objects: { readonly draft: Draft; readonly live: Draft | undefined },
  warn: (text: string) => void,
): readonly FieldProblem[] {
  // Drafts are JSON objects.
  const draft = objects.draft as unknown as JsonMap;
  const live = objects.live as unknown as JsonMap | undefined;
  const correlation = live === undefined ? undefined : new Correlation(draft, live, custom.schema);
  const problems = [...schemaProblems(scope, custom, draft, correlation), ...scaleProblems(custom, draft)];
  if (scope.subresource !== 'status') {
    problems.push(...validateEmbedded(draft, custom.schema));
  }
  // Lists that were not sets before need not become such.
  if (live === undefined || validateListTypes(live, custom.schema).length === 0) problems.push(...validateListTypes(draft, custom.schema));
  if (custom.rules === undefined) return problems;
  return [...problems, ...ruleProblems(custom.rules, { draft, live, correlation, problems }, warn)];
}

function schemaProblems(scope: Scope, custom: CustomVersion, draft: JsonMap, correlation: Correlation | undefined): readonly FieldProblem[] {
  if (scope.subresource !== 'status') return validateCustom(draft, custom.schema, correlation);
  const status = custom.schema.properties.get('status');
  return status === undefined || draft['status'] === undefined ? [] : validateAt('status', draft['status'], status, correlation?.field('status'));
}

// What keeps rules from running: they rely on values having their types and sizes.
const BLOCKING: ReadonlySet<string> = new Set(['FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid']);

const NOT_CHECKED: FieldProblem = problem.invalid(
  '<nil>',
  'null',
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);

interface RuleInput {
  readonly draft: JsonMap;
  readonly live: JsonMap | undefined;
  readonly correlation: Correlation | undefined;
  readonly problems: readonly FieldProblem[];
}

function ruleProblems(rules: RuleNode, { draft, live, correlation, problems }: RuleInput, warn: (text: string) => void): readonly FieldProblem[] {
  if (problems.some(({ reason }) => BLOCKING.has(reason))) return [NOT_CHECKED];
  const run: RuleRun = { budget: CEL_LIMITS.perRequest, problems: [], warn };
  runRules(rules, { path: '', value: draft, old: live, correlation, parent: undefined }, run);
  return run.problems;
}

const MAX_REPLICAS = 2 ** 31 - 1;

function scaleProblems({ scale }: CustomVersion, draft: JsonMap): readonly FieldProblem[] {
  if (scale === undefined) return [];
  return [scale.specReplicasPath, scale.statusReplicasPath].flatMap((path) => {
    const replicas = valueAt(draft, path);
    if (typeof replicas !== 'number') return [];
    if (replicas < 0) return [problem.invalid(path, replicas, 'should be a non-negative integer')];
    return replicas > MAX_REPLICAS ? [problem.invalid(path, replicas, `should be less than or equal to ${MAX_REPLICAS}`)] : [];
  });
}

function valueAt(draft: JsonMap, path: string): unknown {
  return path
    .split('.')
    .filter((step) => step !== '')
    .reduce<unknown>((at, step) => asMap(at)?.[step], draft);
}
