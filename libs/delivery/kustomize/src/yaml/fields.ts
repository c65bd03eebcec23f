import type { ScalarStyle } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';
import { isYaml11NonString } from './resolve.ts';
import { isMissing, isString, RNode, scalarNode, TAG, type NodeKind } from './rnode.ts';

// The steps kyaml's filters are made of (kyaml v0.21 yaml/fns.go): what they do to nodes, quirks included, decides the output.

const KIND_NAMES: Readonly<Record<NodeKind, string>> = { map: 'MappingNode', list: 'SequenceNode', scalar: 'ScalarNode', none: '' };

/** Throws unless the node is of the kind, or null (`ErrorIfInvalid`). Contents are not shown: they may be secret. */
export function expectKind(node: RNode | undefined, kind: NodeKind): void {
  if (node === undefined || node.tag === TAG.null || node.kind === kind) return;
  fail(`wrong node kind: expected ${KIND_NAMES[kind]} but got ${KIND_NAMES[node.kind]}`);
}

/** The value of a map's field, whatever the node is: no field, no error (`Field`). */
export function fieldOf(node: RNode | undefined, name: string): RNode | undefined {
  return node?.kind === 'map' ? contentField(node.content, name) : undefined;
}

/** The value of a field in content of a map: the first of that name. */
export function contentField(content: readonly RNode[], name: string): RNode | undefined {
  for (let index = 0; index < content.length; index += 2) if (content[index]?.value === name) return content[index + 1];
  return undefined;
}

/** Calls `visit` with every field. */
export function eachField(content: readonly RNode[], visit: (key: RNode, value: RNode) => void): void {
  for (let index = 0; index + 1 < content.length; index += 2) {
    const key = content[index];
    const value = content[index + 1];
    if (key !== undefined && value !== undefined) visit(key, value);
  }
}

/** The value of a map's field; nothing below null. Throws where the node is no map. */
export function getField(node: RNode, name: string): RNode | undefined {
  if (isMissing(node)) return undefined;
  expectKind(node, 'map');
  return contentField(node.content, name);
}

/** Appends an item to a list. */
export function appendItem(list: RNode, item: RNode): void {
  expectKind(list, 'list');
  list.content = [...list.content, item];
}

/** Removes a field (`Clear`). With `onlyEmpty`, only where its value has no content. */
export function clearField(node: RNode, name: string, onlyEmpty = false): void {
  expectKind(node, 'map');
  const { content } = node;
  for (let index = 0; index < content.length; index += 2) {
    if (content[index]?.value !== name) continue;
    if (onlyEmpty && (content[index + 1]?.content.length ?? 0) > 0) continue;
    node.content = [...content.slice(0, index), ...content.slice(index + 2)];
    return;
  }
}

// A string YAML 1.1 would take for something else is quoted before it is set.
function quoteAmbiguous(value: RNode): void {
  if (isString(value) && value.style === 'plain' && isYaml11NonString(value.value)) value.style = 'double';
}

/** Overwrites a scalar, keeping how it is written (`FieldSetter` without a name). */
export function setScalar(node: RNode, value: RNode): void {
  quoteAmbiguous(value);
  expectKind(node, 'scalar');
  if (isMissing(value)) return;
  value.style = node.style;
  node.become(value);
}

/** Sets a field, keeping how a former value was written; null removes it (`FieldSetter`). A new field holds `value` itself. */
export function setField(node: RNode, name: string, value: RNode | undefined, keyStyle: ScalarStyle = 'plain'): void {
  if (value !== undefined) quoteAmbiguous(value);
  if (value === undefined || value.tag === TAG.null) {
    clearField(node, name);
    return;
  }
  const field = getField(node, name);
  if (field === undefined) {
    const key = scalarNode(name);
    key.style = keyStyle;
    node.content = [...node.content, key, value];
    return;
  }
  value.style = field.style;
  field.become(value);
}

/** Whether a part of a path is a condition on a list's items: `[name=x]`. */
export function isListIndex(part: string): boolean {
  return part.startsWith('[') && part.endsWith(']');
}

/** Whether a part of a path is the number of an item. */
export function isItemNumber(part: string): boolean {
  return /^\+?\d+$/.test(part);
}

