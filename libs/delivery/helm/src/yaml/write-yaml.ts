import { encodeJson } from '../go/json.ts';
import { jsonFloat, printFloat } from '../go/strconv.ts';
import { compareStrings, toValidText } from '../go/text.ts';
import { fromJson, goInt, GoBytes, GoInt, GoMap, GoObject, GoSlice, type GoValue } from '../go/value.ts';
import { emitYaml, type EmitNode, type EmitStyle } from './emitter.ts';
import { compareKeys } from './key-order.ts';
import { resolveScalar } from './resolve.ts';

const V2: EmitStyle = { width: 80, indentsLists: false, tabsInBlocks: false };
const V3: EmitStyle = { width: Number.MAX_SAFE_INTEGER, indentsLists: true, tabsInBlocks: true };
const MAX_DEPTH = 1000;
const NULL: EmitNode = { kind: 'plain', text: 'null' };

/**
 * Writes a value as sigs.k8s.io/yaml does: to JSON, read again, then go-yaml v2. Ends with a line break.
 * Throws where encoding/json would refuse (NaN, a cycle).
 */
export function writeYaml(value: GoValue): string {
  return emitYaml(viaJson(value, 0), V2);
}

/** Writes a value as go-yaml v3 does with an indent of 2. Ends with a line break. Throws for a cycle. */
export function writeYamlPretty(value: GoValue): string {
  return emitYaml(direct(value, 0), V3);
}

function guard(depth: number): void {
  if (depth > MAX_DEPTH) throw new Error('json: unsupported value: encountered a cycle');
}

function viaJson(value: GoValue, depth: number): EmitNode {
  guard(depth);
  if (value === null) return NULL;
  if (typeof value === 'string') return { kind: 'string', text: toValidText(value) };
  if (typeof value === 'boolean') return { kind: 'plain', text: String(value) };
  if (typeof value === 'number') return { kind: 'plain', text: jsonNumber(value) };
  if (value instanceof GoInt) return typeof value.methods === 'object' ? viaJsonText(value, depth) : { kind: 'plain', text: String(value.value) };
  if (value instanceof GoBytes) return { kind: 'string', text: Buffer.from(value.bytes).toString('base64') };
  if (value instanceof GoSlice) return value.isNil ? NULL : { kind: 'list', items: value.items.map((item) => viaJson(item, depth + 1)) };
  if (value instanceof GoMap) return value.isNil ? NULL : mapNode(value, false, (item) => viaJson(item, depth + 1));
  return viaJsonText(value, depth);
}

// What has its own JSON form (times, versions, structs) takes the way through the text.
function viaJsonText(value: GoValue, depth: number): EmitNode {
  return viaJson(fromJson(JSON.parse(encodeJson(value))), depth + 1);
}

function mapNode(map: GoMap, isV3: boolean, convert: (item: GoValue) => EmitNode): EmitNode {
  const entries = [...map.entries].map(([key, item]): readonly [string, EmitNode] => [toValidText(key), convert(item)]);
  entries.sort(([a], [b]) => compareKeys(a, b, isV3) || compareStrings(a, b));
  return { kind: 'map', entries };
}

// The JSON text of a float64, read as YAML: whole numbers within 64 bits lose their exponent, others are printed by strconv.
function jsonNumber(value: number): string {
  const text = jsonFloat(value);
  const scalar = resolveScalar('', text);
  return scalar.kind === 'int' ? String(scalar.value) : printFloat(value);
}

function direct(value: GoValue, depth: number): EmitNode {
  guard(depth);
  if (typeof value === 'string') return { kind: 'string', text: toValidText(value) };
  if (typeof value === 'number') return { kind: 'plain', text: v3Float(value) };
  if (value instanceof GoBytes) return { kind: 'list', items: [...value.bytes].map((byte) => direct(goInt(byte), depth + 1)) };
  if (value instanceof GoSlice) return { kind: 'list', items: value.items.map((item) => direct(item, depth + 1)) };
  if (value instanceof GoMap) return mapNode(value, true, (item) => direct(item, depth + 1));
  if (value instanceof GoObject) return direct(fromJson(JSON.parse(encodeJson(value))), depth + 1);
  return viaJson(value, depth);
}

function v3Float(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  return printFloat(value);
}
