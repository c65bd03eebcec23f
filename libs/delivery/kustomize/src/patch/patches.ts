import { fromBytes } from '@tiphys/delivery-helm';
import { attempt, fail, KustomizeError, prefixed } from '../kustomize-error.ts';
import type { Patch } from '../load/fields.ts';
import type { Loader } from '../load/loader.ts';
import { readResources, type ReadContext } from '../load/resources.ts';
import { BUILD } from '../resource/annotations.ts';
import { formatId, idKey } from '../resource/res-id.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import type { Selector } from '../resource/selector.ts';
import { applyJsonPatch, parseJsonPatch, type Operation } from './json-patch.ts';

/** Changes the objects of a build. */
export type Transform = (map: ResMap) => void;

/** What patches are read in. */
export interface PatchContext extends ReadContext {
  readonly loader: Loader;
  /** Where errors and objects say they come from. */
  readonly file: string;
}

/** Reads the patches of `patchesStrategicMerge`: each a text or a file (kustomize v5.8.1 PatchStrategicMergeTransformer). */
export async function strategicMergePatches(paths: readonly string[], inline: string, context: PatchContext): Promise<Transform> {
  if (paths.length === 0 && inline === '') fail('empty file path and empty patch content');
  const patches: Resource[] = [];
  for (const path of paths) patches.push(...(await readTextOrFile(path, context)));
  if (inline !== '') patches.push(...readResources(inline, context.file, context));
  if (patches.length === 0) fail(`patch appears to be empty; files=[${paths.join(' ')}], Patch=${inline}`);
  return (map) => {
    for (const patch of patches) applyTo(map, [map.patchTarget(patch.originalId)], patch);
  };
}

async function readTextOrFile(path: string, context: PatchContext): Promise<readonly Resource[]> {
  const inline = attempt(() => readResources(path, context.file, context));
  if (!(inline instanceof KustomizeError)) return inline;
  const bytes = await context.loader.load(path);
  try {
    return readResources(bytes, path, context);
  } catch (error) {
    if (!(error instanceof KustomizeError) || !error.message.includes('MalformedYAMLError')) throw error;
    throw new KustomizeError(error.detail, `${error.message} in File: ${path}`, { cause: error });
  }
}

// Every object gets a patch of its own, of its own kind unless the patch may change it.
function applyTo(map: ResMap, targets: readonly Resource[], patch: Resource): void {
  const wanted = new Set(targets.map(({ id }) => idKey(id)));
  for (const resource of map.resources) {
    if (!wanted.has(idKey(resource.id))) continue;
    const copy = patch.copy();
    copy.mergeMetadataFrom(patch);
    copy.setGvk(resource.gvk);
    copy.setKind(patch.kind);
    resource.applyPatch(copy);
  }
  const left = map.resources.filter(({ isEmpty }) => !isEmpty);
  map.replaceAll([]);
  map.appendAll(left);
}

/** Reads one of `patches`: a text or file, a strategic merge or JSON patch (kustomize v5.8.1 PatchTransformer). */
export async function generalPatch(patch: Patch, context: PatchContext, describe: () => string): Promise<Transform> {
  const inline = patch.patch.trim();
  if (inline === '' && patch.path === '') fail(`must specify one of patch and path in\n${describe()}`);
  if (inline !== '' && patch.path !== '') fail(`patch and path can't be set at the same time\n${describe()}`);
  const source = inline === '' ? `[path: ${JSON.stringify(patch.path)}]` : `[patch: ${describePatch(inline)}]`;
  const text = inline === '' ? await loadPatch(patch.path, context.loader) : inline;
  const merges = attempt(() => readResources(text, context.file, context));
  const operations = attempt(() => parseJsonPatch(text));
  if (merges instanceof KustomizeError && operations instanceof KustomizeError) fail(`unable to parse SM or JSON patch from ${source}`);
  if (!(merges instanceof KustomizeError) && !(operations instanceof KustomizeError) && merges.length > 0 && operations.length > 0) {
    fail(`illegally qualifies as both an SM and JSON patch: ${source}`);
  }
  if (!(merges instanceof KustomizeError)) return mergeTransform(merges, patch, source);
  return operations instanceof KustomizeError ? (): void => undefined : jsonTransform(operations, patch.target, source, context);
}

// What a patch of a Secret says is nobody's business.
function describePatch(text: string): string {
  return /\b(?:data|stringData)\b/.test(text) ? '"..."' : JSON.stringify(text);
}

async function loadPatch(path: string, loader: Loader): Promise<string> {
  try {
    return fromBytes(await loader.load(path));
  } catch (error) {
    throw prefixed(`failed to get the patch file from path(${path})`, error);
  }
}

function mergeTransform(patches: readonly Resource[], { target, options }: Patch, source: string): Transform {
  for (const patch of patches) {
    if (options?.allowNameChange === true) patch.enable(BUILD.allowNameChange);
    if (options?.allowKindChange === true) patch.enable(BUILD.allowKindChange);
  }
  return (map) => {
    const [first] = patches;
    if (target !== undefined && first !== undefined) {
      if (patches.length > 1) fail(`Multiple Strategic-Merge Patches in one \`patches\` entry is not allowed to set \`patches.target\` field: ${source}`);
      applyTo(map, map.select(target), first);
      return;
    }
    for (const patch of patches) patchTargetOf(map, patch).applyPatch(patch);
  };
}

function patchTargetOf(map: ResMap, patch: Resource): Resource {
  try {
    return map.patchTarget(patch.originalId);
  } catch (error) {
    throw prefixed(`no resource matches strategic merge patch "${formatId(patch.originalId)}"`, error);
  }
}

function jsonTransform(operations: readonly Operation[], target: Selector | undefined, source: string, { budget }: PatchContext): Transform {
  return (map) => {
    if (target === undefined) return fail(`must specify a target for JSON patch ${source}`);
    for (const resource of map.select(target)) {
      resource.storePreviousId();
      applyJsonPatch(resource, operations, budget);
    }
  };
}

/** Reads one of `patchesJson6902` (kustomize v5.8.1 PatchJson6902Transformer). */
export async function json6902Patch(
  patch: { readonly target: Selector | undefined; readonly path: string; readonly jsonOp: string },
  context: PatchContext,
): Promise<Transform> {
  const { target, path, jsonOp } = patch;
  if (target === undefined || target.name === '') return fail('must specify the target name');
  if (path === '' && jsonOp === '') fail('empty file path and empty jsonOp');
  if (path !== '' && jsonOp !== '') fail('must specify a file path or jsonOp, not both');
  const text = path === '' ? jsonOp : fromBytes(await context.loader.load(path));
  if (text === '') fail(`patch file '${path}' empty seems to be empty`);
  const operations = parseJsonPatch(text);
  if (operations.length === 0) fail(`patch appears to be empty; file=${path}`);
  return (map) => {
    for (const resource of map.select(target)) applyJsonPatch(resource, operations, context.budget);
  };
}
