import { CEL_LIMITS } from '@tiphys/kube-cel';
import { deepEqual } from '@tiphys/kube-model';
import { asMap, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { validateEmbedded } from './embedded.ts';
import { compileRuleTree, runRules, type RuleRun } from './rules.ts';
import { parseStructuralSchema, pruneCustom } from './structural-schema.ts';
import { validateAt } from './validate-custom.ts';

/** What is wrong with the defaults of a structural schema: each must be pruned and valid by its own schema (apiextensions schema/defaulting/validation.go). */
export function validateDefaults(path: string, schema: JsonMap): readonly FieldProblem[] {
  const run: RuleRun = { budget: CEL_LIMITS.perRequest, problems: [], warn: () => undefined };
  return visit(path, schema, run);
}

function visit(path: string, schema: JsonMap, run: RuleRun): readonly FieldProblem[] {
  const items = asMap(schema['items']);
  return [
    ...(schema['default'] === undefined ? [] : defaultProblems(`${path}.default`, schema, run)),
    ...(items === undefined ? [] : visit(`${path}.items`, items, run)),
    ...Object.entries(asMap(schema['properties']) ?? {}).flatMap(([name, child]) => visit(`${path}.properties[${name}]`, asMap(child) ?? {}, run)),
  ];
}

function defaultProblems(path: string, schema: JsonMap, run: RuleRun): readonly FieldProblem[] {
  const value = schema['default'];
  const structural = parseStructuralSchema(schema);
  const pruned = structuredClone(value);
  const unknown: string[] = [];
  const holder: JsonMap = { value: pruned };
  pruneCustom(holder, parseStructuralSchema({ properties: { value: schema } }), unknown);
  const notPruned = deepEqual(holder['value'], value) ? [] : [problem.invalid(path, value, 'must not have unknown fields')];
  const map = asMap(value);
  const embedded = map === undefined ? [] : validateEmbedded(map, structural).map((found) => ({ ...found, field: `${path}${found.field}` }));
  const problems = [...notPruned, ...(embedded.length > 0 ? embedded : validateAt(path, value, structural))];
  if (problems.length > notPruned.length) return problems;
  return [...problems, ...ruleProblems(path, schema, run)];
}

// A default is what an object may come to have: as it stands, and unchanged.
function ruleProblems(path: string, schema: JsonMap, run: RuleRun): readonly FieldProblem[] {
  const rules = compileRuleTree(schema, schema['x-kubernetes-embedded-resource'] === true);
  if (rules === undefined) return [];
  const value = schema['default'];
  for (const old of [value, undefined]) {
    const own: RuleRun = { ...run, problems: [] };
    runRules(rules, { path, value, old, correlation: undefined, parent: undefined }, own);
    run.budget = own.budget;
    if (own.problems.length > 0) return own.problems;
  }
  return [];
}
