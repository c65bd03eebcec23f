import { fail, within } from '../kustomize-error.ts';
import type { FieldSpec, Var } from '../load/fields.ts';
import { equalGvk, formatGvk, parseGroupVersion, type Gvk } from '../resource/gvk.ts';
import { effectiveNamespace, type ResId } from '../resource/res-id.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { applyFieldSpec } from '../transform/field-spec.ts';
import { eachField, lookUp } from '../yaml/fields.ts';
import { splitFieldPath } from '../yaml/paths.ts';
import { isMissing, isString, TAG, type RNode } from '../yaml/rnode.ts';

/** The value of a var; undefined for maps and lists, which cannot stand in a text. */
type VarValue = string | number | boolean | undefined;

/** The vars of a build, by name. */
export type VarSet = ReadonlyMap<string, Var>;

function targetGvk({ objref: { apiVersion, group, version, kind } }: Var): Gvk {
  return apiVersion === '' ? { group, version, kind } : { ...parseGroupVersion(apiVersion), kind };
}

// Go's %v of a var.
function formatVar({ name, fieldref }: Var, gvk: Gvk): string {
  return `{${name} ${formatGvk(gvk)} {${fieldref.fieldPath}}}`;
}

/** Adds vars and notes on objects which vars read them (kustomize v5.8.1 ResAccumulator `MergeVars`). Throws KustomizeError. */
export function addVars(known: VarSet, vars: readonly Var[], map: ResMap): VarSet {
  if (vars.length === 0) return known;
  const written = vars.map((item) => formatVar(item, { ...item.objref })).join(' ');
  return within(
    () => `merging vars [${written}]`,
    () => {
      for (const item of vars) noteTarget(item, map);
      return mergeVars(known, new Map(vars.map((item) => [item.name, item])), vars);
    },
  );
}

function noteTarget(item: Var, map: ResMap): void {
  const gvk = targetGvk(item);
  const { name, namespace } = item.objref;
  const wanted: ResId = { ...gvk, name, namespace, isClusterScoped: false };
  const isMeant = (id: ResId): boolean => id.name === name && equalGvk(id, gvk) && (namespace === '' || effectiveNamespace(id) === effectiveNamespace(wanted));
  const matches = map.byAnyId(name, isMeant);
  if (matches.length > 1) fail(`found ${matches.length} resId matches for var ${formatVar(item, gvk)} (unable to disambiguate)`);
  const [target] = matches;
  if (target !== undefined) target.refVarNames = [...target.refVarNames, item.name];
}

/** Both sets in one. Throws KustomizeError where a name is in both. */
export function mergeVars(one: VarSet, other: VarSet, ordered: readonly Var[] = [...other.values()]): VarSet {
  const merged = new Map(one);
  for (const item of ordered) {
    if (merged.has(item.name)) fail(`var '${item.name}' already encountered`);
    merged.set(item.name, { ...item, fieldref: { fieldPath: item.fieldref.fieldPath === '' ? 'metadata.name' : item.fieldref.fieldPath } });
  }
  return merged;
}

/** Puts the values of vars where `$(NAME)` stands in the fields of the specs. Throws KustomizeError. */
export function resolveVars(map: ResMap, vars: VarSet, specs: readonly FieldSpec[]): void {
  if (vars.size === 0) return;
  const values = new Map([...vars.values()].map((item) => [item.name, valueOfVar(item, map)]));
  for (const resource of map.resources) for (const spec of specs) applyFieldSpec(resource, spec, (node) => replaceIn(node, values));
}

function valueOfVar(item: Var, map: ResMap): VarValue {
  const source = map.resources.find(({ refVarNames }) => refVarNames.includes(item.name));
  if (source === undefined) return fail(`var '${formatVar(item, targetGvk(item))}' cannot be mapped to a field in the set of known resources`);
  const found = fieldValue(source, item.fieldref.fieldPath);
  return found === undefined ? fail(`field specified in var '${formatVar(item, targetGvk(item))}' not found in corresponding resource`) : found.value;
}

function fieldValue(resource: Resource, path: string): { readonly value: VarValue } | undefined {
  const parts = splitFieldPath(path).flatMap((part) => {
    const [, name = '', index] = /^(.*)\[(\d+)\]$/.exec(part) ?? [];
    return index === undefined ? [part] : name === '' ? [index] : [name, index];
  });
  const node = lookUp(resource.node, parts);
  if (node === undefined) return undefined;
  if (node.kind !== 'scalar') return { value: undefined };
  if (node.tag === TAG.int) return /^[-+]?\d+$/.test(node.value) ? { value: Number(node.value) } : undefined;
  if (node.tag === TAG.float) return { value: Number(node.value) };
  if (node.tag === TAG.bool) return { value: node.value.toLowerCase() === 'true' };
  return { value: node.value };
}

function replaceIn(node: RNode, values: ReadonlyMap<string, VarValue>): void {
  if (isMissing(node)) return;
  if (node.kind === 'scalar') {
    if (isString(node)) replaceText(node, values);
  } else if (node.kind === 'map') {
    eachField(node.content, (key, value) => {
      if (!isString(key)) fail(`invalid map key: value='${key.value}', tag='${key.tag}'`);
      if (isString(value)) replaceText(value, values);
    });
  } else if (node.kind === 'list') {
    for (const item of node.content) {
      if (!isString(item)) fail('invalid value type expect a string');
      replaceText(item, values);
    }
  } else fail('invalid type encountered');
}

function replaceText(node: RNode, values: ReadonlyMap<string, VarValue>): void {
  const value = expand(node.value, values);
  node.value = String(value);
  node.tag = typeof value === 'string' ? TAG.string : typeof value === 'boolean' ? TAG.bool : Number.isInteger(value) ? TAG.int : TAG.float;
  node.style = 'plain';
  node.isTagged = false;
}

/** Replaces `$(NAME)`; `$$` is a dollar. A text that is one reference becomes the value itself (kustomize v5.8.1 api/filters/refvar). */
function expand(text: string, values: ReadonlyMap<string, VarValue>): string | number | boolean {
  const whole = /^\$\(([^)]*)\)$/.exec(text)?.[1];
  const only = whole === undefined ? undefined : values.get(whole);
  if (only !== undefined) return only;
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (found, name?: string) => {
    if (name === undefined) return '$';
    const value = values.get(name);
    return value === undefined ? found : String(value);
  });
}
