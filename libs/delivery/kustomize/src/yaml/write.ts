import { emitYaml, type EmitNode, type EmitStyle } from '@tiphys/delivery-helm';
import { resolvePlain } from './resolve.ts';
import { TAG, type RNode } from './rnode.ts';

// kyaml's encoder: go-yaml v3 with lists at the indent of their key and no folding.
const STYLE: EmitStyle = { width: Number.MAX_SAFE_INTEGER, indentsLists: false, tabsInBlocks: true };

/** The text of a node as kyaml writes it, fields in their order; comments and flow style are not kept. */
export function writeNode(node: RNode): string {
  return emitYaml(toEmit(node), STYLE);
}

function toEmit(node: RNode): EmitNode {
  switch (node.kind) {
    case 'none':
      return { kind: 'plain', text: 'null' };
    case 'scalar':
      return scalarToEmit(node);
    case 'list':
      return { kind: 'list', items: node.content.map(toEmit) };
    case 'map': {
      const entries: (readonly [string, EmitNode])[] = [];
      for (let index = 0; index + 1 < node.content.length; index += 2) {
        const key = node.content[index];
        const value = node.content[index + 1];
        if (key !== undefined && value !== undefined) entries.push([key.value, toEmit(value)]);
      }
      return { kind: 'map', entries };
    }
  }
}

function scalarToEmit({ tag, value, style }: RNode): EmitNode {
  if (style === 'single' || style === 'double') return { kind: 'string', text: value, style };
  if (style !== 'plain' || value.includes('\n')) return { kind: 'string', text: value, style: 'literal' };
  const resolved = resolvePlain(value).tag;
  if (tag === TAG.string && resolved !== TAG.string) return { kind: 'string', text: value, style: 'double' };
  return resolved === TAG.string ? { kind: 'string', text: value } : { kind: 'plain', text: value };
}
