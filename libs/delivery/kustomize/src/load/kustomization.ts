import { fromBytes, readYaml } from '@tiphys/delivery-helm';
import { fail, prefixed, reading } from '../kustomize-error.ts';
import { decodeWith } from './decode.ts';
import { kustomizationDecoder, type Kustomization } from './fields.ts';
import { type HelmChart } from './generator-fields.ts';

/** The names a kustomization may have; exactly one of them must be there. */
export const KUSTOMIZATION_FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

const VERSIONS: Readonly<Record<string, string>> = {
  Kustomization: 'kustomize.config.k8s.io/v1beta1',
  Component: 'kustomize.config.k8s.io/v1alpha1',
};

/** Reads a kustomization; deprecated fields are moved to those that took their place, after `edit`. Throws KustomizeError. */
export function parseKustomization(bytes: Uint8Array, folder: string, edit: (read: Kustomization) => Kustomization = (read) => read): Kustomization {
  return finish(edit(fixDeprecated(decode(bytes))), folder);
}

function decode(bytes: Uint8Array): Kustomization {
  try {
    return decodeWith(
      kustomizationDecoder,
      reading(() => readYaml(fromBytes(bytes))),
      'strict',
    );
  } catch (error) {
    throw prefixed('invalid Kustomization', error);
  }
}

// What `kustomize build` fills in and checks (kustomize v5.8.1 `FixKustomization`, `CheckEmpty`, `EnforceFields`).
function finish(read: Kustomization, folder: string): Kustomization {
  const kind = read.kind === '' ? 'Kustomization' : read.kind;
  const isEmpty = Object.entries(read).every(
    ([field, value]) => field === 'kind' || field === 'apiVersion' || value === undefined || value === '' || isEmptyList(value, field),
  );
  if (isEmpty) fail('kustomization.yaml is empty');
  const problems: string[] = [];
  const version = VERSIONS[kind];
  if (version === undefined) problems.push('kind should be Kustomization or Component');
  const wanted = version ?? VERSIONS['Kustomization'] ?? '';
  if (read.apiVersion !== '' && read.apiVersion !== wanted) problems.push(`apiVersion for ${kind} should be ${wanted}`);
  if (problems.length > 0) fail(`Failed to read kustomization file under ${folder}:\n${problems.join('\n')}`);
  return { ...read, kind };
}

// Lists that were put together are nil in Go while nothing is in them; one that was written as [] is not nil.
function isEmptyList(value: unknown, field: string): boolean {
  return ['resources', 'images', 'helmCharts'].includes(field) && Array.isArray(value) && value.length === 0;
}

function fixDeprecated(read: Kustomization): Kustomization {
  const generators = <T extends { readonly env: string; readonly envs: readonly string[] | undefined }>(
    list: readonly T[] | undefined,
  ): readonly T[] | undefined => list?.map((args) => (args.env === '' ? args : { ...args, env: '', envs: [...(args.envs ?? []), args.env] }));
  const old = read.helmChartInflationGenerator ?? [];
  const chartHome = old.findLast((args) => args.chartHome !== '')?.chartHome ?? '';
  const configHome = old.findLast((args) => args.helmHome !== '')?.helmHome ?? '';
  return {
    ...read,
    resources: joined(read.resources, read.bases),
    bases: undefined,
    images: joined(read.images, read.imageTags),
    imageTags: undefined,
    configMapGenerator: generators(read.configMapGenerator),
    secretGenerator: generators(read.secretGenerator),
    helmGlobals: read.helmGlobals ?? (chartHome === '' && configHome === '' ? undefined : { chartHome, configHome }),
    helmCharts: joined(read.helmCharts, old.map(fromOldChart)),
    helmChartInflationGenerator: undefined,
  };
}

function joined<T>(list: readonly T[] | undefined, more: readonly T[] | undefined): readonly T[] | undefined {
  return more === undefined || more.length === 0 ? list : [...(list ?? []), ...more];
}

function fromOldChart(old: NonNullable<Kustomization['helmChartInflationGenerator']>[number]): HelmChart {
  return {
    name: old.chartName,
    version: old.chartVersion,
    repo: old.chartRepoUrl,
    valuesFile: old.values,
    valuesInline: old.valuesLocal,
    valuesMerge: old.valuesMerge,
    releaseName: old.releaseName,
    namespace: '',
    additionalValuesFiles: undefined,
    includeCRDs: false,
    skipHooks: false,
    apiVersions: undefined,
    kubeVersion: '',
    nameTemplate: '',
    skipTests: false,
    debug: false,
    devel: false,
  };
}
