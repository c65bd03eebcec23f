import { listOf, struct, text, type Decoder } from '../load/decode.ts';
import { fieldSpecDecoder, type FieldSpec } from '../load/fields.ts';
import { fail, within } from '../kustomize-error.ts';
import { compareGvk, equalGvk, isSelected, type Gvk } from '../resource/gvk.ts';

/** Fields that hold names of objects of a kind. */
export interface NameReference extends Gvk {
  readonly fieldSpecs: readonly FieldSpec[];
}

/** Where transformers find their fields. Kustomizations add to it and hand it up (kustomize v5.8.1 builtinconfig). */
export interface TransformerConfig {
  readonly namePrefix: readonly FieldSpec[];
  readonly nameSuffix: readonly FieldSpec[];
  readonly namespace: readonly FieldSpec[];
  readonly commonLabels: readonly FieldSpec[];
  readonly labels: readonly FieldSpec[];
  readonly templateLabels: readonly FieldSpec[];
  readonly commonAnnotations: readonly FieldSpec[];
  readonly nameReference: readonly NameReference[];
  readonly varReference: readonly FieldSpec[];
  readonly images: readonly FieldSpec[];
  readonly replicas: readonly FieldSpec[];
}

/** A configuration without fields. */
export const emptyTransformerConfig: TransformerConfig = {
  namePrefix: [],
  nameSuffix: [],
  namespace: [],
  commonLabels: [],
  labels: [],
  templateLabels: [],
  commonAnnotations: [],
  nameReference: [],
  varReference: [],
  images: [],
  replicas: [],
};

interface WrittenConfig {
  readonly namePrefix: readonly FieldSpec[] | undefined;
  readonly nameSuffix: readonly FieldSpec[] | undefined;
  readonly namespace: readonly FieldSpec[] | undefined;
  readonly commonLabels: readonly FieldSpec[] | undefined;
  readonly labels: readonly FieldSpec[] | undefined;
  readonly templateLabels: readonly FieldSpec[] | undefined;
  readonly commonAnnotations: readonly FieldSpec[] | undefined;
  readonly nameReference: readonly WrittenReference[] | undefined;
  readonly varReference: readonly FieldSpec[] | undefined;
  readonly images: readonly FieldSpec[] | undefined;
  readonly replicas: readonly FieldSpec[] | undefined;
}

interface WrittenReference extends Gvk {
  readonly fieldSpecs: readonly FieldSpec[] | undefined;
}

const specs = listOf(fieldSpecDecoder);
const nameReferenceDecoder: Decoder<WrittenReference> = struct('NameBackReferences', { group: text, version: text, kind: text, fieldSpecs: specs });

/** The structure of a `configurations` file. */
export const transformerConfigDecoder: Decoder<WrittenConfig> = struct('TransformerConfig', {
  namePrefix: specs,
  nameSuffix: specs,
  namespace: specs,
  commonLabels: specs,
  labels: specs,
  templateLabels: specs,
  commonAnnotations: specs,
  nameReference: listOf(nameReferenceDecoder),
  varReference: specs,
  images: specs,
  replicas: specs,
});

/** The configuration a file says. */
export function toTransformerConfig(written: WrittenConfig): TransformerConfig {
  const { nameReference, ...lists } = written;
  // Every value is a list of field specs or undefined, as the structure says.
  const filled = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list ?? []])) as unknown as Omit<TransformerConfig, 'nameReference'>;
  return { ...filled, nameReference: (nameReference ?? []).map((reference) => ({ ...reference, fieldSpecs: reference.fieldSpecs ?? [] })) };
}

const LISTS = [
  'namePrefix',
  'nameSuffix',
  'namespace',
  'commonLabels',
  'labels',
  'templateLabels',
  'commonAnnotations',
  'varReference',
  'images',
  'replicas',
] as const;

// Most kustomizations bring nothing of their own: the same few pairs are merged over and over.
const merged = new WeakMap<TransformerConfig, WeakMap<TransformerConfig, TransformerConfig>>();

/** Both configurations in one. Throws KustomizeError where they contradict each other. */
export function mergeConfigs(one: TransformerConfig, other: TransformerConfig): TransformerConfig {
  if (one === other || other === emptyTransformerConfig) return one;
  const known = merged.get(one) ?? new WeakMap<TransformerConfig, TransformerConfig>();
  merged.set(one, known);
  const result = known.get(other) ?? mergeTwo(one, other);
  known.set(other, result);
  return result;
}

function mergeTwo(one: TransformerConfig, other: TransformerConfig): TransformerConfig {
  const lists: Record<string, readonly FieldSpec[]> = {};
  for (const name of LISTS) {
    lists[name] = within(
      () => `failed to merge ${name.charAt(0).toUpperCase()}${name.slice(1)} fieldSpec`,
      () => mergeFieldSpecs(one[name], other[name]).toSorted(compareGvk),
    );
  }
  const nameReference = within('failed to merge NameReference fieldSpec', () =>
    other.nameReference.reduce(mergeReference, one.nameReference).toSorted(compareGvk),
  );
  // All ten lists have just been set.
  return { ...(lists as unknown as Omit<TransformerConfig, 'nameReference'>), nameReference };
}

function mergeReference(all: readonly NameReference[], more: NameReference): readonly NameReference[] {
  if (!all.some((reference) => equalGvk(reference, more))) return [...all, more];
  return all.map((reference) => (equalGvk(reference, more) ? { ...reference, fieldSpecs: mergeFieldSpecs(reference.fieldSpecs, more.fieldSpecs) } : reference));
}

/** Adds field specs that are not there. Throws KustomizeError for one that is there with another `create`. */
export function mergeFieldSpecs(one: readonly FieldSpec[], other: readonly FieldSpec[]): readonly FieldSpec[] {
  const merged = [...one];
  for (const spec of other) {
    const known = merged.find((candidate) => candidate.path === spec.path && isSelected(candidate, spec));
    if (known === undefined) merged.push(spec);
    else if (known.create !== spec.create) fail('conflicting fieldspecs');
  }
  return merged;
}
