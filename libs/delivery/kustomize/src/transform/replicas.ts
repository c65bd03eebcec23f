import { fail } from '../kustomize-error.ts';
import type { FieldSpec, Replica } from '../load/fields.ts';
import { formatGvk, isSelected } from '../resource/gvk.ts';
import type { ResMap } from '../resource/res-map.ts';
import { TAG } from '../yaml/rnode.ts';
import { applyFieldSpec, setText } from './field-spec.ts';

const INT = { kind: 'scalar', tag: TAG.int } as const;

/** Sets how many replicas the objects of a name have (kustomize v5.8.1 ReplicaCountTransformer). Throws where there are none. */
export function setReplicas(map: ResMap, { name, count }: Replica, specs: readonly FieldSpec[]): void {
  let isFound = false;
  for (const spec of specs) {
    for (const resource of map.byAnyId(name, (id) => isSelected(id, spec))) {
      isFound = true;
      applyFieldSpec(resource, spec, setText(String(count), TAG.int), INT);
    }
  }
  if (!isFound) fail(`resource with name ${name} does not match a config with the following GVK [${specs.map(formatGvk).join(' ')}]`);
}
