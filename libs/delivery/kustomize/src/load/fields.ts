import type { Selector } from '../resource/selector.ts';
import { flag, integer, listOf, mapOf, optional, optionalText, struct, text, type Decoder } from './decode.ts';
import {
  configMapArgsDecoder,
  generatorOptionsDecoder,
  helmChartArgsDecoder,
  helmChartDecoder,
  helmGlobalsDecoder,
  secretArgsDecoder,
  type ConfigMapArgs,
  type GeneratorOptions,
  type HelmChart,
  type HelmChartArgs,
  type HelmGlobals,
  type SecretArgs,
} from './generator-fields.ts';

// The structures of a kustomization, field by field (kustomize v5.8.1 api/types). Lists and maps that are not written are undefined.

export const selectorDecoder: Decoder<Selector> = struct('Selector', {
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
  labelSelector: text,
  annotationSelector: text,
});

/** Where a transformer finds a field: the kinds it applies to, the path, and whether what is missing is created. */
export interface FieldSpec {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly path: string;
  readonly create: boolean;
}

export const fieldSpecDecoder: Decoder<FieldSpec> = struct('FieldSpec', {
  group: text,
  version: text,
  kind: text,
  path: text,
  create: flag,
});

/** Labels to add, and where. */
export interface Label {
  readonly pairs: ReadonlyMap<string, string> | undefined;
  readonly includeSelectors: boolean;
  readonly includeTemplates: boolean;
  readonly fields: readonly FieldSpec[] | undefined;
}

const labelDecoder: Decoder<Label> = struct('Label', {
  pairs: mapOf(text),
  includeSelectors: flag,
  includeTemplates: flag,
  fields: listOf(fieldSpecDecoder),
});

/** What a patch may change besides. */
interface PatchOptions {
  readonly allowNameChange: boolean;
  readonly allowKindChange: boolean;
}

const patchOptionsDecoder: Decoder<PatchOptions> = struct('PatchArgs', {
  allowNameChange: flag,
  allowKindChange: flag,
});

/** A patch: its text or file, and what it is for. */
export interface Patch {
  readonly path: string;
  readonly patch: string;
  readonly target: Selector | undefined;
  readonly options: PatchOptions | undefined;
}

export const patchDecoder: Decoder<Patch> = struct('Patch', {
  path: text,
  patch: text,
  target: optional(selectorDecoder),
  options: optional(patchOptionsDecoder),
});

/** What becomes of images of a name. */
export interface Image {
  readonly name: string;
  readonly newName: string;
  readonly tagSuffix: string;
  readonly newTag: string;
  readonly digest: string;
}

export const imageDecoder: Decoder<Image> = struct('Image', {
  name: text,
  newName: text,
  tagSuffix: text,
  newTag: text,
  digest: text,
});

/** How many replicas objects of a name get. */
export interface Replica {
  readonly name: string;
  readonly count: number;
}

export const replicaDecoder: Decoder<Replica> = struct('Replica', {
  name: text,
  count: integer,
});

/** Which part of a field is meant. */
export interface FieldOptions {
  readonly delimiter: string;
  readonly index: number;
  readonly encoding: string;
  readonly create: boolean;
}

const fieldOptionsDecoder: Decoder<FieldOptions> = struct('FieldOptions', {
  delimiter: text,
  index: integer,
  encoding: text,
  create: flag,
});

/** Where a replacement takes its value from. */
export interface SourceSelector {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly fieldPath: string;
  readonly options: FieldOptions | undefined;
}

const sourceSelectorDecoder: Decoder<SourceSelector> = struct('SourceSelector', {
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
  fieldPath: text,
  options: optional(fieldOptionsDecoder),
});

/** Where a replacement puts its value. */
export interface TargetSelector {
  readonly select: Selector | undefined;
  readonly reject: readonly Selector[] | undefined;
  readonly fieldPaths: readonly string[] | undefined;
  readonly options: FieldOptions | undefined;
}

const targetSelectorDecoder: Decoder<TargetSelector> = struct('TargetSelector', {
  select: optional(selectorDecoder),
  reject: listOf(selectorDecoder),
  fieldPaths: listOf(text),
  options: optional(fieldOptionsDecoder),
});

/** A value copied from one field into others. */
export interface Replacement {
  readonly source: SourceSelector | undefined;
  readonly targets: readonly TargetSelector[] | undefined;
  readonly sourceValue: string | undefined;
}

export const replacementDecoder: Decoder<Replacement> = struct('Replacement', {
  source: optional(sourceSelectorDecoder),
  targets: listOf(targetSelectorDecoder),
  sourceValue: optionalText,
});

/** A replacement, or the file it stands in. */
export interface ReplacementField {
  readonly source: SourceSelector | undefined;
  readonly targets: readonly TargetSelector[] | undefined;
  readonly sourceValue: string | undefined;
  readonly path: string;
}

export const replacementFieldDecoder: Decoder<ReplacementField> = struct('ReplacementField', {
  source: optional(sourceSelectorDecoder),
  targets: listOf(targetSelectorDecoder),
  sourceValue: optionalText,
  path: text,
});

