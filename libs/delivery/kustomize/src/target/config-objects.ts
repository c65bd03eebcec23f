import type { GoValue } from '@tiphys/delivery-helm';
import { generateConfigMap, generateSecret } from '../generate/generators.ts';
import { addHashes } from '../generate/hash.ts';
import { checkChart, inflateChart } from '../generate/helm-charts.ts';
import { generateIamPolicy } from '../generate/iam-policy.ts';
import { fail, prefixed } from '../kustomize-error.ts';
import {
  affixConfigDecoder,
  entriesConfigDecoder,
  iamPolicyConfigDecoder,
  imageConfigDecoder,
  jsonPatchConfigDecoder,
  mergePatchConfigDecoder,
  metadataConfigDecoder,
  namespaceConfigDecoder,
  replacementConfigDecoder,
  replicaConfigDecoder,
  valueAddConfigDecoder,
} from '../load/config-fields.ts';
import { decodeWith, type Decoder } from '../load/decode.ts';
import { patchDecoder } from '../load/fields.ts';
import { configMapArgsDecoder, helmChartDecoder, helmGlobalsDecoder, secretArgsDecoder } from '../load/generator-fields.ts';
import type { Loader } from '../load/loader.ts';
import { generalPatch, json6902Patch, strategicMergePatches, type PatchContext, type Transform } from '../patch/patches.ts';
import { applyReplacements } from '../reference/replacements.ts';
import { formatGvk } from '../resource/gvk.ts';
import { formatId } from '../resource/res-id.ts';
import type { Resource } from '../resource/resource.ts';
import { setImages } from '../transform/images.ts';
import { addEntries } from '../transform/labels.ts';
import { addToNames } from '../transform/names.ts';
import { setNamespace, type SubjectMode } from '../transform/namespace.ts';
import { setReplicas } from '../transform/replicas.ts';
import { addValue, loadValueTargets } from '../transform/value-add.ts';
import type { BuildContext } from './context.ts';
import { loadReplacements } from './field-transformers.ts';
import { configuredByObject } from './origin.ts';
import type { GeneratorStep, TransformerStep } from './steps.ts';

/** Where configuration objects are used. */
export interface ConfigContext {
  readonly loader: Loader;
  readonly build: BuildContext;
}

type Generate = () => Promise<readonly Resource[]>;
type Make<T> = (config: GoValue, context: ConfigContext, file: string) => T | Promise<T>;

function read<T>(decoder: Decoder<T>, config: GoValue): T {
  return decodeWith(decoder, config, 'lenient');
}

const GENERATORS: ReadonlyMap<string, Make<Generate>> = new Map<string, Make<Generate>>([
  [
    'ConfigMapGenerator',
    (config, { loader, build }, file) => {
      const args = named(read(configMapArgsDecoder, config), config);
      return async () => [await generateConfigMap(args, loader, build, file)];
    },
  ],
  [
    'SecretGenerator',
    (config, { loader, build }, file) => {
      const args = named(read(secretArgsDecoder, config), config);
      return async () => [await generateSecret(args, loader, build, file)];
    },
  ],
  [
    'HelmChartInflationGenerator',
    async (config, { loader, build }) => {
      const chart = read(helmChartDecoder, config);
      const globals = read(helmGlobalsDecoder, config);
      await checkChart(chart, loader, build);
      return () => inflateChart(chart, globals, loader, build);
    },
  ],
  [
    'IAMPolicyGenerator',
    (config, { build }, file) => {
      const args = read(iamPolicyConfigDecoder, config);
      return () => Promise.resolve(generateIamPolicy(args, file, build));
    },
  ],
]);

function named<T extends { readonly name: string; readonly namespace: string }>(args: T, config: GoValue): T {
  const { metadata } = read(metadataConfigDecoder, config);
  return { ...args, name: args.name === '' ? metadata.name : args.name, namespace: args.namespace === '' ? metadata.namespace : args.namespace };
}

const NONE: ReadonlyMap<string, string> = new Map();

