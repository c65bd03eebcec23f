import { encodeJson, fromBytes, GoMap, GoSlice } from '@tiphys/delivery-helm';
import { fail, KustomizeError, prefixed } from '../kustomize-error.ts';
import type { Budget } from '../limits.ts';
import type { Schemas } from '../patch/merge-schema.ts';
import { Resource } from '../resource/resource.ts';
import { eachField, fieldOf } from '../yaml/fields.ts';
import { readDocument } from '../yaml/read.ts';
import { isMissing, isNilOrEmpty, textOf, type RNode } from '../yaml/rnode.ts';
import { toValue } from '../yaml/value.ts';

/** What objects are made in. */
export interface ReadContext {
  readonly budget: Budget;
  readonly schemas: Schemas;
}

const SEPARATOR = /\n---[^\n]*\n/g;

/** Reads all documents of a text as kyaml's `kio.FromBytes` does: each up to its own first document, a lone `List` opened. Throws KustomizeError. */
function readNodes(text: string, budget: Budget): readonly RNode[] {
  const documents = splitDocuments(text.replaceAll('\r\n', '\n'));
  const nodes: RNode[] = [];
  for (const document of documents) {
    const node = readOne(document, budget);
    if (isMissing(node)) continue;
    const kind = textOf(fieldOf(node, 'kind'));
    const items = fieldOf(node, 'items');
    const isList =
      documents.length === 1 && (kind === 'ResourceList' || kind === 'List') && (items !== undefined || fieldOf(node, 'functionConfig') !== undefined);
    if (isList) nodes.push(...(items?.content ?? []));
    else nodes.push(node);
  }
  return nodes;
}

function readOne(document: string, budget: Budget): RNode | undefined {
  try {
    return readDocument(document, budget);
  } catch (error) {
    throw prefixed('MalformedYAMLError', error);
  }
}

function splitDocuments(text: string): readonly string[] {
  if (text === '') return [];
  const documents: string[] = [];
  let from = 0;
  for (const match of text.matchAll(SEPARATOR)) {
    const rest = match[0].slice(4).trim();
    if (rest !== '' && !rest.startsWith('#')) fail(`invalid document separator: ${match[0].trim()}`);
    documents.push(`${text.slice(from, match.index)}\n`);
    from = match.index + match[0].length;
  }
  documents.push(text.slice(from));
  return documents;
}

/** Reads the objects of a file; lists of any kind are opened. Throws KustomizeError. */
export function readResources(bytes: Uint8Array | string, file: string, context: ReadContext): readonly Resource[] {
  const nodes = openLists(goodNodes(readNodes(typeof bytes === 'string' ? bytes : fromBytes(bytes), context.budget)), context.budget);
  context.budget.check('objects', nodes.length);
  return nodes.map((node) => new Resource(node, context.schemas, file));
}

/** Reads the objects of a file; YAML that cannot be read names the file. */
export function readResourceFile(bytes: Uint8Array, file: string, path: string, context: ReadContext): readonly Resource[] {
  try {
    return readResources(bytes, file, context);
  } catch (error) {
    if (!(error instanceof KustomizeError) || !isMalformed(error)) throw error;
    throw new KustomizeError(error.detail, `${error.message} in File: ${path}`, { cause: error });
  }
}

/** Whether an error says that a text is no YAML. */
export function isMalformed(error: KustomizeError): boolean {
  return error.message.includes('MalformedYAMLError');
}

function goodNodes(nodes: readonly RNode[]): readonly RNode[] {
  const good = nodes.filter((node) => !isNilOrEmpty(node));
  for (const node of good) checkMetadata(node);
  return good;
}

/** Checks that a node has a kind and a name (kyaml `GetValidatedMetadata`). Throws KustomizeError. */
export function checkMetadata(node: RNode): void {
  const apiVersion = textOf(fieldOf(node, 'apiVersion'));
  const kind = textOf(fieldOf(node, 'kind'));
  const metadata = fieldOf(node, 'metadata');
  const name = fieldOf(metadata, 'name');
  const namespace = textOf(fieldOf(metadata, 'namespace'));
  const maps = (['labels', 'annotations'] as const).map((field) => formatMap(fieldOf(metadata, field)));
  const isBare = isNilOrEmpty(fieldOf(node, 'apiVersion')) && isNilOrEmpty(fieldOf(node, 'kind'));
  const hasMeta = ['name', 'namespace', 'labels', 'annotations'].some((field) => !isNilOrEmpty(fieldOf(metadata, field)));
  if (isBare && !hasMeta) fail('missing Resource metadata');
  const described = (): string => `{{${apiVersion} ${kind}} {{${textOf(name)} ${namespace}} ${maps.join(' ')}}}`;
  if (kind === '') fail(`missing kind in object ${described()}`);
  if (!kind.endsWith('List') && textOf(name) === '') fail(`missing metadata.name in object ${described()}`);
}

// Go prints maps with their keys in order.
function formatMap(node: RNode | undefined): string {
  const entries: string[] = [];
  eachField(node?.content ?? [], (key, value) => entries.push(`${textOf(key)}:${textOf(value)}`));
  return `map[${entries.sort().join(' ')}]`;
}

function openLists(nodes: readonly RNode[], budget: Budget): readonly RNode[] {
  const result: RNode[] = [];
  const pending = [...nodes];
  for (let node = pending.shift(); node !== undefined; node = pending.shift()) {
    const kind = textOf(fieldOf(node, 'kind'));
    const map = kind.endsWith('List') ? toValue(node) : undefined;
    if (!(map instanceof GoMap) || !map.entries.has('items')) {
      result.push(node);
      continue;
    }
    const items = map.entries.get('items') ?? null;
    if (items === null) continue;
    if (!(items instanceof GoSlice)) return fail(`expected array in ${kind}/items`);
    for (const item of items.items) pending.push(...goodNodes(readNodes(encodeJson(item), budget)));
    budget.check('objects', pending.length);
  }
  return result;
}
