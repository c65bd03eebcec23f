import { fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathsOf } from './field-set.ts';
import { parseManagedFields } from './managed-fields.ts';
import type { PathElement } from './path-element.ts';
import { schemaNodeFromOpenApi } from './schema-node.ts';
import { serverSideApply, trackUpdate } from './server-side-apply.ts';

// Random scripts of applies and updates by several managers, against a model that knows only leaves and who owns them.
const RUNS = 10_000;
const NOW = '2030-01-01T00:00:00Z';
const text = { type: 'string' };
const texts = { type: 'array', items: text };
const schema = schemaNodeFromOpenApi({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        a: text,
        n: { type: 'integer' },
        obj: { type: 'object', properties: { x: text, y: text } },
        whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { x: text, y: text } },
        map: { type: 'object', additionalProperties: text },
        list: texts,
        set: { ...texts, 'x-kubernetes-list-type': 'set' },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', properties: { name: text, v: text, w: text, tags: { ...texts, 'x-kubernetes-list-type': 'set' } } },
        },
      },
    },
  },
});

type Spec = Readonly<Record<string, unknown>>;
/** Path of a leaf → its value as text. */
type Leaves = Map<string, string>;

function leavesOf(spec: Spec): Leaves {
  const leaves: Leaves = new Map();
  const add = (path: string, value: unknown): void => void leaves.set(path, JSON.stringify(value));
  for (const [field, value] of Object.entries(spec)) {
    if (field === 'obj' || field === 'map') for (const [key, child] of Object.entries(value as Spec)) add(`${field}.${key}`, child);
    else if (field === 'set') for (const item of value as readonly string[]) add(`set[${item}]`, item);
    else if (field === 'items') {
      for (const { name, tags = [], ...rest } of value as readonly { name: string; tags?: readonly string[] }[]) {
        add(`items[${name}]`, 'there');
        add(`items[${name}].name`, name);
        for (const tag of tags) add(`items[${name}].tags[${tag}]`, tag);
        for (const [key, child] of Object.entries(rest)) add(`items[${name}].${key}`, child);
      }
    } else add(field, value);
  }
  return leaves;
}

/** What server-side apply promises, said of leaves. */
class Model {
  readonly live: Leaves = new Map();
  readonly owners = new Map<string, Set<string>>();

  owned(by: string): Set<string> {
    const set = this.owners.get(by) ?? new Set<string>();
    this.owners.set(by, set);
    return set;
  }

  conflicts(manager: string, applied: Leaves): readonly string[] {
    return [...this.owners]
      .filter(([other]) => other !== manager)
      .flatMap(([other, paths]) =>
        [...paths].filter((path) => applied.has(path) && applied.get(path) !== this.live.get(path)).map((path) => `${other} ${path}`),
      )
      .toSorted();
  }

  apply(manager: string, applied: Leaves): void {
    const before = new Set(this.owned(manager));
    for (const conflict of this.conflicts(manager, applied)) {
      const [other = '', path = ''] = conflict.split(' ');
      this.owned(other).delete(path);
    }
    for (const [path, value] of applied) this.live.set(path, value);
    this.owners.set(manager, new Set(applied.keys()));
    const isOwned = (path: string): boolean => [...this.owners.values()].some((paths) => paths.has(path));
    for (const path of [...before].filter((candidate) => !isOwned(candidate))) {
      // An item that nobody holds any more goes with all that is in it, whoever put it there.
      for (const gone of [...this.live.keys()].filter((candidate) => candidate === path || candidate.startsWith(`${path}.`))) this.#forget(gone);
    }
  }

  #forget(path: string): void {
    this.live.delete(path);
    for (const paths of this.owners.values()) paths.delete(path);
  }

  update(manager: string, next: Leaves): void {
    for (const path of this.live.keys()) {
      if (!next.has(path)) this.#forget(path);
    }
    for (const [path, value] of next) {
      if (this.live.get(path) === value) continue;
      for (const paths of this.owners.values()) paths.delete(path);
      this.owned(manager).add(path);
      this.live.set(path, value);
    }
  }
}

