import type { GoValue } from '@tiphys/delivery-helm';
import { anything, flag, listOf, mapOf, optional, struct, text, type Decoder } from './decode.ts';

// The structures of generators and charts in a kustomization (kustomize v5.8.1 api/types).

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

const dataFields = {
  namespace: text,
  name: text,
  behavior: text,
  literals: listOf(text),
  files: listOf(text),
  envs: listOf(text),
  env: text,
  options: optional(generatorOptionsDecoder),
};

export const configMapArgsDecoder: Decoder<ConfigMapArgs> = struct('ConfigMapArgs', dataFields);

/** A Secret to generate. */
export interface SecretArgs extends ConfigMapArgs {
  readonly type: string;
}

export const secretArgsDecoder: Decoder<SecretArgs> = struct('SecretArgs', { ...dataFields, type: text });

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
