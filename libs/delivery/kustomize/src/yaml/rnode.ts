import type { ScalarStyle } from '@tiphys/delivery-helm';

/** Tags as kyaml names them. The empty tag means: by the value, when it is written. */
export const TAG = {
  null: '!!null',
  float: '!!float',
  string: '!!str',
  bool: '!!bool',
  int: '!!int',
  map: '!!map',
  seq: '!!seq',
  merge: '!!merge',
  timestamp: '!!timestamp',
  binary: '!!binary',
} as const;

/** What a node is; `none` is a node without content, such as the null a patch leaves behind. */
export type NodeKind = 'map' | 'list' | 'scalar' | 'none';

/**
 * A node of a YAML document as Kustomize holds it (kyaml v0.21 `yaml.RNode` over go-yaml's `Node`): mutable, and shared where
 * Kustomize shares it. One label node stands in every field a labels transformer has created, so a later change of one is a change
 * of all; that is visible in the output and therefore kept. `content` of a map holds keys and values in turns. It is replaced,
 * never changed in place.
 */
export class RNode {
  kind: NodeKind;
  tag: string;
  value: string;
  style: ScalarStyle;
  /** Whether the tag was written in the text. */
  isTagged: boolean;
  content: readonly RNode[];

  constructor(kind: NodeKind, tag: string, value = '', content: readonly RNode[] = []) {
    this.kind = kind;
    this.tag = tag;
    this.value = value;
    this.style = 'plain';
    this.isTagged = false;
    this.content = content;
  }

  /** Takes over what another node is, its children included (`SetYNode`). */
  become(other: RNode): void {
    this.kind = other.kind;
    this.tag = other.tag;
    this.value = other.value;
    this.style = other.style;
    this.isTagged = other.isTagged;
    this.content = other.content;
  }

  /** A copy that shares nothing. */
  copy(): RNode {
    const copy = new RNode(this.kind, this.tag, this.value, this.content.length === 0 ? this.content : this.content.map((item) => item.copy()));
    copy.style = this.style;
    copy.isTagged = this.isTagged;
    return copy;
  }
}

/** How many nodes there are at and below one; counting stops beyond `limit`. */
export function countNodes(node: RNode, limit: number = Number.POSITIVE_INFINITY): number {
  let count = 1;
  for (const item of node.content) {
    if (count > limit) break;
    count += countNodes(item, limit - count);
  }
  return count;
}

/** A scalar whose type its text decides (`NewScalarRNode`). */
export function scalarNode(value: string): RNode {
  return new RNode('scalar', '', value);
}

/** A string (`NewStringRNode`): text of many lines is written literally. */
export function stringNode(value: string): RNode {
  const node = new RNode('scalar', TAG.string, value);
  if (value.includes('\n')) node.style = 'literal';
  return node;
}

/** A map without fields. */
export function mapNode(): RNode {
  return new RNode('map', '');
}

/** Whether nothing stands there, or null (`IsMissingOrNull`). */
export function isMissing(node: RNode | undefined): node is undefined {
  return node === undefined || node.tag === TAG.null;
}

/** Whether a node is absent, null, or a collection without content (`IsNilOrEmpty`). */
export function isNilOrEmpty(node: RNode | undefined): boolean {
  if (node === undefined || node.tag === TAG.null) return true;
  if (node.kind === 'map' || node.kind === 'list') return node.content.length === 0;
  return node.kind === 'none';
}

/** Whether a node is a string, or a scalar without a tag. */
export function isString(node: RNode): boolean {
  return node.kind === 'scalar' && (node.tag === TAG.string || node.tag === '');
}

/** The text of a scalar; empty for null and nothing (`GetValue`). */
export function textOf(node: RNode | undefined): string {
  return node === undefined || node.tag === TAG.null ? '' : node.value;
}
