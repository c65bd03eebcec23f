import { goInt } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionContext, TemplateFunction } from '../template/function-table.ts';
import { asInt, asString, define, type FunctionGroup } from './define.ts';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');

/** Sprig's random functions. Each says that the render is not deterministic. */
export const random: FunctionGroup = {
  randAlphaNum: ofAlphabet('randAlphaNum', LETTERS + DIGITS),
  randAlpha: ofAlphabet('randAlpha', LETTERS),
  randNumeric: ofAlphabet('randNumeric', DIGITS),
  randAscii: ofAlphabet('randAscii', ASCII),
  randBytes: define('int', ([count], context) => Buffer.from(randomBytes('randBytes', asInt(count), context)).toString('base64')),
  randInt: define('int, int', ([min, max], context) => {
    if (asInt(max) <= asInt(min)) throw new GoError('invalid argument to Intn');
    context.environment.onNonDeterminism?.('randInt');
    return goInt(asInt(min) + below(asInt(max) - asInt(min), context));
  }),
  shuffle: define('string', ([text], context) => {
    context.environment.onNonDeterminism?.('shuffle');
    const runes = [...asString(text)];
    for (let index = runes.length - 1; index > 0; index -= 1) {
      const other = below(index + 1, context);
      [runes[index], runes[other]] = [runes[other] ?? '', runes[index] ?? ''];
    }
    return runes.join('');
  }),
  uuidv4: define('', (_, context) => {
    const bytes = Buffer.from(randomBytes('uuidv4', 16, context));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }),
};

/** Random bytes, noted as such. Throws GoError for a negative count. */
export function randomBytes(name: string, count: number, context: FunctionContext): Uint8Array {
  if (count < 0) throw new GoError('runtime error: makeslice: len out of range');
  context.spend(count);
  context.environment.onNonDeterminism?.(name);
  return context.environment.randomBytes(count);
}

function ofAlphabet(name: string, alphabet: string): TemplateFunction {
  return define('int', ([count], context) => {
    const length = asInt(count);
    if (length < 0) return '';
    context.spend(length);
    context.environment.onNonDeterminism?.(name);
    let out = '';
    // Bytes beyond the last whole multiple of the alphabet are thrown away, so that every letter is as likely.
    const fair = 256 - (256 % alphabet.length);
    while (out.length < length) {
      for (const byte of context.environment.randomBytes(length - out.length)) if (byte < fair) out += alphabet.charAt(byte % alphabet.length);
    }
    return out;
  });
}

function below(limit: number, context: FunctionContext): number {
  const bytes = Buffer.from(context.environment.randomBytes(6));
  return Math.floor((bytes.readUIntBE(0, 6) / 2 ** 48) * limit);
}
