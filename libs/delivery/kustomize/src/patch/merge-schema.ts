import { fromBytes, readYaml, toPlain } from '@tiphys/delivery-helm';
import { fail, reading } from '../kustomize-error.ts';
import { KIND_TYPES, MERGE_TYPES } from '../generated/merge-types.ts';
import { CLUSTER_SCOPED, NAMESPACED } from '../generated/scopes.ts';

/** A field of a type: `keys` where patches merge the list by them (none: by the items themselves), `type` of the value or the items. */
interface MergeField {
  readonly keys?: readonly string[];
  readonly type?: string;
}

/** The fields of a type that matter for merging. */
export type MergeType = Readonly<Record<string, MergeField>>;

/** What is known of a node's schema when a patch is merged into it. */
export interface MergeSchema {
  /** Set for a list that merges: the keys its items are matched by. */
  readonly mergeKeys: readonly string[] | undefined;
  field(name: string): MergeSchema | undefined;
  items(): MergeSchema | undefined;
}

const BUILT_IN_VERSION = 'v1.21.2';

/** The schemas of one build: those of Kubernetes 1.21, or those a kustomization names under `openapi` (kyaml v0.21 openapi.go). */
export class Schemas {
  #custom: Definitions | undefined;
  #isSet = false;
  // Kustomize keeps its own schemas beside custom ones where it needed them before it saw these.
  #builtInWasUsed = false;

  /** Takes over the `openapi` field of a kustomization. The first one that names schemas wins, unless `isRoot`. Throws KustomizeError. */
  set(openapi: ReadonlyMap<string, string>, content: Uint8Array | undefined, isRoot: boolean): void {
    if (this.#isSet && !isRoot) return;
    const version = openapi.get('version');
    if (content !== undefined) {
      if (version !== undefined) fail('builtin version and custom schema provided, cannot use both');
      this.#custom = parseDefinitions(content);
      this.#isSet = true;
      return;
    }
    if (version === undefined || version === '') return;
    if (version !== BUILT_IN_VERSION) fail('the specified OpenAPI version is not built in');
    this.#isSet = true;
  }

  /** The schema of a kind; undefined where none is known. */
  ofKind(apiVersion: string, kind: string): MergeSchema | undefined {
    if (this.#custom === undefined) this.#builtInWasUsed = true;
    const id = `${apiVersion}/${kind}`;
    const type = this.#builtInWasUsed ? KIND_TYPES.get(id) : undefined;
    if (type !== undefined) return typeSchema(type);
    const definition = this.#custom?.kinds.get(id);
    return definition === undefined || this.#custom === undefined ? undefined : openApiSchema(definition, this.#custom.byName, this.#builtInWasUsed);
  }

  /** Whether objects of the kind are known to have no namespace. */
  isClusterScoped(apiVersion: string, kind: string): boolean {
    const id = `${apiVersion}/${kind}`;
    if (CLUSTER_SCOPED.has(id)) return true;
    if (NAMESPACED.has(id)) return false;
    if (this.#custom === undefined) {
      this.#builtInWasUsed = true;
      return false;
    }
    return this.#custom.namespaced.get(id) === false;
  }
}

function typeSchema(type: string, mergeKeys?: readonly string[]): MergeSchema {
  return {
    mergeKeys,
    field(name) {
      const field = MERGE_TYPES[type]?.[name];
      return field === undefined ? undefined : fieldSchema(field);
    },
    items: () => (mergeKeys === undefined ? undefined : typeSchema(type)),
  };
}

const NO_FIELDS = '';

function fieldSchema({ keys, type }: MergeField): MergeSchema {
  return typeSchema(type ?? NO_FIELDS, keys);
}

type Definition = Readonly<Record<string, unknown>>;

interface Definitions {
  readonly byName: ReadonlyMap<string, Definition>;
  readonly kinds: ReadonlyMap<string, Definition>;
  readonly namespaced: ReadonlyMap<string, boolean>;
}

function isObject(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entriesOf(value: unknown): readonly (readonly [string, Definition])[] {
  return isObject(value) ? Object.entries(value).filter((entry): entry is [string, Definition] => isObject(entry[1])) : [];
}

function parseDefinitions(content: Uint8Array): Definitions {
  const root = reading(
    () => toPlain(readYaml(fromBytes(content))),
    (message) => `invalid schema file: ${message}`,
  );
  const byName = new Map(entriesOf(isObject(root) ? root['definitions'] : undefined));
  const kinds = new Map<string, Definition>();
  for (const definition of byName.values()) {
    const gvks = definition['x-kubernetes-group-version-kind'];
    for (const gvk of Array.isArray(gvks) ? (gvks as readonly unknown[]) : []) if (isObject(gvk)) kinds.set(gvkId(gvk), definition);
  }
  const namespaced = new Map<string, boolean>();
  for (const [path, { get }] of entriesOf(isObject(root) ? root['paths'] : undefined)) {
    const gvk = isObject(get) ? get['x-kubernetes-group-version-kind'] : undefined;
    if (isObject(gvk)) namespaced.set(gvkId(gvk), path.includes('namespaces/{namespace}') || namespaced.get(gvkId(gvk)) === true);
  }
  return { byName, kinds, namespaced };
}

function gvkId(gvk: Definition): string {
  const text = (name: string): string => {
    const value = gvk[name];
    return typeof value === 'string' ? value : '';
  };
  return `${text('group') === '' ? '' : `${text('group')}/`}${text('version')}/${text('kind')}`;
}

const MAX_REFERENCES = 100;

function openApiSchema(definition: Definition, all: Definitions['byName'], hasBuiltIn: boolean): MergeSchema {
  return {
    mergeKeys: mergeKeysOf(definition),
    field(name) {
      const properties = definition['properties'];
      const property = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : definition['additionalProperties'];
      return resolveSchema(property, all, hasBuiltIn);
    },
    items: () => (definition['type'] === 'array' ? resolveSchema(definition['items'], all, hasBuiltIn) : undefined),
  };
}

const BUILT_IN_PREFIX = /^io\.k8s\.(?:api\.|apimachinery\.pkg\.apis\.|apiextensions-apiserver\.pkg\.apis\.|kube-aggregator\.pkg\.apis\.)/;

// Types of Kubernetes win over those of the file where both are known.
function resolveSchema(schema: unknown, all: Definitions['byName'], hasBuiltIn: boolean): MergeSchema | undefined {
  let at = schema;
  for (let count = 0; isObject(at) && typeof at['$ref'] === 'string'; count += 1) {
    if (count >= MAX_REFERENCES) return undefined;
    const name = at['$ref']
      .replace(/^#\/definitions\//, '')
      .replaceAll('~1', '/')
      .replaceAll('~0', '~');
    const builtIn = name.replace(BUILT_IN_PREFIX, '');
    if (hasBuiltIn && builtIn !== name && Object.hasOwn(MERGE_TYPES, builtIn)) return typeSchema(builtIn);
    at = all.get(name);
  }
  return isObject(at) ? openApiSchema(at, all, hasBuiltIn) : undefined;
}

function mergeKeysOf(definition: Definition): readonly string[] | undefined {
  const strategy = definition['x-kubernetes-patch-strategy'];
  if (typeof strategy !== 'string' || !strategy.split(',').includes('merge')) return undefined;
  const keys = definition['x-kubernetes-list-map-keys'];
  if (Array.isArray(keys)) return keys.filter((key): key is string => typeof key === 'string');
  const key = definition['x-kubernetes-patch-merge-key'];
  return typeof key === 'string' ? [key] : [];
}
