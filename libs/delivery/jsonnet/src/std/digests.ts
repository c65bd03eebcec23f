import { createHash } from 'node:crypto';
import { runtimeError } from '../machine.ts';
import { JsonnetArray } from '../value.ts';
import { fn, str, type StdFunction, type StdFunctions } from './define.ts';
import { bytesOf } from './strings.ts';

const digest = (algorithm: string): StdFunction => fn('str', (_, text) => createHash(algorithm).update(str(text)).digest('hex'));

/** Digests and base64. */
export const digestFunctions: StdFunctions = {
  md5: digest('md5'),
  sha1: digest('sha1'),
  sha256: digest('sha256'),
  sha512: digest('sha512'),
  sha3: digest('sha3-512'),
  base64: fn('input', (std, input) => {
    const value = input.force();
    return std.text((value instanceof JsonnetArray ? Buffer.from(bytesOf(value.items)) : Buffer.from(str(input))).toString('base64'));
  }),
  base64DecodeBytes: fn('str', (std, text) => std.array([...decode(str(text))])),
  base64Decode: fn('str', (std, text) => std.text(decode(str(text)).toString('latin1'))),
};

function decode(text: string): Buffer {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw runtimeError('Not a base64 encoded string');
  return Buffer.from(text, 'base64');
}
