import { deepEqual } from '@tiphys/kube-model';
import { asMap } from '../draft.ts';
import type { StructuralSchema } from './structural-schema.ts';

/**
 * A place of the new object beside the place of the old one that it came from: what ratcheting asks (KEP-4008;
 * apiserver pkg/cel/common/equality.go). Items of lists are matched by their keys, or by index where nothing else tells.
 */
export class Correlation {
  readonly value: unknown;
  readonly old: unknown;
  readonly #schema: StructuralSchema | undefined;
  #isUnchanged: boolean | undefined;

  constructor(value: unknown, old: unknown, schema: StructuralSchema | undefined) {
    this.value = value;
    this.old = old;
    this.#schema = schema;
  }

  /** Whether the place is as it was. */
  get isUnchanged(): boolean {
    return (this.#isUnchanged ??= deepEqual(this.value, this.old));
  }

  /** A field or map value; undefined when the old object had none. */
  field(name: string): Correlation | undefined {
    const [value, old] = [asMap(this.value), asMap(this.old)];
    if (value === undefined || old === undefined || !Object.hasOwn(old, name)) return undefined;
    return new Correlation(value[name], old[name], this.#schema?.properties.get(name) ?? this.#schema?.additional);
  }

  /** A list item; undefined when the old list had none that is the same one. */
  item(index: number): Correlation | undefined {
    if (!Array.isArray(this.value) || !Array.isArray(this.old)) return undefined;
    const items: readonly unknown[] = this.value;
    const old = matchingItem(this.old, items[index], index, this.#schema);
    return old === undefined ? undefined : new Correlation(items[index], old, this.#schema?.items);
  }
}

function matchingItem(olds: readonly unknown[], item: unknown, index: number, schema: StructuralSchema | undefined): unknown {
  if (schema?.listType === 'map') return findByKeys(olds, item, schema.listMapKeys);
  // Sets hold scalars: an item of another value is another item.
  return schema?.listType === 'set' ? olds.find((old) => deepEqual(old, item)) : olds[index];
}

/** The item of a list that has the same keys as another. */
export function findByKeys(items: readonly unknown[], wanted: unknown, keys: readonly string[]): unknown {
  const key = asMap(wanted);
  return key === undefined ? undefined : items.find((item) => keys.every((name) => deepEqual(asMap(item)?.[name], key[name])));
}
