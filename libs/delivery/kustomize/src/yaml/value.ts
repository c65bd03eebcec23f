import { GoInt, GoMap, GoSlice, printFloat, type GoValue } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';
import { refold } from './refold.ts';
import { isYaml11NonString, resolvePlain, resolveTagged, type Resolved } from './resolve.ts';
import { RNode, scalarNode, stringNode, TAG } from './rnode.ts';

const INT64_MAX = 2n ** 63n - 1n;

/** The value of a node as it is when written as text by go-yaml v3 and read again: what JSON output is made of. Throws where that fails. */
export function toValue(node: RNode): GoValue {
  return convert(node, true);
}

function convert(node: RNode, isRoot: boolean): GoValue {
  switch (node.kind) {
    case 'none':
      return null;
    case 'scalar':
      return toGo(scalarValue(node));
    case 'list':
      return new GoSlice(node.content.map((item) => convert(item, false)));
    case 'map':
      return convertMap(node, isRoot);
  }
}

function convertMap(node: RNode, isRoot: boolean): GoMap {
  const entries = new Map<string, GoValue>();
  const { content } = node;
  for (let index = 0; index + 1 < content.length; index += 2) {
    const key = content[index];
    const value = content[index + 1];
    if (key === undefined || value === undefined) break;
    if (entries.has(key.value)) fail(`yaml: unmarshal errors: mapping key ${JSON.stringify(key.value)} already defined`);
    // Below the root a key that is no string makes a map JSON has no form for.
    if (!isRoot && scalarTag(key) !== TAG.string) fail('json: unsupported type: map[interface {}]interface {}');
    entries.set(key.value, convert(value, false));
  }
  return new GoMap(entries);
}

function scalarTag(node: RNode): string {
  if (node.tag !== '') return node.tag;
  return node.style === 'plain' ? resolvePlain(node.value).tag : TAG.string;
}

function isQuoted(node: RNode): boolean {
  return node.style !== 'plain';
}

// A tag nobody wrote is left out where the text alone says it; what is quoted is then a string, whatever the tag was.
function scalarValue(node: RNode): Resolved['value'] {
  const { tag, value } = node;
  if (node.style === 'folded' && (tag === TAG.string || tag === '')) return refold(value);
  if (tag === TAG.string) return value;
  if (node.isTagged) return resolveTagged(tag, value).value;
  if (tag === '' || resolvePlain(value).tag === tag) return isQuoted(node) ? value : resolvePlain(value).value;
  return resolveTagged(tag, value).value;
}

function toGo(value: Resolved['value']): GoValue {
  if (typeof value === 'bigint') return new GoInt(value > INT64_MAX ? 'uint64' : 'int64', value);
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return fail(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`);
}

/** A node of JSON data, as it is when written by go-yaml v3 and read again (`FromMap`): numbers are floats. */
export function fromJsonData(value: unknown): RNode {
  if (value === null || value === undefined) return new RNode('scalar', TAG.null, 'null');
  if (typeof value === 'string') return quotedWhereNeeded(value);
  if (typeof value === 'boolean') return new RNode('scalar', TAG.bool, String(value));
  if (typeof value === 'number') return numberNode(value);
  if (typeof value === 'bigint') return new RNode('scalar', TAG.int, String(value));
  if (Array.isArray(value)) return new RNode('list', TAG.seq, '', value.map(fromJsonData));
  const entries = value instanceof Map ? [...value].map(([key, item]): [string, unknown] => [String(key), item]) : Object.entries(value);
  return new RNode(
    'map',
    TAG.map,
    '',
    entries.flatMap(([key, item]) => [quotedWhereNeeded(key), fromJsonData(item)]),
  );
}

function quotedWhereNeeded(text: string): RNode {
  const node = stringNode(text);
  if (node.style === 'plain' && (resolvePlain(text).tag !== TAG.string || isYaml11NonString(text))) node.style = 'double';
  return node;
}

function numberNode(value: number): RNode {
  const node = scalarNode(printFloat(value));
  node.tag = resolvePlain(node.value).tag;
  return node;
}
