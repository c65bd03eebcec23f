import type { Selector } from '../resource/selector.ts';
import { flag, integer, listOf, mapOf, optional, struct, text, type Decoder } from './decode.ts';
import {
  fieldSpecDecoder,
  imageDecoder,
  replacementFieldDecoder,
  replicaDecoder,
  selectorDecoder,
  type FieldSpec,
  type Image,
  type ReplacementField,
  type Replica,
} from './fields.ts';

// The structures of configuration objects under `generators` and `transformers` (kustomize v5.8.1 api/internal/builtins).

/** Name and namespace in the metadata of a configuration object. */
interface Names {
  readonly name: string;
  readonly namespace: string;
}

const namesDecoder: Decoder<Names> = struct('Names', {
  name: text,
  namespace: text,
});

/** Metadata of a configuration object. */
export interface MetadataConfig {
  readonly metadata: Names;
}

export const metadataConfigDecoder: Decoder<MetadataConfig> = struct('MetadataConfig', {
  metadata: namesDecoder,
});

/** An AnnotationsTransformer or LabelTransformer. */
export interface EntriesConfig {
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly annotations: ReadonlyMap<string, string> | undefined;
  readonly fieldSpecs: readonly FieldSpec[] | undefined;
}

export const entriesConfigDecoder: Decoder<EntriesConfig> = struct('EntriesConfig', {
  labels: mapOf(text),
  annotations: mapOf(text),
  fieldSpecs: listOf(fieldSpecDecoder),
});

/** An ImageTagTransformer. */
export interface ImageConfig {
  readonly imageTag: Image;
  readonly fieldSpecs: readonly FieldSpec[] | undefined;
}

export const imageConfigDecoder: Decoder<ImageConfig> = struct('ImageConfig', {
  imageTag: imageDecoder,
  fieldSpecs: listOf(fieldSpecDecoder),
});

/** A NamespaceTransformer. */
export interface NamespaceConfig {
  readonly metadata: Names;
  readonly fieldSpecs: readonly FieldSpec[] | undefined;
  readonly unsetOnly: boolean;
  readonly setRoleBindingSubjects: string;
}

export const namespaceConfigDecoder: Decoder<NamespaceConfig> = struct('NamespaceConfig', {
  metadata: namesDecoder,
  fieldSpecs: listOf(fieldSpecDecoder),
  unsetOnly: flag,
  setRoleBindingSubjects: text,
});

/** A PatchJson6902Transformer. */
export interface JsonPatchConfig {
  readonly target: Selector | undefined;
  readonly path: string;
  readonly jsonOp: string;
}

export const jsonPatchConfigDecoder: Decoder<JsonPatchConfig> = struct('JsonPatchConfig', {
  target: optional(selectorDecoder),
  path: text,
  jsonOp: text,
});

/** A PatchStrategicMergeTransformer. */
export interface MergePatchConfig {
  readonly paths: readonly string[] | undefined;
  readonly patches: string;
}

export const mergePatchConfigDecoder: Decoder<MergePatchConfig> = struct('MergePatchConfig', {
  paths: listOf(text),
  patches: text,
});

/** A PrefixTransformer or SuffixTransformer. */
export interface AffixConfig {
  readonly prefix: string;
  readonly suffix: string;
  readonly fieldSpecs: readonly FieldSpec[] | undefined;
}

export const affixConfigDecoder: Decoder<AffixConfig> = struct('AffixConfig', {
  prefix: text,
  suffix: text,
  fieldSpecs: listOf(fieldSpecDecoder),
});

/** A ReplacementTransformer. */
export interface ReplacementConfig {
  readonly replacements: readonly ReplacementField[] | undefined;
}

export const replacementConfigDecoder: Decoder<ReplacementConfig> = struct('ReplacementConfig', {
  replacements: listOf(replacementFieldDecoder),
});

/** A ReplicaCountTransformer. */
export interface ReplicaConfig {
  readonly replica: Replica;
  readonly fieldSpecs: readonly FieldSpec[] | undefined;
}

export const replicaConfigDecoder: Decoder<ReplicaConfig> = struct('ReplicaConfig', {
  replica: replicaDecoder,
  fieldSpecs: listOf(fieldSpecDecoder),
});

/** A field a ValueAddTransformer fills. */
export interface ValueTarget {
  readonly selector: Selector | undefined;
  readonly fieldPath: string;
  readonly filePathPosition: number;
}

const valueTargetDecoder: Decoder<ValueTarget> = struct('ValueTarget', {
  selector: optional(selectorDecoder),
  fieldPath: text,
  filePathPosition: integer,
});

/** A ValueAddTransformer. */
export interface ValueAddConfig {
  readonly value: string;
  readonly targets: readonly ValueTarget[] | undefined;
  readonly targetFilePath: string;
}

export const valueAddConfigDecoder: Decoder<ValueAddConfig> = struct('ValueAddConfig', {
  value: text,
  targets: listOf(valueTargetDecoder),
  targetFilePath: text,
});

/** An account of Google Cloud. */
interface GoogleAccount {
  readonly name: string;
  readonly projectId: string;
}

const googleAccountDecoder: Decoder<GoogleAccount> = struct('GoogleAccount', {
  name: text,
  projectId: text,
});

/** An IAMPolicyGenerator. */
export interface IamPolicyConfig {
  readonly cloud: string;
  readonly kubernetesService: Names;
  readonly serviceAccount: GoogleAccount;
}

export const iamPolicyConfigDecoder: Decoder<IamPolicyConfig> = struct('IamPolicyConfig', {
  cloud: text,
  kubernetesService: namesDecoder,
  serviceAccount: googleAccountDecoder,
});
