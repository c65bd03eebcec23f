import type { Application } from '@tiphys/delivery-applications';
import type { ApplicationSet } from './application-set.ts';

/** Fields of Applications that belong to people, for one of them (`ignoreApplicationDifferences`), as JSON pointers. */
export function pointersFor({ spec }: ApplicationSet, name: string): readonly string[] {
  return (spec.ignoreApplicationDifferences ?? []).flatMap((rule) => {
    if (rule.name !== undefined && rule.name !== '' && rule.name !== name) return [];
    return [...(rule.jsonPointers ?? []), ...(rule.jqPathExpressions ?? []).map(pointerOfPath)];
  });
}

// Paths of plain names, which is what people write here: `.spec.source.targetRevision`. Others match nothing, and the set's condition says so.
function pointerOfPath(path: string): string {
  return isPlainPath(path) ? path.replaceAll('.', '/') : '';
}

/** Whether a jq path is one of plain names. */
export function isPlainPath(path: string): boolean {
  return /^(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/.test(path);
}

/** The object with the live values at some places, or without a value where the live object has none. */
export function takePointers(wanted: Application, live: Application, pointers: readonly string[]): Application {
  return pointers
    .filter((pointer) => pointer.startsWith('/'))
    .reduce<Application>((result, pointer) => takeOne(result, live, partsOf(pointer)) as Application, wanted);
}

function partsOf(pointer: string): readonly string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function takeOne(wanted: unknown, live: unknown, [part, ...rest]: readonly string[]): unknown {
  if (part === undefined) return live;
  const below = child(live, part);
  if (Array.isArray(wanted)) return wanted.map((item: unknown, index) => (String(index) === part ? takeOne(item, below, rest) : item));
  if (typeof wanted !== 'object' || wanted === null) return below === undefined ? wanted : takeOne({}, live, [part, ...rest]);
  const { [part]: own, ...others } = wanted as Readonly<Record<string, unknown>>;
  const value = rest.length === 0 ? below : takeOne(own, below, rest);
  return value === undefined ? others : { ...others, [part]: value };
}

function child(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