const word = fc.constantFrom('1', '2', '3');
const name = fc.constantFrom('p', 'q');
const someWords = fc.uniqueArray(word, { minLength: 1 });
const optional = fc.record(
  {
    a: word,
    n: fc.integer({ min: 1, max: 3 }),
    obj: fc.record({ x: word, y: word }, { requiredKeys: [] }).filter((value) => Object.keys(value).length > 0),
    whole: fc.record({ x: word, y: word }, { requiredKeys: [] }).filter((value) => Object.keys(value).length > 0),
    map: fc.dictionary(name, word, { minKeys: 1 }),
    list: someWords,
    set: someWords,
    items: fc.uniqueArray(fc.record({ name, v: word, w: word, tags: someWords }, { requiredKeys: ['name'] }), { minLength: 1, selector: (item) => item.name }),
  },
  { requiredKeys: [] },
);
// A map without fields is a leaf of its own, which the model does not know.
const some = optional.filter((value) => Object.keys(value).length > 0);
const step = fc.record({ by: fc.constantFrom('ann', 'bob', 'cid'), kind: fc.constantFrom('apply', 'apply', 'force', 'update'), spec: some });

const objectOf = (spec: Spec): KubeObject => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'one' }, spec }) as KubeObject;
const specOf = (object: KubeObject | undefined): Spec => {
  const spec = fieldAt(object, 'spec');
  return isJsonObject(spec) ? spec : {};
};

const stepOf = (element: PathElement): string => {
  if (element.kind === 'field') return `.${element.name}`;
  return element.kind === 'key' ? `[${String(element.keys['name'])}]` : element.kind === 'value' ? `[${String(element.value)}]` : '';
};
const pathOf = (elements: readonly PathElement[]): string =>
  elements
    .map(stepOf)
    .join('')
    .replace(/^\.spec\.?/, '');

// An update that makes a map or list owns that too, which no apply ever does; leaves are what counts here.
const isLeaf = (path: string): boolean => path !== '' && !/^(obj|map|set|items|items\[\w+\]\.tags)$/.test(path);

/** Who owns which leaves, as managedFields say. */
function ownersOf(object: KubeObject): Record<string, readonly string[]> {
  const found: Record<string, readonly string[]> = {};
  for (const { manager, operation, fields } of parseManagedFields(object)) {
    const paths = [...pathsOf(fields)].map(pathOf).filter(isLeaf);
    if (paths.length > 0) found[`${manager}/${operation}`] = paths.toSorted();
  }
  return found;
}

function expected(model: Model): Record<string, readonly string[]> {
  return Object.fromEntries([...model.owners].filter(([, paths]) => paths.size > 0).map(([by, paths]) => [by, [...paths].toSorted()]));
}

function run(script: readonly { readonly by: string; readonly kind: string; readonly spec: Spec }[]): void {
  const model = new Model();
  let live: KubeObject | undefined;
  for (const { by, kind, spec } of script) {
    if (kind === 'update') {
      const metadata = live?.metadata ?? { name: 'one' };
      live = trackUpdate({ live, updated: { ...objectOf(spec), metadata }, manager: by, schema, now: NOW });
      model.update(`${by}/Update`, leavesOf(spec));
    } else {
      const applied = leavesOf(spec);
      const conflicts = model.conflicts(`${by}/Apply`, applied);
      const result = serverSideApply({ live, applied: objectOf(spec), manager: by, force: kind === 'force', schema, now: NOW });
      if (result.kind === 'conflict') {
        const told = result.conflicts.map((found) => `${found.manager}/${found.operation} ${pathOf(found.elements)}`);
        expect(told.toSorted()).toStrictEqual(conflicts);
        expect(kind).toBe('apply');
        continue;
      }
      if (kind === 'apply') expect(conflicts).toStrictEqual([]);
      model.apply(`${by}/Apply`, applied);
      // Again by the same manager: nothing changes.
      const again = serverSideApply({ live: result.object, applied: objectOf(spec), manager: by, force: false, schema, now: NOW });
      expect(again).toStrictEqual({ kind: 'applied', object: result.object, changed: false });
      live = result.object;
    }
    expect(Object.fromEntries(leavesOf(specOf(live)))).toEqual(Object.fromEntries(model.live));
    expect(ownersOf(live)).toEqual(expected(model));
  }
}

describe('the laws of server-side apply', () => {
  it(`hold in ${RUNS} scripts of several managers`, { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (script) => run(script)),
      { numRuns: RUNS },
    );
  });
});
