import { fieldAt, type flowcontrolv1 } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';

const NONE = '<none>';
type FlowCell = (draft: Draft) => unknown;

function schemaCell(read: (schema: flowcontrolv1.FlowSchema) => unknown): FlowCell {
  return (draft) => read(draftAs<flowcontrolv1.FlowSchema>(draft) as flowcontrolv1.FlowSchema); // Read only.
}

function limited(...path: readonly string[]): FlowCell {
  return (draft) => fieldAt(draft, 'spec', 'limited', ...path) ?? NONE;
}

/** Cells of flow control, by kind and column. */
export const FLOW_CELLS: Readonly<Record<'FlowSchema' | 'PriorityLevelConfiguration', Readonly<Record<string, FlowCell>>>> = {
  FlowSchema: {
    PriorityLevel: schemaCell(({ spec }) => spec?.priorityLevelConfiguration.name ?? NONE),
    DistinguisherMethod: schemaCell(({ spec }) => spec?.distinguisherMethod?.type ?? NONE),
    // Whether the priority level is missing; a question mark until that is known.
    MissingPL: schemaCell(({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?'),
  },
  PriorityLevelConfiguration: {
    NominalConcurrencyShares: limited('nominalConcurrencyShares'),
    Queues: limited('limitResponse', 'queuing', 'queues'),
    HandSize: limited('limitResponse', 'queuing', 'handSize'),
    QueueLengthLimit: limited('limitResponse', 'queuing', 'queueLengthLimit'),
  },
};