/** Field and value of a condition `[name=x]`; an empty field means the item itself. */
export function splitCondition(part: string): readonly [field: string, value: string] {
  const inner = part.replace(/\]$/, '').replace(/^\[/, '');
  const at = inner.indexOf('=');
  return at < 0 ? fail('list path element must contain fieldName=fieldValue for element to match') : [inner.slice(0, at), inner.slice(at + 1)];
}

/** What a missing part of a path is created as, by the part that follows. */
export function kindBefore(next: string | undefined, last: NodeKind): NodeKind {
  if (next === undefined || next === '') return last;
  return isListIndex(next) || isItemNumber(next) ? 'list' : 'map';
}

/** Follows a path (`PathGetter`); with `create`, what is missing is made, the last part as that kind. */
export function lookUp(node: RNode, path: readonly string[], create?: NodeKind): RNode | undefined {
  const parts = path.map((part) => part.trim()).filter((part) => part !== '');
  let at: RNode | undefined = node;
  for (const [index, part] of parts.entries()) {
    at = step(at, part, create === undefined ? undefined : kindBefore(parts[index + 1], create));
    if (at === undefined) return undefined;
  }
  return at;
}

function step(node: RNode, part: string, create: NodeKind | undefined): RNode | undefined {
  if (/^[-+]?\d+$/.test(part)) {
    if (Number(part) < 0) fail(`array index ${part} cannot be negative`);
    return itemsOf(node)[Number(part)];
  }
  if (part === '-') return itemsOf(node).at(-1);
  if (part === '*') return fail('wildcard is not supported in PathGetter');
  if (isListIndex(part)) return conditionStep(node, part, create !== undefined);
  if (isMissing(node)) return undefined;
  const field = getField(node, part);
  if (field !== undefined || create === undefined) return field;
  const made = new RNode(create, '');
  setField(node, part, made);
  return made;
}

function conditionStep(node: RNode, part: string, creates: boolean): RNode | undefined {
  const [name, value] = splitCondition(part);
  const found = matchItem(node, [name], [value]);
  if (found !== undefined || !creates) return found;
  const made = name === '' ? scalarNode(value) : new RNode('map', '', '', [scalarNode(name), scalarNode(value)]);
  appendItem(node, made);
  return made;
}

/** Items of a list. Throws where the node is something else, but null has none. */
export function itemsOf(node: RNode): readonly RNode[] {
  expectKind(node, 'list');
  return node.content;
}

/** The first item whose fields have the values (`ElementMatcher`); the empty field compares the item itself. */
export function matchItem(list: RNode, keys: readonly string[], values: readonly string[]): RNode | undefined {
  expectKind(list, 'list');
  if (keys.length === 0 || keys[0] === '') return list.content.find((item) => item.value === (values[0] ?? ''));
  return list.content.find((item) => (isMissing(item) || item.kind === 'map') && keys.every((key, index) => hasField(item, key, values[index] ?? '')));
}

function hasField(item: RNode, key: string, value: string): boolean {
  const field = isMissing(item) ? undefined : contentField(item.content, key);
  return field !== undefined && field.value === value;
}

/**
 * Puts `item` in the place of every item whose fields have the values, or at the end (`ElementSetter`). Without an item the found
 * ones are removed. Nulls and empty maps are always dropped.
 */
export function setItem(list: RNode, item: RNode | undefined, keys: readonly string[], values: readonly string[]): void {
  expectKind(list, 'list');
  const wantsMaps = (keys[0] ?? '') !== '' && (values[0] ?? '') !== '';
  const kept: RNode[] = [];
  let isPlaced = false;
  for (const other of list.content) {
    if (isMissing(other) || (other.kind === 'map' && other.content.length === 0)) continue;
    if (other.kind !== 'map' && wantsMaps) kept.push(other);
    else if (!matches(other, keys, values)) {
      if (values.length > 0) kept.push(other);
    } else {
      isPlaced = true;
      if (item !== undefined) kept.push(item);
    }
  }
  if (!isPlaced && item !== undefined && item.tag !== TAG.null) kept.push(item);
  list.content = kept;
}

function matches(item: RNode, keys: readonly string[], values: readonly string[]): boolean {
  return keys.every((key, index) => {
    const value = values[index];
    // A key without a value is taken as met where the one before it was.
    if (value === undefined) return index > 0;
    if (key === '') {
      expectKind(item, 'scalar');
      return item.value === value;
    }
    const field = getField(item, key);
    return field !== undefined && (value === '' || field.value === value);
  });
}
