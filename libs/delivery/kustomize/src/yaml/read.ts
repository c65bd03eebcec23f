import { parseFirstDocument, YamlError, type YamlNode } from '@tiphys/delivery-helm';
import { KustomizeError, fail } from '../kustomize-error.ts';
import type { Budget } from '../limits.ts';
import { resolvePlain, shortTag } from './resolve.ts';
import { RNode, TAG } from './rnode.ts';

const MAX_NESTING = 1000;

/** Reads the first document of a text as go-yaml v3 does, anchors and merge keys written out (kyaml `DeAnchor`); undefined where there is none. */
export function readDocument(text: string, budget: Budget): RNode | undefined {
  let root: YamlNode | undefined;
  try {
    root = parseFirstDocument(text, 'context');
  } catch (error) {
    if (error instanceof YamlError) throw new KustomizeError({ code: error.code === 'tooDeep' ? 'limit' : 'other' }, error.message, { cause: error });
    throw error;
  }
  return root === undefined ? undefined : new Converter(budget).convert(root);
}

class Converter {
  readonly #budget: Budget;
  readonly #open = new Set<YamlNode>();
  #depth = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  convert(node: YamlNode): RNode {
    this.#budget.spend('nodes', 1);
    switch (node.kind) {
      case 'scalar':
        return convertScalar(node);
      case 'alias':
        return this.convert(node.target);
      case 'sequence':
        return this.#deeper(node, () =>
          collection(
            'list',
            node.tag,
            TAG.seq,
            node.items.map((item) => this.convert(item)),
          ),
        );
      case 'mapping':
        return this.#deeper(node, () =>
          collection(
            'map',
            node.tag,
            TAG.map,
            this.#pairs(node).flatMap(([key, value]) => [this.convert(key), this.convert(value)]),
          ),
        );
    }
  }

  #deeper<T>(node: YamlNode, body: () => T): T {
    if (this.#open.has(node)) fail('yaml: anchor value contains itself');
    if (this.#depth >= MAX_NESTING) fail(`yaml: exceeded max depth of ${MAX_NESTING}`, 'limit');
    this.#open.add(node);
    this.#depth += 1;
    const result = body();
    this.#depth -= 1;
    this.#open.delete(node);
    return result;
  }

  // Own fields win over merged ones, the first of several merged maps over the later ones.
  #pairs(node: YamlNode & { kind: 'mapping' }): readonly (readonly [YamlNode, YamlNode])[] {
    const merges = node.pairs.filter(([key]) => isMergeKey(key));
    if (merges.length === 0) return node.pairs;
    if (merges.length > 1) fail('duplicate merge key');
    const own = node.pairs.filter(([key]) => !isMergeKey(key));
    const taken = new Set(own.map(([key]) => keyText(key)));
    const added: (readonly [YamlNode, YamlNode])[] = [];
    for (const [, source] of merges) {
      for (const map of mergeSources(source)) {
        this.#budget.spend('nodes', map.pairs.length);
        for (const pair of this.#deeper(map, () => this.#pairs(map))) {
          if (taken.has(keyText(pair[0]))) continue;
          taken.add(keyText(pair[0]));
          added.push(pair);
        }
      }
    }
    return [...own, ...added];
  }
}

function collection(kind: 'map' | 'list', tag: string, defaultTag: string, content: readonly RNode[]): RNode {
  const isTagged = tag !== '' && tag !== '!';
  const node = new RNode(kind, isTagged ? shortTag(tag) : defaultTag, '', content);
  node.isTagged = isTagged;
  return node;
}

function convertScalar({ tag, value, style }: YamlNode & { kind: 'scalar' }): RNode {
  const isTagged = tag !== '' && tag !== '!';
  const node = new RNode('scalar', isTagged ? shortTag(tag) : style === 'plain' ? resolvePlain(value).tag : TAG.string, value);
  node.style = style;
  node.isTagged = isTagged;
  return node;
}

function isMergeKey(node: YamlNode): boolean {
  return node.kind === 'scalar' && (node.tag === '' ? node.style === 'plain' && node.value === '<<' : shortTag(node.tag) === TAG.merge);
}

function keyText(node: YamlNode): string {
  return node.kind === 'alias' ? keyText(node.target) : node.kind === 'scalar' ? node.value : '';
}

function mergeSources(node: YamlNode): readonly (YamlNode & { kind: 'mapping' })[] {
  if (node.kind === 'mapping') return [node];
  if (node.kind === 'alias') {
    return node.target.kind === 'mapping' ? [node.target] : fail('invalid map merge: received alias for a non-map value');
  }
  if (node.kind === 'scalar') return fail('map merge requires map or sequence of maps as the value');
  return node.items.flatMap((item) => (item.kind === 'sequence' ? fail('invalid map merge: received a nested sequence') : mergeSources(item)));
}
