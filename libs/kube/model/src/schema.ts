import { SCHEMA_LINES } from './generated/schemas.ts';
import { findBuiltin } from './resource.ts';

/** How a field behaves under patches and server-side apply, and what it may hold. */
export interface FieldSchema {
  readonly type: 'object' | 'map' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'bytes' | 'quantity' | 'intstr' | 'time' | 'microtime' | 'any';
  /** Size of an integer, when it is not 32 bits. */
  readonly format?: 'int64';
  /** Name of the definition, when type is `object`. */
  readonly ref?: string;
  /** Element schema, when type is `array` or `map`. */
  readonly items?: FieldSchema;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey?: string;
}

/** One definition of the Kubernetes API: an object with named fields. */
export interface ObjectSchema {
  readonly name: string;
  readonly required?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly gvk?: readonly [group: string, version: string, kind: string];
  readonly fields: Readonly<Record<string, FieldSchema>>;
}

let lines: ReadonlyMap<string, string> | undefined;
const parsed = new Map<string, ObjectSchema>();

/** The definition with this name, such as `io.k8s.api.core.v1.PodSpec`; undefined when there is none. */
export function schemaByName(name: string): ObjectSchema | undefined {
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const line = schemaLines().get(name);
  if (line === undefined) return undefined;
  // The table is generated from the official document: its shape is ours.
  const schema = JSON.parse(line) as ObjectSchema;
  parsed.set(name, schema);
  return schema;
}

/** Names of all definitions of the table, in order. */
export function schemaNames(): readonly string[] {
  return [...schemaLines().keys()];
}

/** The definition of a built-in kind; undefined for other kinds. */
export function schemaOf(apiVersion: string, kind: string): ObjectSchema | undefined {
  const name = findBuiltin(apiVersion, kind)?.schema;
  return name === undefined ? undefined : schemaByName(name);
}

// Lines are split at first use and parsed one by one: a process touches few of the definitions.
function schemaLines(): ReadonlyMap<string, string> {
  lines ??= new Map(
    SCHEMA_LINES.split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice('{"name":"'.length, line.indexOf('"', '{"name":"'.length)), line]),
  );
  return lines;
}
