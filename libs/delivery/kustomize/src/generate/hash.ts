import { createHash } from 'node:crypto';
import { encodeJson, GoMap, type GoValue } from '@tiphys/delivery-helm';
import { BUILD } from '../resource/annotations.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { lookUp } from '../yaml/fields.ts';
import { toValue } from '../yaml/value.ts';

const LENGTH = 10;
// Digits and vowels that might make words.
const REPLACED: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

/** Appends the hash of their content to the names of generated objects (kustomize v5.8.1 HashTransformer). */
export function addHashes(map: ResMap): void {
  for (const resource of map.resources) {
    if (!resource.isEnabled(BUILD.needsHash)) continue;
    const hash = hashOf(resource);
    resource.storePreviousId();
    resource.setName(`${resource.name}-${hash}`);
  }
}

/** The hash of an object's content (kustomize v5.8.1 api/hasher). */
function hashOf(resource: Resource): string {
  const digest = createHash('sha256')
    .update(encodeJson(hashedPart(resource)))
    .digest('hex')
    .slice(0, LENGTH);
  return [...digest].map((digit) => REPLACED[digit] ?? digit).join('');
}

function hashedPart(resource: Resource): GoValue {
  const { kind } = resource;
  if (kind !== 'ConfigMap' && kind !== 'Secret') return resource.value();
  const entries = new Map<string, GoValue>([
    ['kind', kind],
    // Kustomize looks the name up by a path that never leads anywhere, so that it does not count.
    ['name', ''],
    ['data', partOf(resource, 'data')],
  ]);
  if (kind === 'Secret') entries.set('type', partOf(resource, 'type'));
  const extra = kind === 'Secret' ? 'stringData' : 'binaryData';
  const more = partOf(resource, extra);
  if (more instanceof GoMap) entries.set(extra, more);
  return new GoMap(entries);
}

// Numbers of a data map are texts or floats by the time they are hashed; absent parts count as the empty text.
function partOf(resource: Resource, field: string): GoValue {
  const node = lookUp(resource.node, [field]);
  if (node === undefined) return '';
  return node.kind === 'scalar' ? node.value : toValue(node);
}
