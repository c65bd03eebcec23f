import { deepEqual, isTrue, kindOf, typeOf } from '../go/type-names.ts';
import { GoInt, goInt, goList, GoSlice, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionContext, TemplateFunction } from '../template/function-table.ts';
import { asInt, define, itemsOf, type FunctionGroup } from './define.ts';
import { toInt64 } from './convert.ts';

const NIL_LIST = new GoSlice([], '[]interface {}', undefined, true);

const list = define('...any', (args) => goList(args));
const append = pair('push', (items, value) => goList([...items, value]));
const prepend = pair('prepend', (items, value) => goList([value, ...items]));
const first = single('find first', (items) => items[0] ?? null);
const rest = single('find rest', (items) => (items.length === 0 ? NIL_LIST : goList(items.slice(1))));
const last = single('find last', (items) => items.at(-1) ?? null);
const initial = single('find initial', (items) => (items.length === 0 ? NIL_LIST : goList(items.slice(0, -1))));
const reverse = single('find reverse', (items) => goList(items.toReversed()));
const compact = single('compact', (items) => goList(items.filter(isTrue)));
const uniq = single('find uniq', (items, context) => goList(distinct(items, context)));
const without = define('any, ...any', ([value, ...omitted]) =>
  goList(needItems(value, 'find without').filter((item) => !omitted.some((other) => deepEqual(item, other)))),
);
const has = define('any, any', ([needle, value]) => value !== null && needItems(value, 'find has').some((item) => deepEqual(item, needle ?? null)));
const slice = define('any, ...any', ([value, ...bounds]) => cut(value, bounds));
const chunk = define('int, any', ([size, value]) => chunked(asInt(size), value));

/** Sprig's functions on lists, each with its `must` twin. */
export const lists: FunctionGroup = {
  list,
  tuple: list,
  append,
  push: append,
  mustAppend: append,
  mustPush: append,
  prepend,
  mustPrepend: prepend,
  first,
  mustFirst: first,
  rest,
  mustRest: rest,
  last,
  mustLast: last,
  initial,
  mustInitial: initial,
  reverse,
  mustReverse: reverse,
  compact,
  mustCompact: compact,
  uniq,
  mustUniq: uniq,
  without,
  mustWithout: without,
  has,
  mustHas: has,
  slice,
  mustSlice: slice,
  chunk,
  mustChunk: chunk,
  concat: define('...any', (values, context) => {
    const joined = values.flatMap((value) => itemsOf(value) ?? refuse(`Cannot concat type ${kindOf(value)} as list`));
    context.spend(joined.length);
    return joined.length === 0 ? NIL_LIST : goList(joined);
  }),
  until: define('int', ([count], context) => steps(0, asInt(count), asInt(count) < 0 ? -1 : 1, context)),
  untilStep: define('int, int, int', ([start, stop, step], context) => steps(asInt(start), asInt(stop), asInt(step), context)),
  seq: define('...int', (params, context) => sequence(params.map(asInt), context)),
};

function needItems(value: GoValue | undefined, verb: string): readonly GoValue[] {
  if (value === null || value === undefined) return refuse('runtime error: invalid memory address or nil pointer dereference');
  return itemsOf(value) ?? refuse(`Cannot ${verb} on type ${kindOf(value)}`);
}

function refuse(message: string): never {
  throw new GoError(message);
}

function single(verb: string, call: (items: readonly GoValue[], context: FunctionContext) => GoValue): TemplateFunction {
  return define('any', ([value], context) => call(needItems(value, verb), context));
}

function pair(verb: string, call: (items: readonly GoValue[], value: GoValue) => GoValue): TemplateFunction {
  return define('any, any', ([value, item], context) => {
    const items = needItems(value, verb);
    context.spend(items.length);
    return call(items, item ?? null);
  });
}

function distinct(items: readonly GoValue[], context: FunctionContext): GoValue[] {
  const kept: GoValue[] = [];
  for (const item of items) {
    context.spend(kept.length);
    if (!kept.some((other) => deepEqual(item, other))) kept.push(item);
  }
  return kept;
}

function cut(value: GoValue | undefined, bounds: readonly GoValue[]): GoValue {
  const items = itemsOf(value);
  if (items === undefined) return refuse(`list should be type of slice or array but ${kindOf(value ?? null)}`);
  if (items.length === 0) return null;
  const start = bounds.length > 0 ? Number(toInt64(bounds[0])) : 0;
  const end = bounds.length > 1 ? Number(toInt64(bounds[1])) : items.length;
  if (start < 0 || end > items.length || start > end) return refuse('reflect.Value.Slice: slice index out of bounds');
  return new GoSlice(items.slice(start, end), typeOf(value ?? null));
}

function chunked(size: number, value: GoValue | undefined): GoValue {
  const items = itemsOf(value) ?? refuse(`Cannot chunk type ${kindOf(value ?? null)}`);
  if (size <= 0) return refuse('runtime error: integer divide by zero');
  const chunks: GoValue[] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(goList(items.slice(at, at + size)));
  return new GoSlice(chunks, '[][]interface {}');
}

function steps(start: number, stop: number, step: number, context: FunctionContext): GoSlice {
  const empty = stop < start ? step >= 0 : step <= 0;
  const count = empty ? 0 : Math.ceil(Math.abs((stop - start) / step));
  context.spend(count * 8);
  const items: GoInt[] = Array.from({ length: count }, (_, index) => goInt(start + index * step));
  return new GoSlice(items, '[]int');
}

function sequence(params: readonly number[], context: FunctionContext): string {
  const [a = 0, b = 0, c = 0] = params;
  if (params.length === 0 || params.length > 3) return '';
  const start = params.length === 1 ? 1 : a;
  const end = params.length === 1 ? a : params.length === 2 ? b : c;
  const direction = end < start ? -1 : 1;
  const step = params.length === 3 ? b : direction;
  if (params.length === 3 && direction < 0 && step > 0) return '';
  return steps(start, end + direction, step, context)
    .items.map((item) => (item instanceof GoInt ? item.value.toString() : ''))
    .join(' ');
}
