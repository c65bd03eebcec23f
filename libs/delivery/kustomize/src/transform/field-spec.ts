import { fail, within } from '../kustomize-error.ts';
import type { FieldSpec } from '../load/fields.ts';
import { parseGroupVersion } from '../resource/gvk.ts';
import { formatId } from '../resource/res-id.ts';
import type { Resource } from '../resource/resource.ts';
import { lookUp, setField, setScalar } from '../yaml/fields.ts';
import { splitPath } from '../yaml/paths.ts';
import { RNode, TAG, type NodeKind } from '../yaml/rnode.ts';

/** Changes a node that was found. */
export type SetNode = (node: RNode) => void;

/** What a missing last part of a path is made as. */
export interface Created {
  readonly kind: NodeKind;
  readonly tag: string;
}

interface Walk {
  readonly set: SetNode;
  readonly creates: boolean;
  readonly created: Created | undefined;
}

/** Calls `set` for every node a field spec finds in an object (kustomize v5.8.1 api/filters/fieldspec). Throws KustomizeError. */
export function applyFieldSpec(resource: Resource, spec: FieldSpec, set: SetNode, created?: Created): void {
  if (!isMatch(spec, resource)) return;
  within(
    () => `considering field '${spec.path}' of object ${formatId(resource.id)}`,
    () => walk(resource.node, splitPath(spec.path, '/'), { set, creates: spec.create, created }),
  );
}

function isMatch(spec: FieldSpec, resource: Resource): boolean {
  if (spec.kind !== '' && spec.kind !== resource.kind) return false;
  const { group, version } = parseGroupVersion(resource.apiVersion);
  return (spec.group === '' || spec.group === group) && (spec.version === '' || spec.version === version);
}

function walk(node: RNode, path: readonly string[], options: Walk): void {
  if (path.length === 0) options.set(node);
  else if (node.tag === TAG.null) return;
  else if (node.kind === 'list') within(`visit traversal on path: [${path.join(' ')}]`, () => node.content.forEach((item) => walk(item, path, options)));
  else if (node.kind === 'map') walkMap(node, path, options);
  else fail('expected sequence or mapping node');
}

function walkMap(node: RNode, [part = '', ...rest]: readonly string[], options: Walk): void {
  const isList = part.endsWith('[]');
  const name = isList ? part.slice(0, -2) : part;
  if (name === '') fail('cannot set or create an empty field name');
  const made =
    options.creates && options.created !== undefined && !isList ? (rest.length === 0 ? options.created : { kind: 'map' as const, tag: TAG.map }) : undefined;
  const field = within(`fieldName: ${name}`, () => lookUp(node, [name], made?.kind));
  if (field === undefined) return;
  const kind = made?.kind ?? (isList ? 'list' : undefined);
  if (field.tag === TAG.null && kind !== undefined) {
    field.kind = kind;
    field.tag = made?.tag ?? '';
  }
  walk(field, rest, options);
}

/** Sets entries of the map that is found; one node serves all places of one object, as in Kustomize. */
export function setEntry(name: string, value: string): SetNode {
  const entry = new RNode('scalar', TAG.string, value);
  return (node) => setField(node, name, entry);
}

/** Overwrites the scalar that is found. */
export function setText(value: string, tag: string): SetNode {
  return (node) => setScalar(node, new RNode('scalar', tag, value));
}
