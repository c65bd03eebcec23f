import type { ApplicationSource } from '@tiphys/delivery-applications';
import { substituteWith, toObjects, type Substitute } from '@tiphys/delivery-helm';
import type { LocatedObject, ManifestProblem } from '@tiphys/kube-yaml';
import { buildEdited, KUSTOMIZE_VERSION, type BuildOptions } from '../build.ts';
import { fail } from '../kustomize-error.ts';
import { KUSTOMIZATION_FILES } from '../load/kustomization.ts';
import { joinPath, type KustomizeReads } from '../load/loader.ts';
import { applyBlock } from './edit.ts';
import { readKustomizeBlock, type KustomizeBlock } from './options.ts';

/** What is rendered: a source, its folder in the repository (empty for the root), and the application it belongs to. */
export interface KustomizeSourceRequest {
  readonly source: ApplicationSource;
  readonly path: string;
  readonly environment: { readonly application: string; readonly namespace: string; readonly project: string };
}

/** The reads a Kustomize source may make. Structurally those of a render tool. */
export interface KustomizeSourceReads extends KustomizeReads {
  capabilities(): Promise<{ readonly kubeVersion: string; readonly apiVersions: readonly string[] }>;
  revision(): Promise<string>;
}

/** What may be handed in besides, as for a build. */
export type KustomizeSourceOptions = Omit<BuildOptions, 'capabilities' | 'root' | 'addManagedByLabel' | 'reorder'>;

/** What a Kustomize source renders to. */
export interface KustomizeSourceOutput {
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
  /** The images of all containers, sorted, each once. */
  readonly images: readonly string[];
}

/** Whether a source is Kustomize's: by its block, or by a kustomization in its folder. */
export async function detectKustomizeSource({ source, path }: KustomizeSourceRequest, reads: KustomizeSourceReads): Promise<boolean> {
  if (source.kustomize !== undefined) return true;
  // An explicit block of another tool wins over what lies in the folder.
  if (source.directory !== undefined || source.helm !== undefined || source.plugin !== undefined) return false;
  const names: readonly string[] = KUSTOMIZATION_FILES;
  return ((await reads.list(path)) ?? []).some(({ name, kind }) => kind !== 'directory' && names.includes(name));
}

/** Renders a Kustomize source as Argo CD would have `kustomize edit` and `kustomize build` do it. Throws KustomizeError and what the reads throw. */
export async function renderKustomizeSource(
  request: KustomizeSourceRequest,
  reads: KustomizeSourceReads,
  options: KustomizeSourceOptions = {},
): Promise<KustomizeSourceOutput> {
  const written = readKustomizeBlock(request.source.kustomize);
  checkVersion(written.version);
  const block = await fillIn(written, request.path, reads, substitution(request, reads, written));
  // Only charts ask for the cluster.
  const capabilities = options.enableHelm === true ? await capabilitiesFor(block, reads) : undefined;
  const build = await buildEdited(request.path, reads, { ...options, capabilities }, (kustomization) => applyBlock(kustomization, block));
  return { ...toObjects(build.objects.map(({ file, value }) => ({ path: file, value }))), images: build.images };
}

function checkVersion(version: string): void {
  if (version === '' || version.replace(/^v?/, 'v') === KUSTOMIZE_VERSION) return;
  fail(`spec.source.kustomize.version: ${version} is not available; this builds as Kustomize ${KUSTOMIZE_VERSION} does, remove the field`);
}

async function fillIn(block: KustomizeBlock, folder: string, reads: KustomizeReads, substitute: Substitute): Promise<KustomizeBlock> {
  const fill = async (map: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> =>
    new Map(await Promise.all([...map].map(async ([key, value]): Promise<[string, string]> => [key, await substitute(value)])));
  return {
    ...block,
    images: await Promise.all(block.images.map(substitute)),
    commonLabels: await fill(block.commonLabels),
    commonAnnotations: block.commonAnnotationsEnvsubst ? await fill(block.commonAnnotations) : block.commonAnnotations,
    components: block.ignoreMissingComponents ? await existing(block.components, folder, reads) : block.components,
  };
}

async function existing(components: readonly string[], folder: string, reads: KustomizeReads): Promise<readonly string[]> {
  const found: string[] = [];
  for (const component of components) {
    const place = joinPath(`/${folder}`, component);
    if (place !== undefined && (await reads.list(place.slice(1))) !== undefined) found.push(component);
  }
  return found;
}

function substitution({ source, path, environment }: KustomizeSourceRequest, reads: KustomizeSourceReads, block: KustomizeBlock): Substitute {
  return substituteWith({
    ...environment,
    path,
    repoUrl: source.repoURL,
    targetRevision: source.targetRevision ?? '',
    revision: () => reads.revision(),
    kubeVersion: async () => (await capabilitiesFor(block, reads)).kubeVersion,
    apiVersions: async () => (await capabilitiesFor(block, reads)).apiVersions,
  });
}

async function capabilitiesFor(
  { kubeVersion, apiVersions }: KustomizeBlock,
  reads: KustomizeSourceReads,
): Promise<{ readonly kubeVersion: string; readonly apiVersions: readonly string[] }> {
  if (kubeVersion !== '' && apiVersions.length > 0) return { kubeVersion, apiVersions };
  const cluster = await reads.capabilities();
  return { kubeVersion: kubeVersion === '' ? cluster.kubeVersion : kubeVersion, apiVersions: apiVersions.length === 0 ? cluster.apiVersions : apiVersions };
}
