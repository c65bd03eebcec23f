import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvDraft4 from 'ajv-draft-04';
import ajvFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { GoMap, toJson, type GoValue } from '../go/value.ts';
import { jsonKind } from '../yaml/read-yaml.ts';
import type { Chart } from './chart.ts';
import { describeErrors } from './schema-errors.ts';

const HEAD = "values don't meet the specifications of the schema(s) in the following chart(s):\n";
const CACHED_SCHEMAS = 256;
const validators = new Map<string, ValidateFunction | Error>();

/** Checks the values of a chart and its subcharts against their schemas. Throws an Error with Helm's words. */
export function validateSchemas(chart: Chart, values: GoMap): void {
  const report = reportOf(chart, values);
  if (report !== '') throw new Error(HEAD + report);
}

function reportOf(chart: Chart, values: GoMap): string {
  let report = '';
  if (chart.schema !== undefined) {
    const problem = validate(chart.schema, values);
    if (problem !== undefined) report += `${chart.name}:\n${problem}`;
  }
  for (const child of chart.dependencies) {
    const own = values.entries.get(child.name) ?? null;
    if (own === null) continue;
    if (own instanceof GoMap) report += reportOf(child, own);
    else report += `${child.name}:\ninvalid type for values: expected object (map), got ${goType(own)}\n`;
  }
  return report;
}

function goType(value: GoValue): string {
  return { string: 'string', bool: 'bool', number: 'float64', array: '[]interface {}', object: 'map[string]interface {}' }[jsonKind(value)] ?? 'interface {}';
}

function validate(schema: string, values: GoMap): string | undefined {
  const validator = compile(schema);
  if (validator instanceof Error) return validator.message;
  if (validator(toJson(values)) === true) return undefined;
  return `${describeErrors(validator.errors ?? []).join('\n')}\n`;
}

// Schemas are compiled once: a chart renders many times.
function compile(schema: string): ValidateFunction | Error {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = tryCompile(schema);
  if (validators.size >= CACHED_SCHEMAS) validators.clear();
  validators.set(schema, made);
  return made;
}

function tryCompile(schema: string): ValidateFunction | Error {
  try {
    const parsed: unknown = JSON.parse(schema);
    return makeAjv(parsed).compile(withoutDialect(parsed));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const remote = 'missingRef' in error && 'missingSchema' in error ? String(error.missingSchema) : undefined;
    // Schemas are never fetched: rendering has no network.
    return remote === undefined ? error : new Error(`failing loading "${remote}": (no network)`, { cause: error });
  }
}

// The default export of a CommonJS package under nodenext: the value may stand behind `default` once more.
function unwrap<T>(module: T | { readonly default: T }): T {
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : (module as T);
}

function makeAjv(schema: unknown): Ajv {
  const dialect = typeof schema === 'object' && schema !== null && '$schema' in schema && typeof schema.$schema === 'string' ? schema.$schema : '';
  const options: Options = { strict: false, allErrors: true, verbose: true, logger: false, validateFormats: false, code: { regExp: linearRegExp } };
  if (/draft-04/.test(dialect)) return withFormats(new (unwrap(ajvDraft4))({ ...options, validateFormats: true }) as unknown as Ajv);
  if (/draft-0[67]/.test(dialect)) return withFormats(new Ajv({ ...options, validateFormats: true }));
  if (/2019-09/.test(dialect)) return new Ajv2019(options);
  return new Ajv2020(options);
}

function withFormats(ajv: Ajv): Ajv {
  unwrap(ajvFormats)(ajv);
  return ajv;
}

// The dialect is chosen; a generic or draft-06 URI must not be looked up as a schema of its own.
function withoutDialect(schema: unknown): object | boolean {
  if (typeof schema === 'boolean') return schema;
  if (typeof schema !== 'object' || schema === null) throw new Error('jsonschema: schema must be an object or a boolean');
  const rest: Record<string, unknown> = { ...schema };
  delete rest['$schema'];
  return rest;
}

// Patterns come with the chart: they run in linear time.
function linearRegExp(pattern: string): { readonly test: (text: string) => boolean; readonly toString: () => string } {
  const compiled = RE2JS.compile(pattern);
  // Ajv tells patterns apart by their text.
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
}
linearRegExp.code = 'new RegExp';
