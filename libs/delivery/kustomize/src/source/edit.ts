import { fail } from '../kustomize-error.ts';
import type { Image, Kustomization, Label, Replica } from '../load/fields.ts';
import { splitImage } from '../transform/images.ts';
import type { KustomizeBlock } from './options.ts';

// A part of an image that stays as the kustomization has it.
const KEPT = '*';

/**
 * The root kustomization with the block of an application in it, field after field as Argo CD has `kustomize edit` do it
 * (Argo CD v3.5 util/kustomize, kustomize v5.8.1 commands/edit). Texts are substituted already. Throws KustomizeError.
 */
export function applyBlock(read: Kustomization, block: KustomizeBlock): Kustomization {
  const named: Kustomization = {
    ...read,
    namePrefix: block.namePrefix || read.namePrefix,
    nameSuffix: block.nameSuffix || read.nameSuffix,
    images: setImages(read.images, block.images),
    replicas: setReplicas(read.replicas, block.replicas),
  };
  const annotated: Kustomization = {
    ...addLabels(named, block),
    commonAnnotations: addEntries('annotation', read.commonAnnotations, block.commonAnnotations, block.forceCommonAnnotations),
    namespace: block.namespace || read.namespace,
  };
  return {
    ...annotated,
    patches: block.patches.length === 0 ? read.patches : [...(read.patches ?? []), ...block.patches],
    components: addComponents(read.components, block.components),
  };
}

function setImages(written: readonly Image[] | undefined, args: readonly string[]): readonly Image[] | undefined {
  if (args.length === 0) return written;
  const images = new Map(args.map(parseImage).map((image) => [image.name, image]));
  for (const image of written ?? []) {
    const wanted = images.get(image.name);
    const keep = (field: 'newName' | 'newTag' | 'digest'): string => (wanted?.[field] === KEPT ? image[field] : (wanted?.[field] ?? ''));
    images.set(image.name, wanted === undefined ? image : { ...wanted, newName: keep('newName'), newTag: keep('newTag'), digest: keep('digest') });
  }
  const without = (text: string): string => (text === KEPT ? '' : text);
  return [...images.values()]
    .map((image) => ({ ...image, newName: without(image.newName), newTag: without(image.newTag), digest: without(image.digest) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

// `name:tag`, `name@digest` or `name=newName:tag@digest`.
function parseImage(arg: string): Image {
  const at = arg.indexOf('=');
  const value = at < 0 ? arg : arg.slice(at + 1);
  const { name, tag, digest } = splitImage(value);
  if (name === arg) {
    fail(
      `spec.source.kustomize.images: invalid format of image "${arg}", use <image>=<newimage>:<newtag>, <image>=<newimage>@<digest>, <image>:<newtag> or <image>@<digest>`,
    );
  }
  return { name: at < 0 ? name : arg.slice(0, at), newName: at < 0 ? '' : name, newTag: tag, digest, tagSuffix: '' };
}

function setReplicas(written: readonly Replica[] | undefined, wanted: readonly Replica[]): readonly Replica[] | undefined {
  if (wanted.length === 0) return written;
  const replicas = new Map([...(written ?? []), ...wanted].map((replica) => [replica.name, replica]));
  return [...replicas.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function addEntries(
  what: 'label' | 'annotation',
  written: ReadonlyMap<string, string> | undefined,
  added: ReadonlyMap<string, string>,
  force: boolean,
): ReadonlyMap<string, string> | undefined {
  if (added.size === 0) return written;
  for (const key of added.keys()) {
    if (written?.has(key) === true && !force) {
      const option = what === 'label' ? 'forceCommonLabels' : 'forceCommonAnnotations';
      fail(`${what} ${key} already in kustomization file; set spec.source.kustomize.${option} to override it`);
    }
  }
  return new Map([...(written ?? []), ...added]);
}

function addLabels(read: Kustomization, block: KustomizeBlock): Kustomization {
  const { commonLabels, forceCommonLabels, labelWithoutSelector, labelIncludeTemplates } = block;
  if (commonLabels.size === 0) return read;
  if (labelIncludeTemplates && !labelWithoutSelector) {
    fail('spec.source.kustomize: labelIncludeTemplates needs labelWithoutSelector');
  }
  if (!labelWithoutSelector) return { ...read, commonLabels: addEntries('label', read.commonLabels, commonLabels, forceCommonLabels) };
  const labels = read.labels ?? [];
  const isLike = (label: Label): boolean => !label.includeSelectors && label.includeTemplates === labelIncludeTemplates;
  const known = labels.find(isLike);
  const pairs = addEntries('label', known?.pairs, commonLabels, forceCommonLabels);
  if (known !== undefined) return { ...read, labels: labels.map((label) => (label === known ? { ...label, pairs } : label)) };
  return { ...read, labels: [...labels, { pairs, includeSelectors: false, includeTemplates: labelIncludeTemplates, fields: undefined }] };
}

function addComponents(written: readonly string[] | undefined, added: readonly string[]): readonly string[] | undefined {
  if (added.length === 0) return written;
  return [...new Set([...(written ?? []), ...added])];
}
