import { printFloat } from '../go/strconv.ts';
import { GoMap, GoSlice, type GoValue } from '../go/value.ts';
import type { YamlNode } from './node.ts';
import { parseFirstDocument } from './parse.ts';
import { resolveScalar } from './resolve.ts';
import { YamlError } from './yaml-error.ts';

// sigs.k8s.io/yaml wraps what go-yaml and encoding/json say.
const CONVERTING = 'error converting YAML to JSON: ';
const BINARY = 'tag:yaml.org,2002:binary';
const MERGE = 'tag:yaml.org,2002:merge';

/**
 * Reads the first document of a text as Helm does: YAML 1.1 by go-yaml v2, then JSON (every number a float64, every
 * key a string); an empty text is null. Throws an Error with the message of sigs.k8s.io/yaml.
 */
export function readYaml(text: string): GoValue {
  let value: GoValue;
  try {
    const root = parseFirstDocument(text);
    value = root === undefined ? null : new Decoder().decode(root);
  } catch (error) {
    if (error instanceof YamlError) throw new Error(CONVERTING + error.message, { cause: error });
    throw error;
  }
  return value;
}

/** Reads a document that must be a map (or null, which gives an empty one). Throws an Error with the message of sigs.k8s.io/yaml. */
export function readYamlMap(text: string): GoMap {
  const value = readYaml(text);
  if (value === null) return new GoMap();
  if (value instanceof GoMap) return value;
  throw new Error(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`);
}

/** What encoding/json calls the kind of a value in its errors. */
export function jsonKind(value: GoValue): string {
  if (value instanceof GoMap) return 'object';
  if (value instanceof GoSlice) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'number';
}

class Decoder {
  readonly #openAliases = new Set<YamlNode>();
  #decoded = 0;
  #fromAliases = 0;
  #aliasDepth = 0;

  decode(node: YamlNode): GoValue {
    this.#count();
    switch (node.kind) {
      case 'scalar':
        return decodeScalar(node);
      case 'sequence':
        return new GoSlice(node.items.map((item) => this.decode(item)));
      case 'mapping': {
        const entries = new Map<string, GoValue>();
        this.#fill(entries, node);
        return new GoMap(entries);
      }
      case 'alias':
        return this.#follow(node, (target) => this.decode(target));
    }
  }

  // go-yaml's guard against documents that grow without measure by aliases.
  #count(): void {
    this.#decoded += 1;
    if (this.#aliasDepth > 0) this.#fromAliases += 1;
    if (this.#fromAliases <= 100 || this.#decoded <= 1000) return;
    const over = Math.min(Math.max(this.#decoded - 400_000, 0) / 3_600_000, 1);
    if (this.#fromAliases / this.#decoded > 0.99 - 0.89 * over) throw new YamlError('document contains excessive aliasing');
  }

  #follow<T>(node: YamlNode & { kind: 'alias' }, use: (target: YamlNode) => T): T {
    if (this.#openAliases.has(node)) throw new YamlError(`anchor '${node.name}' value contains itself`);
    this.#openAliases.add(node);
    this.#aliasDepth += 1;
    const result = use(node.target);
    this.#aliasDepth -= 1;
    this.#openAliases.delete(node);
    return result;
  }

  #fill(entries: Map<string, GoValue>, { pairs }: YamlNode & { kind: 'mapping' }): void {
    for (const [key, value] of pairs) {
      if (isMerge(key)) this.#merge(entries, value);
      else entries.set(this.#key(key), this.decode(value));
    }
  }

  #merge(entries: Map<string, GoValue>, node: YamlNode): void {
    if (node.kind === 'sequence') for (const item of node.items.toReversed()) this.#mergeMap(entries, item);
    else this.#mergeMap(entries, node);
  }

  #mergeMap(entries: Map<string, GoValue>, node: YamlNode): void {
    const target = node.kind === 'alias' ? node.target : node;
    if (target.kind !== 'mapping') throw new YamlError('map merge requires map or sequence of maps as the value');
    this.#count();
    if (node.kind === 'alias') this.#follow(node, () => this.#fill(entries, target));
    else this.#fill(entries, target);
  }

  #key(node: YamlNode): string {
    this.#count();
    if (node.kind === 'alias') return this.#follow(node, (target) => this.#key(target));
    if (node.kind !== 'scalar') throw new YamlError(`invalid map key: ${node.kind === 'mapping' ? 'map[interface {}]interface {}{}' : '[]interface {}{}'}`);
    if (node.tag === '' && !node.isImplicit) return node.value;
    if (node.tag === BINARY) return decodeBinary(node.value);
    const scalar = resolveScalar(node.tag, node.value);
    if (scalar.kind === 'null') throw new Error(`${CONVERTING}unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>`);
    return scalar.kind === 'float' ? formatFloat32(scalar.value) : String(scalar.value);
  }
}

function isMerge(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === '<<' && (node.isImplicit || node.tag === MERGE);
}

function decodeScalar(node: YamlNode & { kind: 'scalar' }): GoValue {
  if (node.tag === '' && !node.isImplicit) return node.value;
  if (node.tag === BINARY) return decodeBinary(node.value);
  const scalar = resolveScalar(node.tag, node.value);
  switch (scalar.kind) {
    case 'null':
      return null;
    case 'int':
      return Number(scalar.value);
    case 'float':
      if (Number.isFinite(scalar.value)) return scalar.value;
      throw new Error(`${CONVERTING}json: unsupported value: ${Number.isNaN(scalar.value) ? 'NaN' : scalar.value > 0 ? '+Inf' : '-Inf'}`);
    case 'bool':
    case 'str':
    case 'timestamp':
      return scalar.value;
  }
}

function decodeBinary(text: string): string {
  const packed = text.replaceAll(/[\r\n]/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) throw new YamlError('!!binary value contains invalid base64 data');
  return Buffer.from(packed, 'base64').toString();
}

// A key that is a number keeps float32's shortest digits (sigs.k8s.io/yaml formats keys with 32 bits).
function formatFloat32(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  const rounded = Math.fround(value);
  for (let digits = 1; digits <= 9; digits += 1) {
    const text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) return printFloat(Number(text));
  }
  return printFloat(rounded);
}