/** The object a var reads. */
interface VarTarget {
  readonly apiVersion: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

const varTargetDecoder: Decoder<VarTarget> = struct('Target', {
  apiVersion: text,
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
});

/** The field a var reads. */
interface VarField {
  readonly fieldPath: string;
}

const varFieldDecoder: Decoder<VarField> = struct('FieldSelector', {
  fieldPath: text,
});

/** A name for the value of a field, used as $(NAME). */
export interface Var {
  readonly name: string;
  readonly objref: VarTarget;
  readonly fieldref: VarField;
}

const varDecoder: Decoder<Var> = struct('Var', {
  name: text,
  objref: varTargetDecoder,
  fieldref: varFieldDecoder,
});

/** Kinds that come first and last. */
interface LegacySortOptions {
  readonly orderFirst: readonly string[] | undefined;
  readonly orderLast: readonly string[] | undefined;
}

const legacySortOptionsDecoder: Decoder<LegacySortOptions> = struct('LegacySortOptions', {
  orderFirst: listOf(text),
  orderLast: listOf(text),
});

/** The order of the output. */
export interface SortOptions {
  readonly order: string;
  readonly legacySortOptions: LegacySortOptions | undefined;
}

const sortOptionsDecoder: Decoder<SortOptions> = struct('SortOptions', {
  order: text,
  legacySortOptions: optional(legacySortOptionsDecoder),
});

/** Metadata of a kustomization. */
interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly annotations: ReadonlyMap<string, string> | undefined;
}

const objectMetaDecoder: Decoder<ObjectMeta> = struct('ObjectMeta', {
  name: text,
  namespace: text,
  labels: mapOf(text),
  annotations: mapOf(text),
});

/** A kustomization file. */
export interface Kustomization {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: ObjectMeta | undefined;
  readonly openapi: ReadonlyMap<string, string> | undefined;
  readonly namePrefix: string;
  readonly nameSuffix: string;
  readonly namespace: string;
  readonly commonLabels: ReadonlyMap<string, string> | undefined;
  readonly labels: readonly Label[] | undefined;
  readonly commonAnnotations: ReadonlyMap<string, string> | undefined;
  readonly patchesStrategicMerge: readonly string[] | undefined;
  readonly patchesJson6902: readonly Patch[] | undefined;
  readonly patches: readonly Patch[] | undefined;
  readonly images: readonly Image[] | undefined;
  readonly imageTags: readonly Image[] | undefined;
  readonly replacements: readonly ReplacementField[] | undefined;
  readonly replicas: readonly Replica[] | undefined;
  readonly vars: readonly Var[] | undefined;
  readonly sortOptions: SortOptions | undefined;
  readonly resources: readonly string[] | undefined;
  readonly components: readonly string[] | undefined;
  readonly crds: readonly string[] | undefined;
  readonly bases: readonly string[] | undefined;
  readonly configMapGenerator: readonly ConfigMapArgs[] | undefined;
  readonly secretGenerator: readonly SecretArgs[] | undefined;
  readonly helmGlobals: HelmGlobals | undefined;
  readonly helmCharts: readonly HelmChart[] | undefined;
  readonly helmChartInflationGenerator: readonly HelmChartArgs[] | undefined;
  readonly generatorOptions: GeneratorOptions | undefined;
  readonly configurations: readonly string[] | undefined;
  readonly generators: readonly string[] | undefined;
  readonly transformers: readonly string[] | undefined;
  readonly validators: readonly string[] | undefined;
  readonly buildMetadata: readonly string[] | undefined;
}

export const kustomizationDecoder: Decoder<Kustomization> = struct('Kustomization', {
  kind: text,
  apiVersion: text,
  metadata: optional(objectMetaDecoder),
  openapi: mapOf(text),
  namePrefix: text,
  nameSuffix: text,
  namespace: text,
  commonLabels: mapOf(text),
  labels: listOf(labelDecoder),
  commonAnnotations: mapOf(text),
  patchesStrategicMerge: listOf(text),
  patchesJson6902: listOf(patchDecoder),
  patches: listOf(patchDecoder),
  images: listOf(imageDecoder),
  imageTags: listOf(imageDecoder),
  replacements: listOf(replacementFieldDecoder),
  replicas: listOf(replicaDecoder),
  vars: listOf(varDecoder),
  sortOptions: optional(sortOptionsDecoder),
  resources: listOf(text),
  components: listOf(text),
  crds: listOf(text),
  bases: listOf(text),
  configMapGenerator: listOf(configMapArgsDecoder),
  secretGenerator: listOf(secretArgsDecoder),
  helmGlobals: optional(helmGlobalsDecoder),
  helmCharts: listOf(helmChartDecoder),
  helmChartInflationGenerator: listOf(helmChartArgsDecoder),
  generatorOptions: optional(generatorOptionsDecoder),
  configurations: listOf(text),
  generators: listOf(text),
  transformers: listOf(text),
  validators: listOf(text),
  buildMetadata: listOf(text),
});
