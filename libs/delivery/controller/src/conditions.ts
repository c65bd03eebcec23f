import type { ApplicationCondition } from '@tiphys/delivery-applications';
import type { Evidence } from './gather.ts';

/** A condition before it is dated. */
export type NewCondition = Omit<ApplicationCondition, 'lastTransitionTime'>;

/** What is remarkable about an application that could be compared. */
export function warningsOf(evidence: Evidence, shared: ReadonlyMap<string, string>): readonly NewCondition[] {
  const { nonDeterministic, desired, excluded, orphans, ruleWarnings } = evidence;
  const message = `the chart uses ${nonDeterministic.join(', ')}, which differ in every render`;
  return [
    ...(nonDeterministic.length === 0 ? [] : [{ type: 'NonDeterministicRenderWarning' as const, message }]),
    ...desired.warnings.map((text) => ({ type: 'RepeatedResourceWarning' as const, message: text })),
    ...excluded.map((text) => ({ type: 'ExcludedResourceWarning' as const, message: text })),
    ...[...shared.values()].map((text) => ({ type: 'SharedResourceWarning' as const, message: text })),
    ...ruleWarnings.map((text) => ({ type: 'ResourceRuleWarning' as const, message: text })),
    ...(orphans === 0 ? [] : [{ type: 'OrphanedResourceWarning' as const, message: `application has ${orphans} orphaned resources` }]),
  ];
}
