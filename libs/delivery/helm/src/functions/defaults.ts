import { DomainError } from '@tiphys/kernel';
import { encodeJson, type JsonOptions } from '../go/json.ts';
import { isTrue, kindOf, typeOf, deepEqual } from '../go/type-names.ts';
import { goInt, goInt64, type GoValue } from '../go/value.ts';
import { FailError } from '../template/errors.ts';
import { toFloat64, toInt64 } from './convert.ts';
import { asString, define, type FunctionGroup } from './define.ts';
import { parseInteger } from '../template/number.ts';
import { formatValue } from '../go/format.ts';

/** Sprig's functions on emptiness, types and conversions, and its `fail`. */
export const defaults: FunctionGroup = {
  default: define('any, ...any', ([fallback, ...given]) => (given.length === 0 || !isTrue(given[0] ?? null) ? (fallback ?? null) : (given[0] ?? null))),
  empty: define('any', ([value]) => !isTrue(value)),
  coalesce: define('...any', (values) => values.find((value) => isTrue(value)) ?? null),
  all: define('...any', (values) => values.every((value) => isTrue(value))),
  any: define('...any', (values) => values.some((value) => isTrue(value))),
  ternary: define('any, any, bool', ([yes, no, condition]) => (condition === true ? (yes ?? null) : (no ?? null))),
  fail: define('string', ([message]) => {
    throw new FailError(asString(message));
  }),
  typeOf: define('any', ([value]) => typeOf(value ?? null)),
  typeIs: define('string, any', ([name, value]) => asString(name) === typeOf(value ?? null)),
  typeIsLike: define('string, any', ([name, value]) => asString(name) === typeOf(value ?? null) || `*${asString(name)}` === typeOf(value ?? null)),
  kindOf: define('any', ([value]) => kindOf(value ?? null)),
  kindIs: define('string, any', ([name, value]) => asString(name) === kindOf(value ?? null)),
  deepEqual: define('any, any', ([a, b]) => deepEqual(a ?? null, b ?? null)),
  int: define('any', ([value]) => goInt(toInt64(value))),
  int64: define('any', ([value]) => goInt64(toInt64(value))),
  float64: define('any', ([value]) => toFloat64(value)),
  atoi: define('string', ([text]) => goInt(decimal(asString(text)))),
  toDecimal: define('any', ([value]) => goInt64(octal(formatValue(value ?? null)))),
  hello: define('', () => 'Hello!'),
  toJson: define('any', ([value]) => jsonOrEmpty(value ?? null)),
  mustToJson: define('any', ([value]) => encodeJson(value ?? null)),
  toPrettyJson: define('any', ([value]) => jsonOrEmpty(value ?? null, { indent: '  ' })),
  mustToPrettyJson: define('any', ([value]) => encodeJson(value ?? null, { indent: '  ' })),
  toRawJson: define('any', ([value]) => encodeJson(value ?? null, { escapeHtml: false })),
  mustToRawJson: define('any', ([value]) => encodeJson(value ?? null, { escapeHtml: false })),
};

function decimal(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) return 0n;
  const value = BigInt(text.replace(/^\+/, ''));
  return value > 2n ** 63n - 1n ? 2n ** 63n - 1n : value < -(2n ** 63n) ? -(2n ** 63n) : value;
}

function octal(text: string): bigint {
  return /^[+-]?[0-7]+$/.test(text) ? (parseInteger(text.replace(/^([+-]?)/, '$10o')) ?? 0n) : 0n;
}

function jsonOrEmpty(value: GoValue, options: JsonOptions = {}): string {
  try {
    return encodeJson(value, options);
  } catch (error) {
    // Sprig drops the error of toJson: what JSON cannot write (a NaN) reads as nothing.
    if (error instanceof DomainError || error instanceof RangeError) throw error;
    return '';
  }
}
