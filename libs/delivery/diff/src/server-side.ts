import type { KubeObject } from '@tiphys/kube-model';
import {
  EMPTY_SET,
  encodeElement,
  parseManagedFields,
  UNTYPED,
  withoutManagedFields,
  type FieldSet,
  type PathElement,
  type SchemaNode,
} from '@tiphys/kube-patch';
import { differences, type Difference } from './compare-values.ts';
import { withValueAt } from './place.ts';

/** A server's answer to applying an object without doing it. */
export interface DryRun {
  readonly object: KubeObject;
  /** Keeps what admission webhooks changed beyond what was applied. */
  readonly includeMutationWebhook: boolean;
}

/**
 * The state that a dry run predicts. Unless webhooks are included, what differs from live without our manager owning it is
 * theirs and goes back to what lives: they will do it again, and it is nobody's drift (argo-cd docs, "Server-Side Diff").
 */
export function predictByServer(dryRun: DryRun, live: KubeObject, manager: string, schema: SchemaNode | undefined): KubeObject {
  const predicted = withoutManagedFields(dryRun.object);
  if (dryRun.includeMutationWebhook) return predicted;
  const node = schema ?? UNTYPED;
  const before = appliedFields(live, manager);
  const after = appliedFields(dryRun.object, manager);
  const isOurs = ({ kind, elements }: Difference): boolean => owns(kind === 'removed' ? before : after, elements);
  const theirs = differences(predicted, withoutManagedFields(live), node).filter((difference) => !isOurs(difference));
  // Places of an object with other values are an object.
  return theirs.reduce<unknown>((object, { elements, live: value }) => withValueAt(object, elements, node, value), predicted) as KubeObject;
}

function appliedFields(object: KubeObject, manager: string): FieldSet {
  return parseManagedFields(object).find((entry) => entry.manager === manager && entry.operation === 'Apply' && entry.subresource === '')?.fields ?? EMPTY_SET;
}

/** Whether a set has a place, something below it, or an atomic value that it lies in. */
function owns(set: FieldSet, elements: readonly PathElement[]): boolean {
  let at = set;
  for (const [depth, element] of elements.entries()) {
    const step = encodeElement(element);
    const child = at.children.get(step);
    if (depth === elements.length - 1) return child !== undefined || at.members.has(step);
    if (child === undefined) return at.members.has(step);
    at = child;
  }
  return false;
}
