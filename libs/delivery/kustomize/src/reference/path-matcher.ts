import { fail, within } from '../kustomize-error.ts';
import { matchesRegex } from '../regex.ts';
import { appendItem, fieldOf, getField, isItemNumber, isListIndex, itemsOf, kindBefore, setField, splitCondition } from '../yaml/fields.ts';
import { RNode, scalarNode, type NodeKind } from '../yaml/rnode.ts';
import { writeNode } from '../yaml/write.ts';
import { parseStructuredText } from './structured-text.ts';
import type { Budget } from '../limits.ts';

/** How a path is followed. */
export interface MatchOptions {
  /** What is made where something is missing; undefined makes nothing. */
  readonly create: NodeKind | undefined;
  readonly budget: Budget;
}

/** All nodes a path with conditions and `*` leads to; undefined where a part is missing (kyaml v0.21 `PathMatcher`). Throws KustomizeError. */
export function matchPath(node: RNode, path: readonly string[], options: MatchOptions): readonly RNode[] | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return [node];
  options.budget.spend('nodes', 1);
  if (isItemNumber(part)) return matchPath(itemAt(node, Number(part), rest, options), rest, options);
  if (isListIndex(part)) return matchItems(node, part, rest, options);
  if (part === '*') return collect(itemsOf(node), rest, options);
  return matchField(node, part, rest, options);
}

function collect(items: readonly RNode[], rest: readonly string[], options: MatchOptions): readonly RNode[] | undefined {
  const found = items.flatMap((item) => matchPath(item, rest, options) ?? []);
  return found.length === 0 ? undefined : found;
}

function itemAt(list: RNode, index: number, rest: readonly string[], { create }: MatchOptions): RNode {
  const items = itemsOf(list);
  if (items.length === index && create !== undefined) {
    const made = new RNode(kindBefore(rest[0], create), '');
    within(`failed to append element for "${index}"`, () => appendItem(list, made));
    return made;
  }
  return items[index] ?? fail(`index ${index} specified but only ${items.length} elements found`);
}

function matchField(node: RNode, name: string, rest: readonly string[], options: MatchOptions): readonly RNode[] | undefined {
  let field = getField(node, name);
  if (field === undefined) {
    if (options.create === undefined) return undefined;
    field = new RNode(kindBefore(rest[0], options.create), '');
    setField(node, name, field);
  }
  if (field.kind === 'scalar' && rest.length > 0) return matchPath(parseStructuredText(field.value, options.budget), rest, options);
  return matchPath(field, rest, options);
}

function matchItems(list: RNode, part: string, rest: readonly string[], options: MatchOptions): readonly RNode[] | undefined {
  const [name, pattern] = splitCondition(part);
  const find = (): readonly RNode[] | undefined => {
    const items = itemsOf(list).filter((item) => {
      const tested = name === '' ? item : fieldOf(item, name);
      return tested !== undefined && matchesRegex(pattern, writeNode(tested).trim());
    });
    return name === '' ? (items.length === 0 ? undefined : items) : collect(items, rest, options);
  };
  const found = find();
  if (found !== undefined || options.create === undefined) return found;
  const made = name === '' ? scalarNode(pattern) : new RNode('map', '', '', [scalarNode(name), scalarNode(pattern)]);
  within(`failed to create element for "${part}"`, () => appendItem(list, made));
  return find();
}
