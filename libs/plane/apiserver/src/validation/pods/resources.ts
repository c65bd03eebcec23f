import { parseQuantity, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, quantity } from '../checks.ts';
import { qualifiedName } from '../formats.ts';

type ResourceList = Readonly<Record<string, string>>;

const STANDARD: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const isHugePages = (name: string): boolean => name.startsWith('hugepages-');

/** A resource of a vendor: a domain that is not Kubernetes' own (apis/core/helper IsExtendedResourceName). */
function isExtendedResource(name: string): boolean {
  return name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.');
}

// Only what is standard may be promised more often than it is there.
const isOvercommitted = (name: string): boolean => STANDARD.has(name) || (name.includes('/') && !isExtendedResource(name));

const nanoOf = (text: string): bigint => parseQuantity(text)?.nano ?? 0n;

/** Problems of what a container asks for and may use. */
export function checkResources(resources: corev1.ResourceRequirements | undefined, field: string, problems: FieldProblem[], claims: ReadonlySet<string>): void {
  if (resources === undefined) return;
  const { limits = {}, requests = {} } = resources;
  for (const [kind, list] of [
    ['limits', limits],
    ['requests', requests],
  ] as const)
    checkList(list, `${field}.${kind}`, problems);
  for (const [name, request] of Object.entries(requests)) checkRequest(name, request, limits[name], field, problems);
  const paged = [...Object.keys(limits), ...Object.keys(requests)];
  if (paged.some(isHugePages) && !paged.some((name) => name === 'cpu' || name === 'memory'))
    problems.push(problem.forbidden(field, 'HugePages require cpu or memory'));
  const seen = new Set<string>();
  for (const [index, claim] of (resources.claims ?? []).entries()) {
    const at = `${field}.claims[${index}]`;
    if ((claim.name ?? '') === '') problems.push(problem.required(`${at}.name`));
    else if (seen.has(claim.name)) problems.push(problem.duplicate(at, claim.name));
    else if (!claims.has(claim.name)) problems.push(problem.notFound(`${at}.name`, claim.name));
    seen.add(claim.name);
  }
}

function checkList(list: ResourceList, field: string, problems: FieldProblem[]): void {
  for (const [name, amount] of Object.entries(list)) {
    const at = `${field}[${name}]`;
    checkContainerResourceName(name, field, problems);
    quantity(amount, at, problems);
    if (isExtendedResource(name) && nanoOf(amount) % 1_000_000_000n !== 0n) problems.push(problem.invalid(at, amount, 'must be an integer'));
  }
}

function checkContainerResourceName(name: string, field: string, problems: FieldProblem[]): void {
  format(qualifiedName, 'refused')(name, field, problems);
  if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name))
    problems.push(problem.invalid(field, name, 'must be a standard resource for containers'));
}

function checkRequest(name: string, request: string, limit: string | undefined, field: string, problems: FieldProblem[]): void {
  const at = `${field}.requests`;
  if (limit === undefined) {
    if (!isOvercommitted(name)) problems.push(problem.required(`${field}.limits`, 'Limit must be set for non overcommitable resources'));
  } else if (!isOvercommitted(name) && nanoOf(request) !== nanoOf(limit))
    problems.push(problem.invalid(at, request, `must be equal to ${name} limit of ${limit}`));
  else if (nanoOf(request) > nanoOf(limit)) problems.push(problem.invalid(at, request, `must be less than or equal to ${name} limit of ${limit}`));
}
