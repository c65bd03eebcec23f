import { reading } from '../kustomize-error.ts';
import { fromBytes, GoMap, GoSlice, readYaml } from '@tiphys/delivery-helm';
import { decodeWith } from '../load/decode.ts';
import { replacementDecoder, type FieldSpec, type Kustomization, type Label, type Replacement, type ReplacementField } from '../load/fields.ts';
import { fail, within } from '../kustomize-error.ts';
import type { Loader } from '../load/loader.ts';
import { generalPatch, json6902Patch, strategicMergePatches, type PatchContext, type Transform } from '../patch/patches.ts';
import { applyReplacements } from '../reference/replacements.ts';
import { setImages } from '../transform/images.ts';
import { addEntries } from '../transform/labels.ts';
import { addToNames } from '../transform/names.ts';
import { setNamespace } from '../transform/namespace.ts';
import { setReplicas } from '../transform/replicas.ts';
import { mergeFieldSpecs, type TransformerConfig } from '../transform/transformer-config.ts';
import { describeConfig } from './describe.ts';
import { configured } from './steps.ts';

/** A transformer of a kustomization's field, and what Kustomize calls it. */
export interface NamedTransform {
  readonly kind: string;
  readonly transform: Transform;
}

/** The transformers a kustomization's own fields ask for, in the order Kustomize runs them (v5.8.1 kusttarget_configplugin.go). Throws KustomizeError. */
export async function fieldTransformers(k: Kustomization, config: TransformerConfig, context: PatchContext): Promise<readonly NamedTransform[]> {
  return [...(await patchTransforms(k, context)), ...plainTransforms(k, config), ...(await lateTransforms(k, config, context))];
}

async function patchTransforms(k: Kustomization, context: PatchContext): Promise<readonly NamedTransform[]> {
  const steps: NamedTransform[] = [];
  const merges = k.patchesStrategicMerge ?? [];
  if (merges.length > 0) {
    const kind = 'PatchStrategicMergeTransformer';
    steps.push({ kind, transform: await configured(kind, { paths: merges }, () => strategicMergePatches(merges, '', context)) });
  }
  for (const patch of k.patches ?? []) {
    const kind = 'PatchTransformer';
    const { path, patch: text, target, options } = patch;
    const shown = { path, patch: text, target, options };
    steps.push({ kind, transform: await configured(kind, shown, () => generalPatch(patch, context, () => describeConfig(shown))) });
  }
  return steps;
}

function plainTransforms(k: Kustomization, config: TransformerConfig): readonly NamedTransform[] {
  const steps: NamedTransform[] = [];
  const add = (kind: string, transform: Transform): void => void steps.push({ kind, transform });
  if (k.namespace !== '') {
    const options = { namespace: k.namespace, specs: config.namespace, unsetOnly: false, subjects: 'defaultOnly' as const };
    add('NamespaceTransformer', (map) => setNamespace(map, options));
  }
  if (k.namePrefix !== '') add('PrefixTransformer', (map) => addToNames(map, 'prefix', k.namePrefix, config.namePrefix));
  if (k.nameSuffix !== '') add('SuffixTransformer', (map) => addToNames(map, 'suffix', k.nameSuffix, config.nameSuffix));
  for (const label of k.labels ?? []) {
    const specs = labelSpecs(label, config);
    add('LabelTransformer', (map) => addEntries(map, label.pairs ?? new Map(), specs));
  }
  const { commonLabels = new Map<string, string>(), commonAnnotations = new Map<string, string>() } = k;
  if (commonLabels.size > 0 || (k.labels ?? []).length > 0) add('LabelTransformer', (map) => addEntries(map, commonLabels, config.commonLabels));
  if (commonAnnotations.size > 0) add('AnnotationsTransformer', (map) => addEntries(map, commonAnnotations, config.commonAnnotations));
  return steps;
}

const METADATA_LABELS: FieldSpec = { group: '', version: '', kind: '', path: 'metadata/labels', create: true };

function labelSpecs(label: Label, config: TransformerConfig): readonly FieldSpec[] {
  return within('failed to merge labels', () => {
    const own = mergeFieldSpecs(label.fields ?? [], config.labels);
    if (label.includeSelectors) return mergeFieldSpecs(own, config.commonLabels);
    const withTemplates = label.includeTemplates ? within('failed to merge template fieldSpec', () => mergeFieldSpecs(own, config.templateLabels)) : own;
    return mergeFieldSpecs(withTemplates, [METADATA_LABELS]);
  });
}

async function lateTransforms(k: Kustomization, config: TransformerConfig, context: PatchContext): Promise<readonly NamedTransform[]> {
  const steps: NamedTransform[] = [];
  for (const { target, path, patch } of k.patchesJson6902 ?? []) {
    const kind = 'PatchJson6902Transformer';
    steps.push({ kind, transform: await configured(kind, { target, path, jsonOp: patch }, () => json6902Patch({ target, path, jsonOp: patch }, context)) });
  }
  for (const replica of k.replicas ?? []) steps.push({ kind: 'ReplicaCountTransformer', transform: (map) => setReplicas(map, replica, config.replicas) });
  for (const image of k.images ?? []) steps.push({ kind: 'ImageTagTransformer', transform: (map) => setImages(map, image, config.images) });
  const fields = k.replacements ?? [];
  if (fields.length > 0) {
    const kind = 'ReplacementTransformer';
    const replacements = await configured(kind, {}, () => loadReplacements(fields, context.loader));
    steps.push({ kind, transform: (map) => applyReplacements(map, replacements, context.budget) });
  }
  return steps;
}

/** Replacements as they are written, those of files read. Throws KustomizeError. */
export async function loadReplacements(fields: readonly ReplacementField[], loader: Loader): Promise<readonly Replacement[]> {
  const loaded: Replacement[] = [];
  for (const field of fields) {
    if (field.path === '') loaded.push(field);
    else if (field.source !== undefined || (field.targets ?? []).length > 0) fail('cannot specify both path and inline replacement');
    else loaded.push(...parseReplacements(await loader.load(field.path)));
  }
  return loaded;
}

function parseReplacements(bytes: Uint8Array): readonly Replacement[] {
  const value = reading(() => readYaml(fromBytes(bytes)));
  if (value instanceof GoSlice) return value.items.map((item) => decodeWith(replacementDecoder, item, 'lenient'));
  if (value instanceof GoMap) return [decodeWith(replacementDecoder, value, 'lenient')];
  return fail(`unsupported replacement type encountered within replacement path: ${value === null ? 'invalid' : typeof value}`);
}
