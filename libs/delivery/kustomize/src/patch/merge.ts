import type { ScalarStyle } from '@tiphys/delivery-helm';
import { eachField, expectKind, fieldOf, setField } from '../yaml/fields.ts';
import { isMissing, TAG, textOf, type NodeKind, type RNode } from '../yaml/rnode.ts';
import { takeDirective } from './directive.ts';
import { mergeKeyedList } from './merge-list.ts';
import type { MergeSchema, Schemas } from './merge-schema.ts';

/** Merges nodes; undefined means absent, on both sides. */
export type MergeNodes = (dest: RNode | undefined, patch: RNode | undefined, schema: MergeSchema | undefined) => RNode | undefined;

/**
 * Merges a strategic merge patch into an object as kyaml's merge2 does (v0.21), new items of lists first. Both are changed and the
 * result shares nodes with the patch. Undefined when the patch deletes the object. Throws KustomizeError.
 */
export function mergePatch(dest: RNode, patch: RNode, schemas: Schemas): RNode | undefined {
  const merge: MergeNodes = (one, other, schema) => mergeNodes(one, other, schemaFor(one, other, schema, schemas), merge);
  return merge(dest, patch, undefined);
}

// Below a field no schema knows, an object that names its kind is known again.
function schemaFor(dest: RNode | undefined, patch: RNode | undefined, schema: MergeSchema | undefined, schemas: Schemas): MergeSchema | undefined {
  if (schema !== undefined) return schema;
  for (const node of [dest, patch]) {
    const apiVersion = isMissing(node) ? '' : textOf(fieldOf(node, 'apiVersion'));
    const kind = isMissing(node) ? '' : textOf(fieldOf(node, 'kind'));
    const found = apiVersion === '' || kind === '' ? undefined : schemas.ofKind(apiVersion, kind);
    if (found !== undefined) return found;
  }
  return undefined;
}

function mergeNodes(dest: RNode | undefined, patch: RNode | undefined, schema: MergeSchema | undefined, merge: MergeNodes): RNode | undefined {
  const kind = kindOf(dest) ?? kindOf(patch) ?? 'none';
  switch (kind) {
    case 'map':
      expectKind(dest, 'map');
      expectKind(patch, 'map');
      return mergeMaps(dest, patch, schema, merge);
    case 'none':
      return mergeMaps(dest, patch, schema, merge);
    case 'list':
      expectKind(dest, 'list');
      expectKind(patch, 'list');
      if (schema?.mergeKeys !== undefined) return mergeKeyedList(dest, patch, { keys: schema.mergeKeys, items: schema.items(), merge });
      return patch ?? dest;
    case 'scalar':
      expectKind(dest, 'scalar');
      expectKind(patch, 'scalar');
      return patch ?? dest;
  }
}

function kindOf(node: RNode | undefined): NodeKind | undefined {
  return isMissing(node) ? undefined : node.kind;
}

function mergeMaps(dest: RNode | undefined, patch: RNode | undefined, schema: MergeSchema | undefined, merge: MergeNodes): RNode | undefined {
  const target = chooseMap(dest, patch);
  if (target === undefined) return undefined;
  for (const name of fieldNames(target, patch)) {
    const old = fieldOf(target, name);
    const change = patch === undefined ? undefined : fieldOf(patch, name);
    // A null that was written out stays where the patch is silent; an empty one goes.
    if (change === undefined && old?.tag === TAG.null && old.value !== '') continue;
    const merged = merge(old, change, schema?.field(name));
    setField(target, name, merged, merged === undefined ? 'plain' : keyStyle(name, merged, [target, patch]));
  }
  return target;
}

function keyStyle(name: string, value: RNode, sources: readonly (RNode | undefined)[]): ScalarStyle {
  for (const source of sources) {
    for (let index = 0; index < (source?.content.length ?? 0); index += 2) {
      const key = source?.content[index];
      if (key?.value === name && source?.content[index + 1] === value) return key.style;
    }
  }
  return 'plain';
}

function chooseMap(dest: RNode | undefined, patch: RNode | undefined): RNode | undefined {
  if (isMissing(dest)) return patch?.kind !== 'scalar' && patch?.kind !== 'none' && takeDirective(patch) === 'delete' ? undefined : patch;
  if (patch !== undefined && isMissing(patch)) return undefined;
  const directive = takeDirective(patch);
  if (directive === 'delete') return undefined;
  return directive === 'replace' ? patch : dest;
}

function fieldNames(target: RNode, patch: RNode | undefined): readonly string[] {
  const names = new Set<string>();
  for (const node of patch === undefined || patch === target ? [target] : [target, patch]) {
    if (node.kind === 'map') eachField(node.content, (key) => names.add(key.value));
  }
  return [...names].sort();
}
