import type { ErrorObject } from 'ajv';

interface Line {
  readonly error: ErrorObject;
  readonly nested: readonly Line[];
}

const BRANCHES = new Set(['anyOf', 'oneOf']);
const SIZES = new Set(['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties']);
const BOUNDS = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']);

/** Says validation errors in the sentences of the validator Helm uses (santhosh-tekuri/jsonschema v6), one line each. */
export function describeErrors(errors: readonly ErrorObject[]): readonly string[] {
  return print(merge(nest(errors)), '');
}

// Ajv lists the errors of branches before the branching itself.
function nest(errors: readonly ErrorObject[]): readonly Line[] {
  let lines: Line[] = [];
  for (const error of errors) {
    // `if` only repeats what its branch has said.
    if (error.keyword === 'if') continue;
    const isInside = (line: Line): boolean => BRANCHES.has(error.keyword) && line.error.schemaPath.startsWith(`${error.schemaPath}/`);
    const nested = lines.filter(isInside);
    lines = [...lines.filter((line) => !isInside(line)), { error, nested }];
  }
  return lines;
}

// Missing and additional properties of one object share a line.
function merge(lines: readonly Line[]): readonly { readonly text: string; readonly nested: readonly Line[] }[] {
  const merged = new Map<string, { readonly error: ErrorObject; readonly names: string[]; readonly nested: readonly Line[] }>();
  lines.forEach(({ error, nested }, index) => {
    const name = propertyOf(error);
    const key = name === undefined ? String(index) : `${error.instancePath} ${error.schemaPath}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { error, names: name === undefined ? [] : [name], nested });
    else known.names.push(name ?? '');
  });
  return [...merged.values()].map(({ error, names, nested }) => ({ text: `- at '${error.instancePath}': ${sentence(error, names)}`, nested }));
}

function print(lines: ReturnType<typeof merge>, indent: string): readonly string[] {
  return lines.flatMap(({ text, nested }) => [indent + text, ...print(merge(nested), `${indent}  `)]);
}

function propertyOf({ keyword, params }: ErrorObject): string | undefined {
  if (keyword === 'required') return String(params['missingProperty']);
  return keyword === 'additionalProperties' ? String(params['additionalProperty']) : undefined;
}

function quoted(value: unknown): string {
  return `'${String(value)}'`;
}

function sentence({ keyword, params, message, data }: ErrorObject, names: readonly string[]): string {
  const listed = names.map(quoted).join(', ');
  switch (keyword) {
    case 'type': {
      const wanted: unknown = params['type'];
      return `got ${typeName(data)}, want ${Array.isArray(wanted) ? wanted.join(' or ') : String(wanted)}`;
    }
    case 'required':
      return `missing ${names.length > 1 ? 'properties' : 'property'} ${listed}`;
    case 'additionalProperties':
      return `additional properties ${listed} not allowed`;
    case 'pattern':
      return `${quoted(data)} does not match pattern ${quoted(params['pattern'])}`;
    case 'enum':
      return allowed(params['allowedValues']);
    case 'const':
      return `value must be ${display(params['allowedValue'])}`;
    case 'anyOf':
      return 'anyOf failed';
    case 'oneOf':
      return params['passingSchemas'] === null
        ? 'oneOf failed, none matched'
        : `oneOf failed, subschemas ${String(params['passingSchemas']).replace(',', ', ')} matched`;
    case 'not':
      return "'not' failed";
    default:
      if (SIZES.has(keyword)) return `${keyword}: got ${sizeOf(data)}, want ${String(params['limit'])}`;
      if (BOUNDS.has(keyword))
        return `${boundName(keyword, params['comparison'])}: got ${String(data)}, want ${String(params['limit'] ?? params['multipleOf'])}`;
      return message ?? `${keyword} failed`;
  }
}

// Draft 4 says by a second keyword that a bound is exclusive.
function boundName(keyword: string, comparison: unknown): string {
  if (comparison === '>') return 'exclusiveMinimum';
  return comparison === '<' ? 'exclusiveMaximum' : keyword;
}

function allowed(values: unknown): string {
  const items = Array.isArray(values) ? values.map(display) : [];
  return `value must be ${items.length > 1 ? 'one of ' : ''}${items.join(', ')}`;
}

function display(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
}

function sizeOf(data: unknown): number {
  if (typeof data === 'string') return [...data].length;
  if (Array.isArray(data)) return data.length;
  return typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
}

function typeName(data: unknown): string {
  if (data === null || data === undefined) return 'null';
  return Array.isArray(data) ? 'array' : typeof data;
}
