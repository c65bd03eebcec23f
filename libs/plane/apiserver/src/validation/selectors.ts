import { isDnsSubdomain, type corev1, type metav1 } from '@tiphys/kube-model';
import { asList, asMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { format, type Check } from './checks.ts';
import { labelValue, qualifiedName } from './formats.ts';

/** Labels: keys and values of their formats. */
export const labels: Check = (value, field, problems) => {
  for (const [key, text] of Object.entries(asMap(value) ?? {})) {
    format(qualifiedName, 'refused')(key, field, problems);
    format(labelValue)(text, field, problems);
  }
};

/** A LabelSelector (apimachinery meta/v1/validation). */
export const labelSelector: Check = (value, field, problems) => {
  const selector = asMap(value) as metav1.LabelSelector | undefined; // Coerced to the schema.
  if (selector === undefined) return;
  labels(selector.matchLabels, `${field}.matchLabels`, problems);
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    const given = (requirement.values ?? []).length;
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (given === 0) problems.push(problem.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (given > 0) problems.push(problem.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        break;
      default:
        problems.push(problem.invalid(`${at}.operator`, requirement.operator, 'not a valid selector operator'));
    }
    format(qualifiedName, 'refused')(requirement.key, `${at}.key`, problems);
    for (const [item, text] of (requirement.values ?? []).entries()) format(labelValue)(text, `${at}.values[${item}]`, problems);
  }
};

/** Terms of a node selector. */
export function checkNodeTerm(term: corev1.NodeSelectorTerm, at: string, problems: FieldProblem[]): void {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) checkNodeRequirement(requirement, `${at}.matchExpressions[${index}]`, problems);
  for (const [index, requirement] of (term.matchFields ?? []).entries()) checkFieldRequirement(requirement, `${at}.matchFields[${index}]`, problems);
}

/** A node selector with its terms. */
export const nodeSelector: Check = (value, field, problems) => {
  const selector = asMap(value) as corev1.NodeSelector | undefined; // Coerced to the schema.
  if (selector === undefined) return;
  if (asList(selector.nodeSelectorTerms).length === 0)
    problems.push(problem.required(`${field}.nodeSelectorTerms`, 'must have at least one node selector term'));
  for (const [index, term] of (selector.nodeSelectorTerms ?? []).entries()) checkNodeTerm(term, `${field}.nodeSelectorTerms[${index}]`, problems);
};

function checkNodeRequirement(requirement: corev1.NodeSelectorRequirement, at: string, problems: FieldProblem[]): void {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) problems.push(problem.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) problems.push(problem.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) problems.push(problem.required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      problems.push(problem.invalid(`${at}.operator`, requirement.operator, 'not a valid selector operator'));
  }
  format(qualifiedName, 'refused')(requirement.key, `${at}.key`, problems);
}

function checkFieldRequirement(requirement: corev1.NodeSelectorRequirement, at: string, problems: FieldProblem[]): void {
  const values = requirement.values ?? [];
  if (requirement.operator !== 'In' && requirement.operator !== 'NotIn')
    problems.push(problem.invalid(`${at}.operator`, requirement.operator, 'not a valid selector operator'));
  else if (values.length !== 1)
    problems.push(problem.required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (requirement.key !== 'metadata.name') problems.push(problem.invalid(`${at}.key`, requirement.key, 'not a valid field selector key'));
  else if (values[0] !== undefined && !isDnsSubdomain(values[0])) problems.push(problem.invalid(`${at}.values[0]`, values[0], 'must be the name of a node'));
}
