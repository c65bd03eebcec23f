import { isAlias, isMap, isPair, isScalar, isSeq, type Alias, type Document, type Node } from 'yaml';

/** Why a document cannot become a value. */
export interface ConversionProblem {
  readonly offset: number;
  readonly message: string;
}

/** The bounds of one conversion. */
export interface ConversionLimits {
  readonly maxDepth: number;
  readonly maxAliasNodes: number;
}

/** A key that stands twice in one map; the last one counts. */
export interface DuplicateKey {
  readonly offset: number;
  readonly key: string;
}

const MAX_DUPLICATES = 100;

class ConversionError extends Error {
  readonly problem: ConversionProblem;

  constructor(problem: ConversionProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/**
 * The plain value of a YAML document. Keys become strings as YAML 1.1 prints them, `__proto__` stays a key, aliases are
 * expanded within a budget, and non-finite numbers are refused because JSON has none.
 */
export function toValue(
  document: Document,
  limits: ConversionLimits,
): { readonly value: unknown; readonly duplicates: readonly DuplicateKey[] } | { readonly problem: ConversionProblem } {
  const converter = new Converter(document, limits);
  try {
    return { value: converter.convert(document.contents, 0), duplicates: converter.duplicates };
  } catch (error) {
    if (error instanceof ConversionError) return { problem: error.problem };
    throw error;
  }
}

class Converter {
  readonly duplicates: DuplicateKey[] = [];
  readonly #document: Document;
  readonly #limits: ConversionLimits;
  readonly #open = new Set<Node>();
  #aliasDepth = 0;
  #aliasNodes = 0;

  constructor(document: Document, limits: ConversionLimits) {
    this.#document = document;
    this.#limits = limits;
  }

  convert(node: unknown, depth: number): unknown {
    if (node === null || node === undefined) return null;
    if (depth > this.#limits.maxDepth) throw this.#fail(node, `nesting exceeds ${this.#limits.maxDepth} levels`);
    if (this.#aliasDepth > 0) this.#countAliasNode(node);
    if (isAlias(node)) return this.#resolve(node, depth);
    if (isMap(node)) return this.#map(node.items, depth);
    if (isSeq(node)) return node.items.map((item) => this.convert(item, depth + 1));
    if (!isScalar(node)) throw this.#fail(node, 'unexpected content');
    return this.#scalar(node.value, node);
  }

  #map(items: readonly unknown[], depth: number): Readonly<Record<string, unknown>> {
    const result: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const pair of items) {
      if (!isPair(pair)) continue;
      const key = this.#key(pair.key);
      if (seen.has(key) && this.duplicates.length < MAX_DUPLICATES) this.duplicates.push({ offset: startOf(pair.key), key });
      seen.add(key);
      if (key === '<<' && isScalar(pair.key) && pair.key.source === '<<') this.#merge(result, pair.value, depth);
      else define(result, key, this.convert(pair.value, depth + 1));
    }
    return result;
  }

  // YAML 1.1 merge keys: the map's own keys win over merged ones, wherever they stand.
  #merge(into: Record<string, unknown>, value: unknown, depth: number): void {
    const merged = this.convert(value, depth + 1);
    for (const source of Array.isArray(merged) ? merged : [merged]) {
      if (typeof source !== 'object' || source === null || Array.isArray(source)) throw this.#fail(value, 'a merge key (<<) needs a map or a list of maps');
      for (const [key, field] of Object.entries(source)) if (!Object.hasOwn(into, key)) define(into, key, field);
    }
  }

  #key(node: unknown): string {
    if (isAlias(node)) return this.#key(node.resolve(this.#document));
    if (!isScalar(node)) throw this.#fail(node, 'a key must be a scalar');
    const { value } = node;
    if (typeof value === 'string') return value;
    return value === null ? 'null' : String(value);
  }

  #scalar(value: unknown, node: Node): unknown {
    if (typeof value === 'number' && !Number.isFinite(value)) throw this.#fail(node, `the number ${value} has no JSON form`);
    if (typeof value === 'bigint') {
      // Beyond 2^53 a number would silently lose digits; the API knows no such field, so text is what keeps it whole.
      return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
    }
    if (value instanceof Uint8Array) return btoa(String.fromCodePoint(...value));
    return value;
  }

  #resolve(alias: Alias, depth: number): unknown {
    const target = alias.resolve(this.#document);
    if (target === undefined) throw this.#fail(alias, `unknown anchor "${alias.source}"`);
    if (this.#open.has(target)) throw this.#fail(alias, `anchor "${alias.source}" contains itself`);
    this.#open.add(target);
    this.#aliasDepth += 1;
    const value = this.convert(target, depth);
    this.#aliasDepth -= 1;
    this.#open.delete(target);
    return value;
  }

  #countAliasNode(node: unknown): void {
    this.#aliasNodes += 1;
    if (this.#aliasNodes > this.#limits.maxAliasNodes) throw this.#fail(node, `aliases expand to more than ${this.#limits.maxAliasNodes} nodes`);
  }

  #fail(node: unknown, message: string): ConversionError {
    return new ConversionError({ offset: startOf(node), message });
  }
}

function startOf(node: unknown): number {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0;
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
