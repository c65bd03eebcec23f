import type { flowcontrolv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { between, nonNegative, oneOf, positive } from './checks.ts';
import { kindRules, type KindRules } from './kind-rules.ts';

export const flowSchema: KindRules = kindRules<flowcontrolv1.FlowSchema>({
  rows: [
    ['spec.matchingPrecedence', between(1, 10_000)],
    ['spec.priorityLevelConfiguration.name', undefined, { required: 'must reference a priority level' }],
    ['spec.distinguisherMethod.type', oneOf('ByNamespace', 'ByUser'), 'required'],
    ['spec.rules[].subjects[].kind', oneOf('Group', 'ServiceAccount', 'User'), 'required'],
    ['spec.rules[].subjects', undefined, 'required'],
  ],
  check: ({ metadata, spec }, problems) => {
    if (spec?.matchingPrecedence === 1 && metadata.name !== 'exempt')
      problems.push(problem.invalid('spec.matchingPrecedence', 1, "only the schema named 'exempt' may have matchingPrecedence 1"));
    if (spec?.priorityLevelConfiguration === undefined)
      problems.push(problem.required('spec.priorityLevelConfiguration.name', 'must reference a priority level'));
    for (const [index, { resourceRules = [], nonResourceRules = [] }] of (spec?.rules ?? []).entries())
      if (resourceRules.length + nonResourceRules.length === 0)
        problems.push(problem.required(`spec.rules[${index}]`, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  },
});

export const priorityLevelConfiguration: KindRules = kindRules<flowcontrolv1.PriorityLevelConfiguration>({
  rows: [
    ['spec.type', oneOf('Exempt', 'Limited'), 'required'],
    ['spec.exempt.nominalConcurrencyShares', nonNegative],
    ['spec.exempt.lendablePercent', between(0, 100)],
    ['spec.limited.nominalConcurrencyShares', nonNegative],
    ['spec.limited.lendablePercent', between(0, 100)],
    ['spec.limited.borrowingLimitPercent', nonNegative],
    ['spec.limited.limitResponse.type', oneOf('Queue', 'Reject'), 'required'],
    ['spec.limited.limitResponse.queuing.queues', between(1, 10_000_000)],
    ['spec.limited.limitResponse.queuing.queueLengthLimit', positive],
  ],
  check: ({ spec }, problems) => {
    if (spec?.type === 'Exempt' && spec.limited !== undefined) problems.push(problem.forbidden('spec.limited', 'must be nil if the type is not Limited'));
    if (spec?.type === 'Limited' && spec.exempt !== undefined) problems.push(problem.forbidden('spec.exempt', 'must be nil if the type is Limited'));
    if (spec?.type === 'Limited' && spec.limited === undefined) problems.push(problem.required('spec.limited', 'must not be empty when type is Limited'));
    const { type, queuing } = spec?.limited?.limitResponse ?? {};
    if (type === 'Reject' && queuing !== undefined)
      problems.push(problem.forbidden('spec.limited.limitResponse.queuing', 'must be nil if limited.limitResponse.type is not Limited'));
    if (type === 'Queue' && queuing === undefined)
      problems.push(problem.required('spec.limited.limitResponse.queuing', 'must not be empty if limited.limitResponse.type is Limited'));
    if (queuing !== undefined) checkQueuing(queuing, problems);
  },
});

const MAX_ENTROPY_BITS = 60;

function checkQueuing({ handSize = 8, queues = 64 }: flowcontrolv1.QueuingConfiguration, problems: FieldProblem[]): void {
  const field = 'spec.limited.limitResponse.queuing.handSize';
  if (handSize <= 0) problems.push(problem.invalid(field, handSize, 'must be positive'));
  if (handSize > queues) problems.push(problem.invalid(field, handSize, `should not be greater than queues (${queues})`));
  let bits = 0;
  for (let card = 0; card < handSize && card < queues; card += 1) bits += Math.log2(queues - card);
  if (Math.ceil(bits) > MAX_ENTROPY_BITS)
    problems.push(
      problem.invalid(field, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_ENTROPY_BITS}`),
    );
}
