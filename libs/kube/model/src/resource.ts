import { must } from '@tiphys/kernel';
import { RESOURCE_ROWS } from './generated/resources.ts';
import { formatApiVersion, parseApiVersion } from './object.ts';

/** A row of the generated table: one resource, or one subresource of it. */
export interface ResourceRow {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly kind: string;
  /** apiVersion of the body where it differs from the resource's own (scale, eviction, token). */
  readonly bodyApiVersion?: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Name of the definition in the schema table. */
  readonly schema?: string;
}

/** What a client needs to address a kind: the answer of discovery. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural in the path, such as `deployments`. */
  readonly resource: string;
  readonly namespaced: boolean;
}

/** The built-in resources without their subresources. */
export const BUILTIN_RESOURCES: readonly ResourceRow[] = RESOURCE_ROWS.filter((row) => row.subresource === undefined);

/** The subresources of the built-in resources. */
export const BUILTIN_SUBRESOURCES: readonly ResourceRow[] = RESOURCE_ROWS.filter((row) => row.subresource !== undefined);

const byKind = new Map(BUILTIN_RESOURCES.map((row) => [`${formatApiVersion(row.group, row.version)}/${row.kind}`, row]));

/** The built-in resource of an apiVersion and kind, or undefined when the kind is not built in. */
export function findBuiltin(apiVersion: string, kind: string): ResourceRow | undefined {
  return byKind.get(`${apiVersion}/${kind}`);
}

/** The built-in resource of an apiVersion and kind that the caller knows to exist. */
export function builtin(apiVersion: string, kind: string): ResourceType {
  const { group, version, resource, namespaced } = must(findBuiltin(apiVersion, kind), `${apiVersion} ${kind} is a built-in kind`);
  return { group, version, kind, resource, namespaced };
}

/** The type of a custom resource as our own code knows it. */
export function customResource(apiVersion: string, kind: string, resource: string, namespaced: boolean = true): ResourceType {
  return { ...parseApiVersion(apiVersion), kind, resource, namespaced };
}

/** The REST path of a resource, or of one object of it. */
export function resourcePath(
  type: ResourceType,
  key: { readonly namespace?: string | undefined; readonly name?: string | undefined } = {},
  subresource?: string,
): string {
  const base = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const namespace = type.namespaced && key.namespace !== undefined && key.namespace !== '' ? `/namespaces/${encodeURIComponent(key.namespace)}` : '';
  const name = key.name === undefined ? '' : `/${encodeURIComponent(key.name)}`;
  return `${base}${namespace}/${type.resource}${name}${subresource === undefined ? '' : `/${subresource}`}`;
}
