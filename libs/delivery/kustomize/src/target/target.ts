import { fromBytes, readYaml } from '@tiphys/delivery-helm';
import { generateConfigMap, generateSecret, mergeGeneratorOptions } from '../generate/generators.ts';
import { checkChart, inflateChart } from '../generate/helm-charts.ts';
import { attempt, fail, KustomizeError, prefixed, reading } from '../kustomize-error.ts';
import { decodeWith } from '../load/decode.ts';
import type { Kustomization } from '../load/fields.ts';
import type { HelmChart } from '../load/generator-fields.ts';
import { KUSTOMIZATION_FILES, parseKustomization } from '../load/kustomization.ts';
import { isRemoteFile, type Loader } from '../load/loader.ts';
import { withoutCredentials } from '../load/repo-spec.ts';
import { isMalformed, readResourceFile, readResources } from '../load/resources.ts';
import { addVars } from '../reference/vars.ts';
import { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { loadCrdConfig } from '../transform/crd-config.ts';
import { defaultTransformerConfig } from '../transform/default-field-specs.ts';
import {
  emptyTransformerConfig,
  mergeConfigs,
  toTransformerConfig,
  transformerConfigDecoder,
  type TransformerConfig,
} from '../transform/transformer-config.ts';
import { Accumulator } from './accumulator.ts';
import { generatorsOf, transformersOf } from './config-objects.ts';
import type { BuildContext } from './context.ts';
import { fieldTransformers } from './field-transformers.ts';
import { addOrigin, addTransformation, appendPath, configuredBy, formatOrigin, type Origin } from './origin.ts';
import { ORIGIN } from '../resource/annotations.ts';
import { configured, type GeneratorStep, type TransformerStep } from './steps.ts';
import { validate } from './validate.ts';

/** What a kustomization is given by the one that names it. */
interface Inherited {
  readonly origin: Origin | undefined;
  readonly buildMetadata: readonly string[] | undefined;
  /** The namespace charts are rendered for where the kustomization names none. */
  readonly helmNamespace: string;
}

/** Changes a kustomization that was read, before it is built. */
export type Edit = (kustomization: Kustomization) => Kustomization;

/** One kustomization on its way to objects (kustomize v5.8.1 KustTarget). */
export class Target {
  readonly kustomization: Kustomization;
  readonly #fileName: string;
  readonly #loader: Loader;
  readonly #context: BuildContext;
  readonly #inherited: Inherited;

  private constructor(kustomization: Kustomization, fileName: string, loader: Loader, context: BuildContext, inherited: Inherited) {
    this.kustomization = kustomization;
    this.#fileName = fileName;
    this.#loader = loader;
    this.#context = context;
    this.#inherited = inherited;
  }

  /** Reads the kustomization of a build. Throws KustomizeError. */
  static async loadRoot(loader: Loader, context: BuildContext, edit: Edit | undefined): Promise<Target> {
    const { kustomization: read, fileName } = await readKustomization(loader, edit);
    const origin = (read.buildMetadata ?? []).length > 0 ? {} : undefined;
    await setSchemas(read, loader, context, true);
    return new Target(read, fileName, loader, context, { origin, buildMetadata: read.buildMetadata, helmNamespace: '' });
  }

  /** All objects of the kustomization and what it names, before names are fixed. Throws KustomizeError. */
  async accumulate(into: Accumulator = new Accumulator()): Promise<Accumulator> {
    const k = this.kustomization;
    await this.#accumulateResources(into, k.resources ?? [], 'accumulating resources');
    into.mergeConfig(await loadTransformerConfig(k.configurations ?? [], this.#loader), 'merging config');
    into.mergeConfig(await this.#crdConfig(k.crds ?? []), 'merging CRDs');
    await this.#runGenerators(into);
    const all = await this.#accumulateComponents(into, k.components ?? []);
    await this.#runTransformers(all);
    await validate(await this.#configObjects(k.validators ?? [], 'transformer'), all.map, { loader: this.#loader, build: this.#context });
    all.vars = addVars(all.vars, k.vars ?? [], all.map);
    return all;
  }

  async #crdConfig(paths: readonly string[]): Promise<TransformerConfig> {
    try {
      return await loadCrdConfig(paths, this.#loader);
    } catch (error) {
      throw prefixed(`loading CRDs [${paths.join(' ')}]`, error);
    }
  }

  get #file(): string {
    return this.#loader.placeOf(this.#fileName);
  }

  // ---- resources, bases and components ----

  async #accumulateResources(into: Accumulator, paths: readonly string[], what: string): Promise<void> {
    const ids = into.map.idKeys();
    for (const path of paths) {
      try {
        await this.#accumulateResource(into, path, ids);
      } catch (error) {
        throw what === '' ? error : prefixed(what, error);
      }
    }
  }

  // A file, or else a base.
  async #accumulateResource(into: Accumulator, path: string, ids: Set<string>): Promise<void> {
    const fileProblem = await this.#accumulateFile(into, path, ids);
    if (fileProblem === undefined) return;
    try {
      const loader = await this.#loader.open(path);
      absorb(into, await this.#accumulateBase(loader, path), loader, ids);
    } catch (error) {
      if (!(error instanceof KustomizeError)) throw error;
      if (isMalformed(fileProblem) && !isRemoteFile(path)) throw fileProblem;
      const code = fileProblem.code === 'remote' && error.code === 'missing' ? 'remote' : error.code;
      throw new KustomizeError({ code }, `accumulation err='${fileProblem.message}': ${error.message}`, { cause: error });
    }
  }

  async #accumulateFile(into: Accumulator, path: string, ids: Set<string>): Promise<KustomizeError | undefined> {
    let what = `accumulating resources from '${withoutCredentials(path)}'`;
    try {
      const bytes = await this.#loader.load(path);
      const resources = readResourceFile(bytes, this.#loader.placeOf(path), path, this.#context);
      new ResMap(resources);
      const { origin } = this.#inherited;
      if (origin !== undefined) {
        const text = formatOrigin(appendPath(origin, path));
        for (const resource of resources) resource.setAnnotations(resource.annotations.set(ORIGIN, text));
      }
      what = `merging resources from '${withoutCredentials(path)}'`;
      into.map.appendAll(resources, ids);
      this.#context.budget.check('objects', into.map.resources.length);
      return undefined;
    } catch (error) {
      const problem = prefixed(what, error);
      if (problem instanceof KustomizeError && problem.code !== 'limit') return problem;
      throw problem;
    }
  }

  async #accumulateBase(loader: Loader, path: string): Promise<Accumulator> {
    const target = await this.#subTarget(loader, path);
    if (target.kustomization.kind === 'Component') fail(`expected kind != 'Component' for path '${loader.root}'`);
    return target.#accumulateAsBase(loader);
  }

  async #accumulateAsBase(loader: Loader, into?: Accumulator): Promise<Accumulator> {
    try {
      return await this.accumulate(into);
    } catch (error) {
      throw prefixed(`recursed accumulation of path '${loader.root}'`, error);
    }
  }

  async #subTarget(loader: Loader, path: string): Promise<Target> {
    const { origin, buildMetadata, helmNamespace } = this.#inherited;
    let read: Awaited<ReturnType<typeof readKustomization>>;
    try {
      read = await readKustomization(loader, undefined);
    } catch (error) {
      throw prefixed(`couldn't make target for path '${loader.root}'`, error);
    }
    await setSchemas(read.kustomization, loader, this.#context, false);
    return new Target(read.kustomization, read.fileName, loader, this.#context, {
      origin: origin === undefined ? undefined : appendPath(origin, path),
      buildMetadata,
      helmNamespace: this.kustomization.namespace === '' ? helmNamespace : this.kustomization.namespace,
    });
  }

  // A component works on what is there already.
  async #accumulateComponents(into: Accumulator, paths: readonly string[]): Promise<Accumulator> {
    let all = into;
    for (const path of paths) {
      try {
        all = await this.#accumulateComponent(all, path);
      } catch (error) {
        throw prefixed('accumulating components', error);
      }
    }
    return all;
  }

  async #accumulateComponent(into: Accumulator, path: string): Promise<Accumulator> {
    let loader: Loader;
    try {
      loader = await this.#loader.open(path);
    } catch (error) {
      throw quoted('loader.New', error);
    }
    try {
      const target = await this.#subTarget(loader, path);
      if (target.kustomization.kind !== 'Component') fail(`expected kind 'Component' for path '${loader.root}' but got '${target.kustomization.kind}'`);
      const all = new Accumulator();
      absorb(all, await target.#accumulateAsBase(loader, into), loader);
      return all;
    } catch (error) {
      throw quoted('accumulateDirectory:', error);
    }
  }

  // ---- generators ----

  async #runGenerators(into: Accumulator): Promise<void> {
    const own = await this.#fieldGenerators();
    const objects = await this.#configObjects(this.kustomization.generators ?? [], 'generator');
    const configuredSteps = await generatorsOf(objects, { loader: this.#loader, build: this.#context });
    const made: Resource[] = [];
    for (const step of [...own, ...configuredSteps]) {
      const resources = await step.generate();
      addOrigin(resources, step.origin);
      made.push(...resources);
      this.#context.budget.check('objects', into.map.resources.length + made.length);
    }
    try {
      into.map.absorbAll(made);
    } catch (error) {
      throw prefixed('merging from generator', error);
    }
  }

  async #fieldGenerators(): Promise<readonly GeneratorStep[]> {
    const k = this.kustomization;
    const file = this.#file;
    const steps: GeneratorStep[] = [];
    const add = (kind: string, generate: GeneratorStep['generate']): void => {
      steps.push({ origin: this.#originOf(kind), generate });
    };
    for (const written of k.configMapGenerator ?? []) {
      const args = { ...written, options: mergeGeneratorOptions(written.options, k.generatorOptions) };
      add('ConfigMapGenerator', async () => [await generateConfigMap(args, this.#loader, this.#context, file)]);
    }
    for (const written of k.secretGenerator ?? []) {
      const args = { ...written, options: mergeGeneratorOptions(written.options, k.generatorOptions) };
      add('SecretGenerator', async () => [await generateSecret(args, this.#loader, this.#context, file)]);
    }
    const globals = k.helmGlobals ?? { chartHome: '', configHome: '' };
    for (const written of k.helmCharts ?? []) {
      const chart: HelmChart = { ...written, namespace: written.namespace || k.namespace || this.#inherited.helmNamespace };
      await configured('HelmChartInflationGenerator', { ...globals, ...chart }, () => checkChart(chart, this.#loader, this.#context));
      add('HelmChartInflationGenerator', () => inflateChart(chart, globals, this.#loader, this.#context));
    }
    return steps;
  }

  #originOf(kind: string): Origin | undefined {
    const { origin } = this.#inherited;
    return origin === undefined ? undefined : configuredBy(origin, this.#fileName, kind);
  }

  // Configuration objects stand in the kustomization itself, in files, or in kustomizations of their own.
  async #configObjects(entries: readonly string[], what: 'generator' | 'transformer'): Promise<readonly Resource[]> {
    const found = new Accumulator();
    const paths: string[] = [];
    const { origin } = this.#inherited;
    for (const entry of entries) {
      const inline = attempt(() => new ResMap(readResources(entry, this.#file, this.#context)).resources);
      if (inline instanceof KustomizeError) {
        paths.push(entry);
        continue;
      }
      if (origin !== undefined) addOrigin(inline, appendPath(origin, this.#fileName));
      try {
        found.map.appendAll(inline);
      } catch (error) {
        throw prefixed(`configuring external ${what}`, error);
      }
    }
    await this.#accumulateResources(found, paths, '');
    return found.map.resources;
  }

  // ---- transformers ----

  async #runTransformers(all: Accumulator): Promise<void> {
    const context = { ...this.#context, loader: this.#loader, file: this.#file };
    const own = (await fieldTransformers(this.kustomization, all.config, context)).map(({ kind, transform }): TransformerStep => ({
      origin: this.#originOf(kind),
      transform,
    }));
    const objects = await this.#configObjects(this.kustomization.transformers ?? [], 'transformer');
    for (const { origin, transform } of [...own, ...(await transformersOf(objects, { loader: this.#loader, build: this.#context }))]) {
      transform(all.map);
      if (origin !== undefined) addTransformation(all.map, origin);
      all.map.dropEmpties();
    }
  }
}

function absorb(into: Accumulator, base: Accumulator, { root }: Loader, ids?: Set<string>): void {
  try {
    into.absorb(base, ids);
  } catch (error) {
    throw prefixed(`recursed merging from path '${root}'`, error);
  }
}

// Components put the message of what went wrong in quotes.
function quoted(what: string, error: unknown): unknown {
  if (!(error instanceof KustomizeError)) return error;
  return new KustomizeError(error.detail, `${what} ${JSON.stringify(error.message)}`, { cause: error });
}

async function readKustomization(loader: Loader, edit: Edit | undefined): Promise<{ readonly kustomization: Kustomization; readonly fileName: string }> {
  const found = await Promise.all(KUSTOMIZATION_FILES.map((name) => loader.loadBeside(name)));
  const names = KUSTOMIZATION_FILES.filter((_, index) => found[index] !== undefined);
  const [fileName] = names;
  const bytes = found.find((file) => file !== undefined);
  if (fileName === undefined || bytes === undefined) {
    return fail(`unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${loader.root}'`);
  }
  if (names.length > 1) fail(`Found multiple kustomization files under: ${loader.root}\n`);
  return { kustomization: parseKustomization(bytes, loader.root, edit), fileName };
}

async function setSchemas({ openapi }: Kustomization, loader: Loader, { schemas }: BuildContext, isRoot: boolean): Promise<void> {
  if (openapi === undefined) return;
  const path = openapi.get('path');
  schemas.set(openapi, path === undefined ? undefined : await loader.load(path), isRoot);
}

async function loadTransformerConfig(paths: readonly string[], loader: Loader): Promise<TransformerConfig> {
  let written = emptyTransformerConfig;
  for (const path of paths) {
    const bytes = await loader.load(path);
    const file = toTransformerConfig(
      decodeWith(
        transformerConfigDecoder,
        reading(() => readYaml(fromBytes(bytes))),
        'strict',
      ),
    );
    written = mergeConfigs(written, file);
  }
  return mergeConfigs(defaultTransformerConfig, written);
}
