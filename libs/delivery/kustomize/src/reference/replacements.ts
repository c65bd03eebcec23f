import { attempt, fail, KustomizeError, within } from '../kustomize-error.ts';
import type { FieldOptions, Replacement, SourceSelector, TargetSelector } from '../load/fields.ts';
import type { Budget } from '../limits.ts';
import { matchesWhole } from '../regex.ts';
import { formatGvk } from '../resource/gvk.ts';
import { formatId, isIdSelected, type ResId } from '../resource/res-id.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { matchesGvk, matchesLabels, type Selector } from '../resource/selector.ts';
import { lookUp } from '../yaml/fields.ts';
import { splitFieldPath } from '../yaml/paths.ts';
import { countNodes, isNilOrEmpty, scalarNode, textOf, type NodeKind, type RNode } from '../yaml/rnode.ts';
import { matchPath } from './path-matcher.ts';
import { parseStructuredText, writeStructuredText } from './structured-text.ts';

const DEFAULT_PATH = 'metadata.name';

/** Copies values of fields into other fields (kustomize v5.8.1 api/filters/replacement). Throws KustomizeError. */
export function applyReplacements(map: ResMap, replacements: readonly Replacement[], budget: Budget): void {
  for (const { source, sourceValue, targets } of replacements) {
    if ((sourceValue === undefined && source === undefined) || targets === undefined) fail('replacements must specify a source and at least one target');
    if (sourceValue !== undefined && source !== undefined) fail('value and resource selectors are mutually exclusive');
    const value = source === undefined ? scalarNode(sourceValue ?? '') : valueFrom(source, map);
    for (const target of targets ?? []) replaceIn(map, target, value, budget);
  }
}

// The ids an object has and had; that it may have no namespace does not count here.
function idsOf(resource: Resource): readonly ResId[] {
  return [{ ...resource.id, isClusterScoped: false }, ...resource.previousIds];
}

function valueFrom(source: SourceSelector, map: ResMap): RNode {
  const wanted: ResId = { ...source, isClusterScoped: false };
  const matches = map.resources.filter((resource) => idsOf(resource).some((id) => isIdSelected(id, wanted)));
  if (matches.length > 1) fail(`multiple matches for selector ${formatSource(source)}`);
  const [resource] = matches;
  if (resource === undefined) return fail(`nothing selected by ${formatSource(source)}`);
  const path = source.fieldPath === '' ? DEFAULT_PATH : source.fieldPath;
  const found = within('error looking up replacement source', () => lookUp(resource.node, splitFieldPath(path)));
  if (found === undefined || isNilOrEmpty(found)) return fail(`fieldPath \`${path}\` is missing for replacement source ${formatId(wanted)}`);
  return refine(found, source.options);
}

function formatSource(source: SourceSelector): string {
  const { options, fieldPath } = source;
  const hasOptions = options !== undefined && (options.delimiter !== '' || options.create);
  const optionText = hasOptions ? `${options.delimiter}(${options.index}), create=${String(options.create)}` : '';
  return [formatId({ ...source, isClusterScoped: false }), fieldPath, optionText].filter((part) => part !== '').join(':');
}

function refine(node: RNode, options: FieldOptions | undefined): RNode {
  if (options === undefined || options.delimiter === '') return node;
  if (node.kind !== 'scalar') fail('delimiter option can only be used with scalar nodes');
  const part = textOf(node).split(options.delimiter)[options.index];
  const copy = node.copy();
  copy.value = part ?? fail(`options.index ${options.index} is out of bounds for the value of the replacement source`);
  return copy;
}

function replaceIn(map: ResMap, target: TargetSelector, value: RNode, budget: Budget): void {
  const select = target.select ?? fail('target must specify resources to select');
  const paths = target.fieldPaths === undefined || target.fieldPaths.length === 0 ? [DEFAULT_PATH] : target.fieldPaths;
  for (const resource of map.resources) {
    const ids = idsOf(resource);
    if (!matchesLabels(select, resource) || isRejected(target.reject ?? [], resource, ids)) continue;
    if (!ids.some((id) => matchesId(select, id))) continue;
    for (const path of paths) setPath(resource.node, path, value, { options: target.options, budget });
  }
}

function matchesId(selector: Selector, id: ResId): boolean {
  return matchesGvk(selector, id) && matchesWhole(selector.name, id.name) && matchesWhole(selector.namespace, id.namespace);
}

function isRejected(rejects: readonly Selector[], resource: Resource, ids: readonly ResId[]): boolean {
  return rejects.some((reject) => {
    const hasLabels = reject.annotationSelector !== '' || reject.labelSelector !== '';
    if (hasLabels && matchesLabels(reject, resource)) return true;
    const hasId = formatGvk(reject) !== formatGvk({ group: '', version: '', kind: '' }) || reject.name !== '' || reject.namespace !== '';
    return hasId && ids.some((id) => matchesId(reject, id));
  });
}

interface SetContext {
  readonly options: FieldOptions | undefined;
  readonly budget: Budget;
}

function setPath(root: RNode, path: string, value: RNode, { options, budget }: SetContext): void {
  const create: NodeKind | undefined = options?.create === true ? value.kind : undefined;
  const parts = splitFieldPath(path);
  if (setInText(root, parts, value, { create, budget })) return;
  const message = `unable to find ${create === undefined ? '' : 'or create '}field "${path}" in replacement target`;
  const found = within(message, () => matchPath(root, parts, { create, budget })) ?? [];
  if (found.length === 0) fail(message);
  const size = countNodes(value);
  for (const node of found) {
    budget.spend('nodes', size);
    setNode(node, value.copy(), options);
  }
}

function setNode(node: RNode, value: RNode, options: FieldOptions | undefined): void {
  if (options !== undefined && options.delimiter !== '') {
    if (node.kind !== 'scalar') fail('delimiter option can only be used with scalar nodes');
    value.value = insertPart(node.value.split(options.delimiter), textOf(value), options);
  }
  if (node.kind === 'scalar') node.value = value.value;
  else node.become(value);
}

function insertPart(parts: readonly string[], part: string, { delimiter, index }: FieldOptions): string {
  if (index < 0) return [part, ...parts].join(delimiter);
  if (index >= parts.length) return [...parts, part].join(delimiter);
  return parts.with(index, part).join(delimiter);
}

// A path that goes on behind a scalar leads into the YAML or JSON the scalar holds. What cannot be done there is tried the other way.
function setInText(root: RNode, parts: readonly string[], value: RNode, options: { readonly create: NodeKind | undefined; readonly budget: Budget }): boolean {
  for (let length = 1; length < parts.length; length += 1) {
    const holder = attempt(() => lookUp(root, parts.slice(0, length)));
    if (holder === undefined || holder instanceof KustomizeError || holder.kind !== 'scalar') continue;
    const data = attempt(() => parseStructuredText(holder.value, options.budget));
    if (data instanceof KustomizeError) continue;
    return attempt(() => replaceText(holder, data, { ...options, path: parts.slice(length), value })) === true;
  }
  return false;
}

function replaceText(
  holder: RNode,
  data: RNode,
  { path, value, create, budget }: { readonly path: readonly string[]; readonly value: RNode; readonly create: NodeKind | undefined; readonly budget: Budget },
): boolean {
  const found = matchPath(data, path, { create, budget }) ?? [];
  if (found.length === 0) return false;
  for (const node of found) {
    if (node.kind === 'scalar') node.value = value.value;
    else node.become(value);
  }
  holder.value = writeStructuredText(data, holder.value);
  return true;
}
