import { writeYaml, type FetchChart, type GoValue } from '@tiphys/delivery-helm';
import { addHashes } from './generate/hash.ts';
import { Budget, type KustomizeLimits } from './limits.ts';
import { Loader, joinPath, type KustomizeReads, type LoaderContext, type RemoteBase } from './load/loader.ts';
import { checkMetadata } from './load/resources.ts';
import { fail } from './kustomize-error.ts';
import { Schemas } from './patch/merge-schema.ts';
import { fixNameReferences } from './reference/name-references.ts';
import { resolveVars } from './reference/vars.ts';
import { LOCAL_CONFIG, ORIGIN, TRANSFORMATIONS } from './resource/annotations.ts';
import type { ResMap } from './resource/res-map.ts';
import type { Resource } from './resource/resource.ts';
import type { Accumulator } from './target/accumulator.ts';
import type { BuildContext, Capabilities } from './target/context.ts';
import { Target, type Edit } from './target/target.ts';
import { imagesIn } from './transform/found-images.ts';
import { addEntries } from './transform/labels.ts';
import { sortObjects } from './transform/sort.ts';
import { readAgain } from './yaml/read-again.ts';

/** The version of Kustomize this builds like. */
export const KUSTOMIZE_VERSION = 'v5.8.1';

/** How a kustomization is built: the flags of `kustomize build`, and what a caller may hand in of the world. */
export interface BuildOptions {
  /** Whether charts are rendered (`--enable-helm`). */
  readonly enableHelm?: boolean;
  /** What the root of the reads is: a repository's, which nothing may lead out of (so unless given), or a file system's, where `..` stays. */
  readonly root?: 'repository' | 'filesystem';
  /** Where files may stand (`--load-restrictor`); `rootOnly` unless given. */
  readonly loadRestrictions?: 'rootOnly' | 'none';
  /** The order of the output (`--reorder`) where the kustomization names none; `legacy` unless given, as on the command line. */
  readonly reorder?: 'none' | 'legacy';
  /** Whether every object gets the label app.kubernetes.io/managed-by. */
  readonly addManagedByLabel?: boolean;
  /** Opens a base in another repository; absent or undefined refuses it with an error of class `remote`. */
  readonly openRemote?: ((base: RemoteBase) => Promise<KustomizeReads | undefined>) | undefined;
  /** Fetches a file over HTTP; absent or undefined refuses it. */
  readonly fetchFile?: ((url: string) => Promise<Uint8Array | undefined>) | undefined;
  readonly fetchChart?: FetchChart | undefined;
  readonly capabilities?: Capabilities | undefined;
  readonly limits?: Partial<KustomizeLimits>;
}

/** An object of a build. */
export interface BuiltObject {
  readonly value: GoValue;
  /** The file it comes from, relative to the root of its repository; for generated ones the kustomization. */
  readonly file: string;
}

/** What a kustomization builds to. */
export interface KustomizeBuild {
  readonly objects: readonly BuiltObject[];
  /** The images of all containers, sorted, each once. */
  readonly images: readonly string[];
  /** The output of `kustomize build`, byte for byte. */
  text(): string;
}

/** Builds the kustomization in a folder. Nothing is written, and nothing read but through `reads` and `options`. Throws KustomizeError. */
export function buildKustomization(path: string, reads: KustomizeReads, options: BuildOptions = {}): Promise<KustomizeBuild> {
  return buildEdited(path, reads, options, undefined);
}

/** Builds a kustomization as it is after an edit of its root. Throws KustomizeError. */
export async function buildEdited(path: string, reads: KustomizeReads, options: BuildOptions, edit: Edit | undefined): Promise<KustomizeBuild> {
  const budget = new Budget(options.limits);
  const context: BuildContext = {
    budget,
    schemas: new Schemas(),
    enableHelm: options.enableHelm === true,
    fetchChart: options.fetchChart,
    capabilities: options.capabilities,
  };
  const target = await Target.loadRoot(await openRoot(path, reads, { ...loaderContext(options), budget }), context, edit);
  const accumulated = await target.accumulate();
  finishNames(accumulated);
  const { map } = accumulated;
  dropLocal(map);
  finishOutput(map, target, options);
  const objects = map.resources.map((resource) => ({ value: readAgain(resource.value()), file: resource.file }));
  return { objects, images: imagesIn(objects.map(({ value }) => value)), text: () => formatObjects(objects, budget) };
}

function loaderContext({ root = 'repository', loadRestrictions = 'rootOnly', openRemote, fetchFile }: BuildOptions): Omit<LoaderContext, 'budget'> {
  return { root, loadRestrictions, openRemote, fetchFile };
}

async function openRoot(path: string, reads: KustomizeReads, context: LoaderContext): Promise<Loader> {
  const root = joinPath('/', path) ?? fail(`must build at directory: not a valid directory: '${path}' leads out of the repository`);
  const loader = new Loader(root, reads, context);
  if ((await reads.list(root.slice(1))) !== undefined) return loader;
  if ((await reads.read(root.slice(1))) !== undefined) return fail(`must build at directory: '${root}': file is not directory`);
  return fail(`must build at directory: not a valid directory: evalsymlink failure on '${root}' : lstat ${root}: no such file or directory`, 'missing');
}

// Names are final only now: hashes first, then what refers to them, then what is read out of them.
function finishNames({ map, config, vars }: Accumulator): void {
  addHashes(map);
  fixNameReferences(map, config.nameReference);
  resolveVars(map, vars, config.varReference);
}

function dropLocal(map: ResMap): void {
  for (const { node, isEmpty } of map.resources) if (!isEmpty) checkMetadata(node);
  map.replaceAll(map.resources.filter((resource) => !resource.isEmpty && !isLocal(resource)));
}

function isLocal(resource: Resource): boolean {
  const value = resource.annotation(LOCAL_CONFIG);
  return value !== undefined && value !== 'false';
}

function finishOutput(map: ResMap, { kustomization }: Target, { reorder, addManagedByLabel }: BuildOptions): void {
  const metadata = new Set(kustomization.buildMetadata ?? []);
  if (kustomization.sortOptions !== undefined) sortObjects(map, kustomization.sortOptions);
  else if (reorder !== 'none') sortObjects(map, { order: 'legacy', legacySortOptions: undefined });
  if (addManagedByLabel === true || metadata.has('managedByLabel')) {
    const label = new Map([['app.kubernetes.io/managed-by', `kustomize-${KUSTOMIZE_VERSION}`]]);
    addEntries(map, label, [{ group: '', version: '', kind: '', path: 'metadata/labels', create: true }]);
  }
  for (const resource of map.resources) {
    resource.removeBuildAnnotations();
    if (!metadata.has('originAnnotations')) removeAnnotation(resource, ORIGIN);
    if (!metadata.has('transformerAnnotations')) removeAnnotation(resource, TRANSFORMATIONS);
  }
}

// Annotations are written anew even where the one was not there, which makes texts of all of them.
function removeAnnotation(resource: Resource, name: string): void {
  const { annotations } = resource;
  annotations.delete(name);
  resource.setAnnotations(annotations);
}

function formatObjects(objects: readonly BuiltObject[], budget: Budget): string {
  return objects
    .map(({ value }) => {
      const text = writeYaml(value);
      budget.spend('bytes', text.length);
      return text;
    })
    .join('---\n');
}
