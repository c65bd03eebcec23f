import { BOOL, type CelType, type CompileOptions } from '@tiphys/kube-cel';
import type { admissionregistrationv1 } from '@tiphys/kube-model';
import { compileExpression } from '../admission/policies/expressions.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { format, maxItems, unique } from './checks.ts';
import { qualifiedName } from './formats.ts';

/** What an expression may name and yield. */
export interface ExpressionContext {
  readonly options: CompileOptions;
  readonly results: readonly CelType[];
}

/** Problems of an expression that must be there. */
export function checkExpression(
  expression: string | undefined,
  field: string,
  { options, results }: ExpressionContext,
  problems: FieldProblem[],
  absent?: string,
): void {
  const text = expression ?? '';
  if (text.trim() === '') return void problems.push(problem.required(field, absent));
  const compiled = compileExpression(text, results, options);
  if (compiled.kind === 'problem') problems.push(problem.invalid(field, text, compiled.problem));
}

/** Problems of the match conditions of a webhook or policy (KEP-3716). */
export function checkMatchConditions(
  conditions: readonly admissionregistrationv1.MatchCondition[],
  at: string,
  options: CompileOptions,
  problems: FieldProblem[],
): void {
  maxItems(64)(conditions, at, problems);
  for (const [index, { name, expression }] of conditions.entries()) {
    checkExpression(expression, `${at}[${index}].expression`, { options, results: [BOOL] }, problems);
    if ((name ?? '') === '') problems.push(problem.required(`${at}[${index}].name`));
    else format(qualifiedName)(name, `${at}[${index}].name`, problems);
  }
  unique('name')(conditions, at, problems);
}
