import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@tiphys/kube-model';
import { readReferenceCases } from '@tiphys/testkit';
import { discoverActions, performAction, type ResourceAction } from './index.ts';

// What Argo CD's actions offer and do; data only, kept outside the repository.
const CASES = process.env['TIPHYS_REFERENCE_ACTIONS'] ?? new URL('../../../../../shared/reference/argocd/action-cases.jsonl.xz', import.meta.url).pathname;

interface Discovery {
  readonly type: 'discovery';
  readonly kind: string;
  readonly case: string;
  readonly object: KubeObject;
  readonly actions: readonly ResourceAction[];
}

interface Action {
  readonly type: 'action';
  readonly kind: string;
  readonly case: string;
  readonly object: KubeObject;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly expected?: readonly KubeObject[];
  readonly operations?: readonly string[];
  readonly ignorePaths?: Readonly<Record<string, readonly string[]>>;
  readonly expectedError?: string;
}

const NOW = '2026-01-02T03:04:05Z';
const cases = readReferenceCases<Discovery | Action>({ what: 'actions of other projects', file: CASES });

// The corpus was made by another product, whose name stands in words left on objects.
const context = (parameters: Readonly<Record<string, string>> = {}) => ({ parameters, now: NOW, agent: 'Argo CD' });

// Absent, empty and false are one.
function tidied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidied);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, tidied(item)] as const);
  return Object.fromEntries(
    entries.filter(([, item]) => item !== null && item !== false && item !== '' && JSON.stringify(item) !== '{}' && JSON.stringify(item) !== '[]'),
  );
}

function without(object: unknown, pointer: string): void {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  let at = object as Record<string, unknown> | undefined;
  for (const part of parts.slice(0, -1)) {
    const [, list, key, wanted] = /^(.*)\[(.*)=(.*)\]$/.exec(part) ?? [];
    if (list === undefined) at = at?.[part] as typeof at;
    else at = (at?.[list] as Record<string, unknown>[] | undefined)?.find((item) => item[key ?? ''] === wanted);
  }
  if (at !== undefined) Reflect.deleteProperty(at, parts.at(-1) ?? '');
}

// What only the result has is not compared, as where a diff leaves out what live has beyond the manifest.
function narrowed(result: unknown, expected: unknown): unknown {
  if (Array.isArray(result) && Array.isArray(expected)) return result.map((item, index) => narrowed(item, expected[index]));
  if (typeof result !== 'object' || result === null || typeof expected !== 'object' || expected === null || Array.isArray(result)) return result;
  return Object.fromEntries(
    Object.entries(result)
      .filter(([key]) => Object.hasOwn(expected, key))
      .map(([key, item]) => [key, narrowed(item, (expected as Record<string, unknown>)[key])]),
  );
}

function comparable(object: KubeObject, entry: Action): unknown {
  const copy = structuredClone(object);
  const key = `${object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : ''}/${object.kind}`;
  for (const pointer of entry.ignorePaths?.[key] ?? []) without(copy, pointer);
  return tidied(copy);
}

// The corpus puts workflowMetadata.finalizers beside metadata, where the API drops them; here they are where they work.
const FINALIZERS = new Set(['CronWorkflow']);

describe.skipIf(cases.length === 0)('actions of other projects', () => {
  const discoveries = cases.filter((entry) => entry.type === 'discovery');
  const actions = cases.filter((entry) => entry.type === 'action');

  it.each(discoveries.map((entry) => [entry.kind, entry.case, entry] as const))('offers for %s %s', (_kind, _case, entry) => {
    const byName = (list: readonly ResourceAction[]): unknown => list.map(tidied).toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    const sorted = (list: readonly ResourceAction[]): readonly ResourceAction[] => list.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(byName(sorted(discoverActions(entry.object)))).toEqual(byName(sorted(entry.actions)));
  });

  it.each(actions.map((entry) => [entry.kind, entry.action, entry.case, entry] as const))('performs %s %s %s', (_kind, _action, _case, entry) => {
    if (entry.expectedError !== undefined) {
      expect(() => performAction(entry.object, entry.action, context(entry.parameters))).toThrow(entry.expectedError);
      return;
    }
    const done = performAction(entry.object, entry.action, context(entry.parameters));
    const expected = (entry.expected ?? []).map((object) => {
      const { finalizers, ...rest } = object as KubeObject & { finalizers?: readonly string[] };
      return FINALIZERS.has(entry.kind) && finalizers !== undefined ? ({ ...rest, metadata: { ...rest.metadata, finalizers } } as KubeObject) : object;
    });
    expect(done.map(({ kind }) => kind)).toEqual(entry.operations);
    const wanted = expected.map((object) => comparable(object, entry));
    expect(done.map(({ object }, index) => narrowed(comparable(object, entry), wanted[index]))).toEqual(wanted);
  });
});
