import type { KnownTypeField } from '@tiphys/delivery-applications';
import { schemaNodeOfType, UNTYPED, type SchemaNode } from '@tiphys/kube-patch';

type Tree = ReadonlyMap<string, { readonly type?: string; readonly below: Tree }>;

/**
 * A schema in which some fields are of types of Kubernetes (setting `knownTypeFields`), so that their values are compared by
 * meaning and their lists by keys. A field leads through lists without naming their items.
 */
export function withKnownTypes(node: SchemaNode | undefined, fields: readonly Pick<KnownTypeField, 'field' | 'type'>[]): SchemaNode | undefined {
  return fields.length === 0 ? node : overlay(node ?? UNTYPED, treeOf(fields));
}

function treeOf(fields: readonly Pick<KnownTypeField, 'field' | 'type'>[]): Tree {
  const names = new Map<string, Pick<KnownTypeField, 'field' | 'type'>[]>();
  for (const { field, type } of fields) {
    const [name = '', ...rest] = field.split('.').filter((step) => step !== '');
    const own = name.replace(/\[[^\]]*\]$/, '');
    names.set(own, [...(names.get(own) ?? []), { field: rest.join('.'), type }]);
  }
  return new Map(
    [...names].map(([name, list]) => {
      const own = list.find(({ field }) => field === '')?.type;
      return [name, { ...(own === undefined ? {} : { type: own }), below: treeOf(list.filter(({ field }) => field !== '')) }];
    }),
  );
}

function overlay(node: SchemaNode, tree: Tree): SchemaNode {
  return {
    ...node,
    hasField: (name) => node.hasField(name) || tree.has(name),
    child: (name) => {
      const entry = tree.get(name);
      if (entry === undefined) return node.child(name);
      const typed = entry.type === undefined ? undefined : typedNode(entry.type);
      return typed ?? overlay(node.child(name), entry.below);
    },
    items: () => overlay(node.items(), tree),
  };
}

const SCALAR = { hasField: () => false, child: () => UNTYPED, items: () => UNTYPED, keyDefault: () => undefined, form: 'scalar', atomic: true } as const;
const QUANTITY: SchemaNode = { ...SCALAR, scalar: 'quantity' };
const NAMED: Readonly<Record<string, SchemaNode>> = {
  'core/Quantity': QUANTITY,
  'core/v1/ResourceList': { ...SCALAR, form: 'map', atomic: false, child: () => QUANTITY },
  'meta/v1/Duration': { ...SCALAR, isSame: sameDuration },
};

// `core/v1/PodSpec` is io.k8s.api.core.v1.PodSpec.
function typedNode(type: string): SchemaNode | undefined {
  return Object.hasOwn(NAMED, type) ? NAMED[type] : schemaNodeOfType(`io.k8s.api.${type.replaceAll('/', '.')}`);
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

// Go writes 90m as 1h30m0s.
function sameDuration(a: unknown, b: unknown): boolean {
  const left = durationMs(a);
  return left !== undefined && left === durationMs(b);
}

function durationMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(value)) return undefined;
  return [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
}
