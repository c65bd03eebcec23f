import { CelList, CelStruct, isMap, toJson, type CelValue } from '@tiphys/kube-cel';
import { applyJsonPatch, mergeValues, PatchError, UNTYPED, type SchemaNode } from '@tiphys/kube-patch';
import { asMap, type Draft, type JsonMap } from '../../draft.ts';

/** The object with an apply configuration laid over it, or what is wrong with the configuration (apiserver policy/mutating/patch/smd.go). */
export function applyConfiguration(object: Draft, value: CelValue, node: SchemaNode | undefined): Draft | string {
  if (!(value instanceof CelStruct)) return 'unsupported return type from ApplyConfiguration expression';
  const wrong = misnamed(value, 'Object');
  if (wrong !== undefined) return `type mismatch: ${wrong}`;
  // A struct is a JSON object.
  const patch = { ...(toJson(value) as JsonMap), apiVersion: object.apiVersion, kind: object.kind };
  const schema = node ?? UNTYPED;
  const atomics = findAtomics(patch, schema, '');
  if (atomics.length > 0) return `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`;
  // Merging an object with another yields an object of the same kind.
  return structuredClone(mergeValues(object, patch, schema)) as Draft;
}

// Types are told apart by the fields they stand for: `Object.spec{selector: Object.spec.wrong{}}` is a mistake.
function misnamed(value: CelValue, path: string): string | undefined {
  if (value instanceof CelList) {
    for (const item of value) {
      const wrong = misnamed(item, path);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
  if (value instanceof CelStruct) {
    if (value.typeName !== path) return `unexpected type name "${value.typeName}", expected "${path}", which matches field name path from root Object type`;
    for (const [name, field] of value.fields) {
      const wrong = misnamed(field, `${path}.${name}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
  if (!isMap(value)) return undefined;
  for (const key of value.keys()) {
    const wrong = misnamed(value.get(key) ?? null, path);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

// Replacing an atomic part would drop what the configuration does not name.
function findAtomics(value: unknown, node: SchemaNode, path: string): readonly string[] {
  if (Array.isArray(value)) {
    const own = node.form === 'list' && node.atomic ? [path] : [];
    return [...own, ...value.flatMap((item, index) => findAtomics(item, node.items(), `${path}[${index}]`))];
  }
  const map = asMap(value);
  if (map === undefined) return [];
  const own = (node.form === 'map' || node.form === 'object') && node.atomic ? [path] : [];
  return [...own, ...Object.entries(map).flatMap(([key, field]) => (node.hasField(key) ? findAtomics(field, node.child(key), `${path}.${key}`) : []))];
}

/** The object after a JSON patch, or what is wrong with the patch. A patch whose test fails changes nothing. */
export function applyPatchList(object: Draft, value: CelValue): Draft | string {
  if (!(value instanceof CelList)) return 'type mismatch: JSONPatchType.expression should evaluate to array';
  const operations: JsonMap[] = [];
  for (const item of value) {
    if (!(item instanceof CelStruct) || item.typeName !== 'JSONPatch') return 'type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch';
    const given = item.fields.get('value');
    const wrong = given instanceof CelStruct ? misnamed(given, given.typeName) : undefined;
    if (wrong !== undefined) return `type mismatch: ${wrong}`;
    operations.push(toJson(item) as JsonMap); // A struct is a JSON object.
  }
  try {
    const patched = asMap(structuredClone(applyJsonPatch(object, operations)));
    if (patched === undefined || asMap(patched['metadata']) === undefined) return 'JSON Patch: the patch does not leave an object';
    return patched as unknown as Draft; // An object with metadata; its kind is compared by the caller.
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return error.code === 'testFailed' ? object : `JSON Patch: ${error.message}`;
  }
}
