import type { FieldSpec, Image } from '../load/fields.ts';
import { matchesRegex } from '../regex.ts';
import type { ResMap } from '../resource/res-map.ts';
import { eachField, expectKind, getField, setScalar } from '../yaml/fields.ts';
import { isMissing, scalarNode, type RNode } from '../yaml/rnode.ts';
import { applyFieldSpec } from './field-spec.ts';

/** Changes names, tags and digests of images: in every list of containers, and where the specs say (kustomize v5.8.1 api/filters/imagetag). */
export function setImages(map: ResMap, image: Image, specs: readonly FieldSpec[]): void {
  const update = (node: RNode): void => updateImage(node, image);
  const resources = map.resources.filter(({ kind }) => kind !== 'CustomResourceDefinition');
  for (const resource of resources) walkContainers(resource.node, update);
  for (const resource of resources) for (const spec of specs) applyFieldSpec(resource, spec, update);
}

function walkContainers(node: RNode, update: (image: RNode) => void): void {
  if (node.kind === 'list') node.content.forEach((item) => walkContainers(item, update));
  if (node.kind !== 'map') return;
  eachField(node.content, (key, value) => {
    walkContainers(value, update);
    if (key.value !== 'containers' && key.value !== 'initContainers') return;
    if (value.kind !== 'list') return;
    for (const container of value.content) {
      const image = getField(container, 'image');
      if (!isMissing(image)) update(image);
    }
  });
}

function updateImage(node: RNode, image: Image): void {
  expectKind(node, 'scalar');
  if (!matchesRegex(`^${image.name}(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`, node.value)) return;
  const found = splitImage(node.value);
  let { tag, digest } = found;
  if (image.newTag !== '' && image.digest !== '') {
    tag = image.newTag;
    digest = image.digest;
  } else if (image.newTag !== '') {
    tag = image.newTag;
    digest = '';
  } else if (image.digest !== '') {
    tag = '';
    digest = image.digest;
  } else if (image.tagSuffix !== '') {
    tag += image.tagSuffix;
    digest = '';
  }
  const name = image.newName === '' ? found.name : image.newName;
  setScalar(node, scalarNode(`${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`));
}

/** Name, tag and digest of an image; what comes before the first slash may have a port. */
export function splitImage(image: string): { readonly name: string; readonly tag: string; readonly digest: string } {
  const slash = Math.max(image.indexOf('/'), 0);
  const at = image.indexOf('@', slash);
  const colon = image.indexOf(':', slash);
  if (at >= 0 && (colon < 0 || at < colon)) return { name: image.slice(0, at), tag: '', digest: image.slice(at + 1) };
  if (colon < 0) return { name: image, tag: '', digest: '' };
  if (at >= 0) return { name: image.slice(0, colon), tag: image.slice(colon + 1, at), digest: image.slice(at + 1) };
  return { name: image.slice(0, colon), tag: image.slice(colon + 1), digest: '' };
}
