import { messageOf } from '@tiphys/kernel';
import type { JsonObject } from '@tiphys/kube-model';
import { RE2JS } from 're2js';
import { GenerateError } from '../generate-error.ts';

/** A pattern of a filter, in linear time; absent matches everything. Throws GenerateError. */
export function pattern(filter: JsonObject, name: string): (text: string) => boolean {
  const source = filter[name];
  if (typeof source !== 'string') return () => true;
  try {
    const compiled = RE2JS.compile(source);
    return (text) => compiled.matcher(text).find();
  } catch (error) {
    throw new GenerateError({ code: 'invalid' }, `filter ${name}: ${JSON.stringify(source)} is no pattern: ${messageOf(error)}`);
  }
}
