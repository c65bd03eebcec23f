import { asMap, type JsonMap } from '../draft.ts';

/** A path of a rule or selectable field, and the schema it leads to. */
export interface FieldPath {
  /** As it is appended to the path of an object: `.spec.replicas`. */
  readonly text: string;
  readonly steps: readonly string[];
  readonly schema: JsonMap;
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', "'": "'", '\\': '\\' };

/** Reads a JSONPath of fields and map keys against a schema (apiextensions schema/cel/validation.go ValidFieldPath); what is wrong with it otherwise. */
export function parseFieldPath(path: string, root: JsonMap, options: { readonly arrayNotation: boolean }): FieldPath | string {
  let at = 0;
  let schema = root;
  let text = '';
  const steps: string[] = [];
  const step = (name: string): string | undefined => {
    const properties = asMap(schema['properties']);
    const values = asMap(schema['additionalProperties']);
    const next = properties === undefined ? values : Object.hasOwn(properties, name) ? asMap(properties[name]) : undefined;
    if (next === undefined) return 'does not refer to a valid field';
    text += properties === undefined ? `[${name}]` : `.${name}`;
    steps.push(name);
    schema = next;
    return undefined;
  };
  while (at < path.length) {
    const token = nextToken(path, at, options.arrayNotation);
    if (typeof token === 'string') return token;
    const problem = step(token.name);
    if (problem !== undefined) return problem;
    ({ at } = token);
  }
  return { text, steps, schema };
}

function nextToken(path: string, at: number, arrayNotation: boolean): { readonly name: string; readonly at: number } | string {
  if (path[at] === '.') {
    const name = /^[^.[\]]*/.exec(path.slice(at + 1))?.[0] ?? '';
    return name === '' ? 'unexpected end of JSON path' : { name, at: at + 1 + name.length };
  }
  if (path[at] !== '[') return `expected [ or . but got: ${/^[^.[\]]*/.exec(path.slice(at))?.[0] ?? ''}`;
  if (!arrayNotation) return 'array notation is not allowed';
  const quoted = /^\['((?:[^'\\]|\\.)*)'\]/.exec(path.slice(at));
  if (quoted === null) return `expected single quoted string but got ${/^[^\]]*/.exec(path.slice(at + 1))?.[0] ?? ''}`;
  const name = (quoted[1] ?? '').replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
  return { name, at: at + quoted[0].length };
}
