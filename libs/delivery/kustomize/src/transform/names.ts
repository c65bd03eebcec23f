import type { FieldSpec } from '../load/fields.ts';
import { isSelected, type Gvk } from '../resource/gvk.ts';
import type { ResMap } from '../resource/res-map.ts';
import { setScalar } from '../yaml/fields.ts';
import { scalarNode, TAG } from '../yaml/rnode.ts';
import { applyFieldSpec } from './field-spec.ts';

// The names of these are what they are for.
const FIXED: readonly Gvk[] = [
  { group: '', version: '', kind: 'CustomResourceDefinition' },
  { group: 'apiregistration.k8s.io', version: '', kind: 'APIService' },
  { group: '', version: '', kind: 'Namespace' },
];
const STRING = { kind: 'scalar', tag: TAG.string } as const;

/** Puts text before or behind names (kustomize v5.8.1 PrefixTransformer, SuffixTransformer). */
export function addToNames(map: ResMap, side: 'prefix' | 'suffix', text: string, specs: readonly FieldSpec[]): void {
  for (const resource of map.resources) {
    const id = resource.originalId;
    if (FIXED.some((gvk) => isSelected(id, gvk))) continue;
    for (const spec of specs) {
      if (!isSelected(id, spec)) continue;
      if (spec.path === 'metadata/name') {
        if (side === 'prefix') resource.addNamePrefix(text);
        else resource.addNameSuffix(text);
        if (text !== '') resource.storePreviousId();
      }
      applyFieldSpec(resource, spec, (node) => setScalar(node, scalarNode(side === 'prefix' ? text + node.value : node.value + text)), STRING);
    }
  }
}
