import { encodeJson } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';
import { formatId } from '../resource/res-id.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { transformersOf, type ConfigContext } from './config-objects.ts';

const VALIDATED_BY = 'validated-by';

/** Runs validators: transformers that may change nothing but one label of their own. Throws KustomizeError. */
export async function validate(objects: readonly Resource[], map: ResMap, context: ConfigContext): Promise<void> {
  for (const { transform } of await transformersOf(objects, context)) {
    const before = snapshot(map, false);
    transform(map);
    const after = snapshot(map, true);
    for (const [id, text] of before) if (after.get(id) !== text) fail(`validator shouldn't modify the resource map: ${id}`);
    if (after.size !== before.size) fail("validator shouldn't modify the resource map: lists have different number of entries");
  }
}

function snapshot(map: ResMap, ignoresLabel: boolean): ReadonlyMap<string, string> {
  return new Map(
    map.resources.map((resource) => {
      const copy = resource.copy();
      const { labels } = copy;
      if (ignoresLabel && labels.delete(VALIDATED_BY)) copy.setLabels(labels);
      return [formatId(resource.id), encodeJson(copy.value())];
    }),
  );
}
