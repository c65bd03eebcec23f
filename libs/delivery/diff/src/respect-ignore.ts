import type { KubeObject } from '@tiphys/kube-model';
import { encodeElement, fieldOwners, UNTYPED, type PathElement, type SchemaNode } from '@tiphys/kube-patch';
import type { IgnoreRules, Path } from './ignore.ts';
import { toElements, valueAt, withValueAt } from './place.ts';

/** What an object's ignored places are found with. */
export interface IgnoredPlaces {
  readonly rules: IgnoreRules;
  /** Where the rules' jq expressions point, in each of the two. */
  readonly jqPaths?: { readonly desired: readonly Path[]; readonly live: readonly Path[] };
}

/**
 * The desired object with what lives in every ignored place, so that applying it changes none of them (sync option
 * RespectIgnoreDifferences): a place that does not live is not wanted either.
 */
export function withIgnoredLiveValues(desired: KubeObject, live: KubeObject | undefined, ignored: IgnoredPlaces, schema: SchemaNode | undefined): KubeObject {
  if (live === undefined) return desired;
  const node = schema ?? UNTYPED;
  const places = [
    ...ignored.rules.pointers.map((pointer) => toElements(live, pointer, node)),
    ...(ignored.jqPaths?.live ?? []).map((path) => toElements(live, path, node)),
    ...(ignored.jqPaths?.desired ?? []).map((path) => toElements(desired, path, node)),
    ...placesOf(live, ignored.rules.managers),
  ];
  const distinct = new Map(places.map((elements) => [elements.map(encodeElement).join(' '), elements]));
  // Places of an object with other values are an object.
  return [...distinct.values()].reduce<unknown>((object, elements) => copied(object, live, elements, node), desired) as KubeObject;
}

function copied(object: unknown, live: KubeObject, elements: readonly PathElement[], node: SchemaNode): unknown {
  return withValueAt(object, elements, node, valueAt(live, elements, node));
}

// Of what a manager owns the deepest places: what lies above them is shared.
function placesOf(live: KubeObject, managers: ReadonlySet<string>): readonly (readonly PathElement[])[] {
  if (managers.size === 0) return [];
  const owned = fieldOwners(live).filter(({ manager }) => managers.has(manager));
  const prefixes = new Set(
    owned.flatMap(({ path }) =>
      path.slice(0, -1).map((_, depth) =>
        path
          .slice(0, depth + 1)
          .map(encodeElement)
          .join(' '),
      ),
    ),
  );
  return owned.map(({ path }) => path).filter((path) => !prefixes.has(path.map(encodeElement).join(' ')));
}