const TRANSFORMERS: ReadonlyMap<string, Make<Transform>> = new Map<string, Make<Transform>>([
  [
    'AnnotationsTransformer',
    (config) => {
      const { annotations = NONE, fieldSpecs = [] } = read(entriesConfigDecoder, config);
      return (map) => addEntries(map, annotations, fieldSpecs);
    },
  ],
  [
    'LabelTransformer',
    (config) => {
      const { labels = NONE, fieldSpecs = [] } = read(entriesConfigDecoder, config);
      return (map) => addEntries(map, labels, fieldSpecs);
    },
  ],
  ['HashTransformer', () => addHashes],
  [
    'ImageTagTransformer',
    (config) => {
      const { imageTag, fieldSpecs = [] } = read(imageConfigDecoder, config);
      return (map) => setImages(map, imageTag, fieldSpecs);
    },
  ],
  ['NamespaceTransformer', namespaceTransform],
  ['PatchJson6902Transformer', (config, context, file) => json6902Patch(read(jsonPatchConfigDecoder, config), patchContext(context, file))],
  [
    'PatchStrategicMergeTransformer',
    (config, context, file) => {
      const { paths = [], patches } = read(mergePatchConfigDecoder, config);
      return strategicMergePatches(paths, patches, patchContext(context, file));
    },
  ],
  ['PatchTransformer', (config, context, file) => generalPatch(read(patchDecoder, config), patchContext(context, file), () => '')],
  [
    'PrefixSuffixTransformer',
    (config) => {
      const transforms = [affix('prefix', config), affix('suffix', config)];
      return (map) => transforms.forEach((transform) => transform(map));
    },
  ],
  ['PrefixTransformer', (config) => affix('prefix', config)],
  ['SuffixTransformer', (config) => affix('suffix', config)],
  [
    'ReplacementTransformer',
    async (config, { loader, build }) => {
      const loaded = await loadReplacements(read(replacementConfigDecoder, config).replacements ?? [], loader);
      return (map) => applyReplacements(map, loaded, build.budget);
    },
  ],
  [
    'ReplicaCountTransformer',
    (config) => {
      const { replica, fieldSpecs = [] } = read(replicaConfigDecoder, config);
      return (map) => setReplicas(map, replica, fieldSpecs);
    },
  ],
  [
    'ValueAddTransformer',
    async (config, { loader }) => {
      const loaded = await loadValueTargets(read(valueAddConfigDecoder, config), loader);
      return (map) => addValue(map, loaded);
    },
  ],
]);

function patchContext({ loader, build }: ConfigContext, file: string): PatchContext {
  return { ...build, loader, file };
}

function affix(side: 'prefix' | 'suffix', config: GoValue): Transform {
  const { fieldSpecs, ...texts } = read(affixConfigDecoder, config);
  const specs = fieldSpecs ?? fail('fieldSpecs is not expected to be nil');
  return (map) => addToNames(map, side, texts[side], specs);
}

const SUBJECT_MODES: readonly SubjectMode[] = ['defaultOnly', 'none', 'allServiceAccounts'];

function namespaceTransform(config: GoValue): Transform {
  const { metadata, fieldSpecs = [], unsetOnly, setRoleBindingSubjects: mode } = read(namespaceConfigDecoder, config);
  const subjects = mode === '' ? 'defaultOnly' : SUBJECT_MODES.find((known) => known === mode);
  if (subjects === undefined) return fail(`invalid value "${mode}" for setRoleBindingSubjects: must be one of "defaultOnly", "none" or "allServiceAccounts"`);
  return (map) => setNamespace(map, { namespace: metadata.namespace, specs: fieldSpecs, unsetOnly, subjects });
}

/** Makes generators of configuration objects. Throws KustomizeError `plugin` for what Kustomize would run as a program. */
export async function generatorsOf(objects: readonly Resource[], context: ConfigContext): Promise<readonly GeneratorStep[]> {
  const steps: GeneratorStep[] = [];
  for (const object of objects) {
    try {
      const made = await make(GENERATORS, object, context);
      steps.push({ origin: configuredByObject(object), generate: made ?? fail(`plugin ${formatId(object.id)} not a generator`) });
    } catch (error) {
      throw prefixed('loading generator plugins: failed to load generator', error);
    }
  }
  return steps;
}

/** Makes transformers of configuration objects. Throws KustomizeError `plugin` for what Kustomize would run as a program. */
export async function transformersOf(objects: readonly Resource[], context: ConfigContext): Promise<readonly TransformerStep[]> {
  const steps: TransformerStep[] = [];
  for (const object of objects) {
    const made = await make(TRANSFORMERS, object, context);
    steps.push({ origin: configuredByObject(object), transform: made ?? fail(`plugin ${formatId(object.id)} not a transformer`) });
  }
  return steps;
}

// Undefined where the kind exists but is of the other sort.
async function make<T>(makers: ReadonlyMap<string, Make<T>>, object: Resource, context: ConfigContext): Promise<T | undefined> {
  const { gvk } = object;
  if (gvk.group !== '' || gvk.version !== 'builtin')
    return fail(`external plugins disabled; unable to load external plugin '${object.originalId.kind}'`, 'plugin');
  if (!GENERATORS.has(gvk.kind) && !TRANSFORMERS.has(gvk.kind)) return fail(`unable to load builtin ${formatGvk(gvk)}`);
  try {
    return await makers.get(gvk.kind)?.(object.value(), context, object.file);
  } catch (error) {
    throw prefixed(`plugin ${formatId(object.originalId)} fails configuration`, error);
  }
}
