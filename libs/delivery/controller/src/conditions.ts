import type { ApplicationCondition, ApplicationSource } from '@tiphys/delivery-applications';
import type { RepositoryPoller } from '@tiphys/delivery-git';
import type { Evidence } from './gather.ts';
import { isFixedRevision } from './revisions.ts';

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

/** Sources whose repository cannot be looked at now: what it held when it was seen last goes on being deployed. */
export function staleSourcesOf(sources: readonly ApplicationSource[], poller: Pick<RepositoryPoller, 'state'>): readonly NewCondition[] {
  const errors = sources.filter((source) => !isFixedRevision(source, source.targetRevision ?? '')).flatMap(({ repoURL }) => poller.state(repoURL)?.error ?? []);
  return [...new Set(errors)].map((error) => ({ type: 'StaleSourceWarning', message: `what was seen last stays deployed: ${error}` }));
}
