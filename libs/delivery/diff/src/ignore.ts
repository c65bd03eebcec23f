import { globMatches, type IgnoreDifference } from '@tiphys/delivery-applications';
import { cloneMutable, refOf, type KubeObject } from '@tiphys/kube-model';

/** A path of keys and indexes into an object. */
export type Path = readonly (string | number)[];

/** What is ignored in one object. */
export interface IgnoreRules {
  readonly pointers: readonly (readonly string[])[];
  /** jq path expressions; what they point to is for the caller to find out. */
  readonly expressions: readonly string[];
  readonly managers: ReadonlySet<string>;
}

/** The rules of an object without any. */
export const NO_RULES: IgnoreRules = { pointers: [], expressions: [], managers: new Set() };

/** The rules that match an object; an absent part of a rule matches all, and every part may be a glob. */
export function ignoreRulesFor(object: KubeObject, differences: readonly IgnoreDifference[]): IgnoreRules {
  const ref = refOf(object);
  const matching = differences.filter(
    (rule) =>
      globMatches(rule.group ?? '', ref.group) &&
      globMatches(rule.kind, ref.kind) &&
      (rule.name === undefined || rule.name === '' || globMatches(rule.name, ref.name)) &&
      (rule.namespace === undefined || rule.namespace === '' || globMatches(rule.namespace, ref.namespace ?? '')),
  );
  if (matching.length === 0) return NO_RULES;
  return {
    pointers: matching.flatMap((rule) => rule.jsonPointers ?? []).map(parsePointer),
    expressions: [...new Set(matching.flatMap((rule) => rule.jqPathExpressions ?? []))],
    managers: new Set(matching.flatMap((rule) => rule.managedFieldsManagers ?? [])),
  };
}

function parsePointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A copy without what the paths name; of several in one list the last goes first, so that each means what it meant. */
export function withoutPaths<T extends object>(object: T, paths: readonly Path[]): T {
  if (paths.length === 0) return object;
  const copy = cloneMutable(object);
  for (const path of paths.toSorted(byPlaceBackwards)) remove(copy, path);
  // A copy with fewer fields of an arbitrary object.
  return copy as T;
}

function byPlaceBackwards(a: Path, b: Path): number {
  for (let depth = 0; depth < Math.min(a.length, b.length); depth += 1) {
    const [left, right] = [a[depth], b[depth]];
    if (left === right) continue;
    const isNumeric = Number.isInteger(Number(left)) && Number.isInteger(Number(right));
    if (isNumeric) return Number(right) - Number(left);
    return String(left) < String(right) ? 1 : -1;
  }
  return b.length - a.length;
}

function remove(root: object, path: Path): void {
  let at: unknown = root;
  for (const part of path.slice(0, -1)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return;
    at = (at as Readonly<Record<string | number, unknown>>)[part];
  }
  const last = path.at(-1);
  if (last === undefined || typeof at !== 'object' || at === null) return;
  if (Array.isArray(at)) at.splice(Number(last), /^\d+$/.test(String(last)) ? 1 : 0);
  else Reflect.deleteProperty(at, last);
}
