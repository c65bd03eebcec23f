import type { GoValue } from '@tiphys/delivery-helm';
import type { Selector } from '../resource/selector.ts';
import { anything, flag, integer, listOf, mapOf, optional, optionalText, struct, text, type Decoder } from './decode.ts';

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

export const labelDecoder: Decoder<Label> = struct('Label', {
  pairs: mapOf(text),
  includeSelectors: flag,
  includeTemplates: flag,
  fields: listOf(fieldSpecDecoder),
});

/** What a patch may change besides. */
export interface PatchOptions {
  readonly allowNameChange: boolean;
  readonly allowKindChange: boolean;
}

export const patchOptionsDecoder: Decoder<PatchOptions> = struct('PatchArgs', {
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

export const fieldOptionsDecoder: Decoder<FieldOptions> = struct('FieldOptions', {
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

export const sourceSelectorDecoder: Decoder<SourceSelector> = struct('SourceSelector', {
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

export const targetSelectorDecoder: Decoder<TargetSelector> = struct('TargetSelector', {
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
export interface VarTarget {
  readonly apiVersion: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

export const varTargetDecoder: Decoder<VarTarget> = struct('Target', {
  apiVersion: text,
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
});

/** The field a var reads. */
export interface VarField {
  readonly fieldPath: string;
}

export const varFieldDecoder: Decoder<VarField> = struct('FieldSelector', {
  fieldPath: text,
});

/** A name for the value of a field, used as $(NAME). */
export interface Var {
  readonly name: string;
  readonly objref: VarTarget;
  readonly fieldref: VarField;
}

export const varDecoder: Decoder<Var> = struct('Var', {
  name: text,
  objref: varTargetDecoder,
  fieldref: varFieldDecoder,
});

/** What generators do besides. */
export interface GeneratorOptions {
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly annotations: ReadonlyMap<string, string> | undefined;
  readonly disableNameSuffixHash: boolean;
  readonly immutable: boolean;
}

export const generatorOptionsDecoder: Decoder<GeneratorOptions> = struct('GeneratorOptions', {
  labels: mapOf(text),
  annotations: mapOf(text),
  disableNameSuffixHash: flag,
  immutable: flag,
});

/** A ConfigMap to generate. */
export interface ConfigMapArgs {
  readonly namespace: string;
  readonly name: string;
  readonly behavior: string;
  readonly literals: readonly string[] | undefined;
  readonly files: readonly string[] | undefined;
  readonly envs: readonly string[] | undefined;
  readonly env: string;
  readonly options: GeneratorOptions | undefined;
}

export const configMapArgsDecoder: Decoder<ConfigMapArgs> = struct('ConfigMapArgs', {
  namespace: text,
  name: text,
  behavior: text,
  literals: listOf(text),
  files: listOf(text),
  envs: listOf(text),
  env: text,
  options: optional(generatorOptionsDecoder),
});

/** A Secret to generate. */
export interface SecretArgs {
  readonly namespace: string;
  readonly name: string;
  readonly behavior: string;
  readonly literals: readonly string[] | undefined;
  readonly files: readonly string[] | undefined;
  readonly envs: readonly string[] | undefined;
  readonly env: string;
  readonly options: GeneratorOptions | undefined;
  readonly type: string;
}

export const secretArgsDecoder: Decoder<SecretArgs> = struct('SecretArgs', {
  namespace: text,
  name: text,
  behavior: text,
  literals: listOf(text),
  files: listOf(text),
  envs: listOf(text),
  env: text,
  options: optional(generatorOptionsDecoder),
  type: text,
});

/** What all charts have in common. */
export interface HelmGlobals {
  readonly chartHome: string;
  readonly configHome: string;
}

export const helmGlobalsDecoder: Decoder<HelmGlobals> = struct('HelmGlobals', {
  chartHome: text,
  configHome: text,
});

/** A chart to render. */
export interface HelmChart {
  readonly name: string;
  readonly version: string;
  readonly repo: string;
  readonly releaseName: string;
  readonly namespace: string;
  readonly additionalValuesFiles: readonly string[] | undefined;
  readonly valuesFile: string;
  readonly valuesInline: ReadonlyMap<string, GoValue> | undefined;
  readonly valuesMerge: string;
  readonly includeCRDs: boolean;
  readonly skipHooks: boolean;
  readonly apiVersions: readonly string[] | undefined;
  readonly kubeVersion: string;
  readonly nameTemplate: string;
  readonly skipTests: boolean;
  readonly debug: boolean;
  readonly devel: boolean;
}

export const helmChartDecoder: Decoder<HelmChart> = struct('HelmChart', {
  name: text,
  version: text,
  repo: text,
  releaseName: text,
  namespace: text,
  additionalValuesFiles: listOf(text),
  valuesFile: text,
  valuesInline: mapOf(anything),
  valuesMerge: text,
  includeCRDs: flag,
  skipHooks: flag,
  apiVersions: listOf(text),
  kubeVersion: text,
  nameTemplate: text,
  skipTests: flag,
  debug: flag,
  devel: flag,
});

/** A chart in the form that is deprecated. */
export interface HelmChartArgs {
  readonly chartName: string;
  readonly chartVersion: string;
  readonly chartRepoUrl: string;
  readonly chartHome: string;
  readonly chartRepoName: string;
  readonly helmBin: string;
  readonly helmHome: string;
  readonly values: string;
  readonly valuesLocal: ReadonlyMap<string, GoValue> | undefined;
  readonly valuesMerge: string;
  readonly releaseName: string;
  readonly releaseNamespace: string;
  readonly extraArgs: readonly string[] | undefined;
}

export const helmChartArgsDecoder: Decoder<HelmChartArgs> = struct('HelmChartArgs', {
  chartName: text,
  chartVersion: text,
  chartRepoUrl: text,
  chartHome: text,
  chartRepoName: text,
  helmBin: text,
  helmHome: text,
  values: text,
  valuesLocal: mapOf(anything),
  valuesMerge: text,
  releaseName: text,
  releaseNamespace: text,
  extraArgs: listOf(text),
});

/** Kinds that come first and last. */
export interface LegacySortOptions {
  readonly orderFirst: readonly string[] | undefined;
  readonly orderLast: readonly string[] | undefined;
}

export const legacySortOptionsDecoder: Decoder<LegacySortOptions> = struct('LegacySortOptions', {
  orderFirst: listOf(text),
  orderLast: listOf(text),
});

/** The order of the output. */
export interface SortOptions {
  readonly order: string;
  readonly legacySortOptions: LegacySortOptions | undefined;
}

export const sortOptionsDecoder: Decoder<SortOptions> = struct('SortOptions', {
  order: text,
  legacySortOptions: optional(legacySortOptionsDecoder),
});

/** Metadata of a kustomization. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly annotations: ReadonlyMap<string, string> | undefined;
}

export const objectMetaDecoder: Decoder<ObjectMeta> = struct('ObjectMeta', {
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
