import { parseFirstDocument, resolveScalar, YamlError } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';
import { TAG } from './rnode.ts';

/** A plain scalar as go-yaml v3 reads it: its tag, and its value where that is not the text itself. */
export interface Resolved {
  readonly tag: string;
  readonly value: null | boolean | number | bigint | string;
}

const NULL: Resolved = { tag: TAG.null, value: null };
const BOOLEANS = new Set(['true', 'True', 'TRUE', 'false', 'False', 'FALSE']);
const LONG = 'tag:yaml.org,2002:';
const RESOLVABLE: ReadonlySet<string> = new Set([TAG.null, TAG.bool, TAG.int, TAG.float, TAG.timestamp]);
const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?(Z|[-+]\d{2}:\d{2})?)?$/;

/** The short form of a tag: `!!int` for `tag:yaml.org,2002:int`. */
export function shortTag(tag: string): string {
  return tag.startsWith(LONG) ? `!!${tag.slice(LONG.length)}` : tag;
}

/** Resolves a plain scalar (go-yaml v3.0.3 `resolve`): only true and false are booleans, dates are timestamps. */
export function resolvePlain(text: string): Resolved {
  const scalar = resolveScalar('', text);
  switch (scalar.kind) {
    case 'null':
      return NULL;
    case 'bool':
      return BOOLEANS.has(text) ? { tag: TAG.bool, value: scalar.value } : { tag: TAG.string, value: text };
    case 'int':
      return { tag: TAG.int, value: scalar.value };
    case 'float':
      return { tag: TAG.float, value: scalar.value };
    case 'timestamp':
      return { tag: TAG.timestamp, value: formatTimestamp(text) };
    case 'str':
      return { tag: text === '<<' ? TAG.merge : TAG.string, value: text };
  }
}

/** Resolves a scalar that bears a tag. Throws KustomizeError where text and tag do not fit. */
export function resolveTagged(tag: string, text: string): Resolved {
  if (tag === TAG.binary) return { tag, value: decodeBinary(text) };
  if (!RESOLVABLE.has(tag)) return { tag, value: text };
  const found = resolvePlain(text);
  if (found.tag === tag) return found;
  if (tag === TAG.float && typeof found.value === 'bigint') return { tag, value: Number(found.value) };
  return fail(`yaml: cannot decode ${found.tag} \`${text}\` as a ${tag}`);
}

function decodeBinary(text: string): string {
  const packed = text.replaceAll(/[\r\n]/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) fail('yaml: !!binary value contains invalid base64 data');
  return Buffer.from(packed, 'base64').toString();
}

// A Go time in JSON: RFC 3339 with as many digits of the second as it takes.
function formatTimestamp(text: string): string {
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = DATE.exec(text) ?? [];
  const two = (part: string): string => part.padStart(2, '0');
  const digits = fraction.slice(0, 9).replace(/0+$/, '');
  const offset = /^[-+]00:00$/.test(zone) ? 'Z' : zone;
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${digits === '' ? '' : `.${digits}`}${offset}`;
}

const SAFE_WORD = /^[A-Za-z_/][A-Za-z0-9_./-]*$/;
const YAML11_WORD = /^(?:y|yes|n|no|on|off|true|false|null)$/i;

/**
 * Whether a text alone is something else than a string to YAML 1.1 (kyaml `IsValueNonString`, by go-yaml v2). Such a string is
 * quoted when a field is set to it.
 */
export function isYaml11NonString(text: string): boolean {
  if (text === '' || text.includes('\n')) return false;
  if (SAFE_WORD.test(text) && !YAML11_WORD.test(text)) return false;
  try {
    const node = parseFirstDocument(text);
    if (node === undefined) return true;
    if (node.kind !== 'scalar') return true;
    if (node.tag === '' && !node.isImplicit) return false;
    const { kind } = resolveScalar(node.tag, node.value);
    return kind !== 'str' && kind !== 'timestamp';
  } catch (error) {
    if (error instanceof YamlError) return false;
    throw error;
  }
}
