import { deepEqual, parseApiVersion, type KubeObject } from '@tiphys/kube-model';
import type { PathElement, SchemaNode } from '@tiphys/kube-patch';
import { differences, type Difference } from './compare-values.ts';
import { DEFAULT_RULES } from './generated/defaults.ts';
import { valueAt, withValueAt } from './place.ts';

/** The defaults of one kind. */
export interface DefaultRules {
  /** `<group>/<kind>`. */
  readonly kind: string;
  /** Paths under which the rules of a Pod hold as well. */
  readonly podTemplates: readonly string[];
  readonly rules: readonly (readonly [string, string | number | boolean])[];
}

const POD = new Map(DEFAULT_RULES.find(({ kind }) => kind === '/Pod')?.rules);
const RULES: ReadonlyMap<string, ReadonlyMap<string, unknown>> = new Map(
  DEFAULT_RULES.map(({ kind, podTemplates, rules }) => [
    kind,
    new Map([...podTemplates.flatMap((prefix) => [...POD].map(([path, value]) => [`${prefix}${path}`, value] as const)), ...rules]),
  ]),
);

/**
 * A predicted object with what the server will fill in again: the default of each place that lives and that the apply lets go
 * of, or leaves out of a value that it replaces as a whole. Defaults that do not live are not invented.
 */
export function withDefaults(predicted: KubeObject, live: KubeObject, node: SchemaNode): KubeObject {
  const rules = RULES.get(`${parseApiVersion(predicted.apiVersion).group}/${predicted.kind}`);
  if (rules === undefined) return predicted;
  const defaultOf = ({ kind, elements }: Difference): unknown => (kind === 'removed' ? rules.get(elements.reduce(appendStep, '')) : undefined);
  const refilled = differences(predicted, live, node).flatMap((difference) => {
    const value = defaultOf(difference);
    // A default is of a field: what it stands in has to be there.
    return value === undefined || valueAt(predicted, difference.elements.slice(0, -1), node) === undefined ? [] : [{ difference, value }];
  });
  // Places of an object with other values are an object.
  return refilled.reduce<unknown>((object, { difference, value }) => {
    const meant = sameMeaning(difference.live, value) ? difference.live : value;
    return withValueAt(object, difference.elements, node, meant);
  }, predicted) as KubeObject;
}

function sameMeaning(live: unknown, value: unknown): boolean {
  return deepEqual(live, value) || String(live) === String(value);
}

function appendStep(path: string, element: PathElement): string {
  if (element.kind !== 'field') return `${path}[]`;
  return path === '' ? element.name : `${path}.${element.name}`;
}
