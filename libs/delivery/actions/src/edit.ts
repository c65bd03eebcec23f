import { cloneMutable, describeObject, fieldAt, type JsonObject, type KubeObject } from '@tiphys/kube-model';
import { ActionError, type ActionContext, type ActionOperation } from './action.ts';

type Path = readonly string[];

/** One change of a copy: sets the value, or takes the field away where there is none. */
export interface Edit {
  readonly at: Path;
  /** Absent: the field goes. */
  readonly value?: unknown;
}

/** The patch that makes some edits. */
export function patch(live: KubeObject, ...edits: readonly Edit[]): readonly ActionOperation[] {
  const copy = cloneMutable(live);
  for (const edit of edits) apply(copy, edit);
  // A copy of an object with some fields changed is an object.
  return [{ kind: 'patch', object: copy as KubeObject }];
}

function apply(root: object, { at, value }: Edit): void {
  const last = at.at(-1);
  if (last === undefined) return;
  if (value === undefined) {
    const parent = fieldAt(root, ...at.slice(0, -1));
    if (typeof parent === 'object' && parent !== null) Reflect.deleteProperty(parent, last);
    return;
  }
  let parent: object = root;
  for (const step of at.slice(0, -1)) parent = childOf(parent, step);
  Reflect.set(parent, last, value);
}

// What stands in the way of a map is replaced by one.
function childOf(parent: object, name: string): object {
  const child: unknown = Object.hasOwn(parent, name) ? Reflect.get(parent, name) : undefined;
  if (typeof child === 'object' && child !== null) return child;
  const made = {};
  Reflect.set(parent, name, made);
  return made;
}

/** The edit of an annotation; without a value it goes, and the last one takes the empty map with it. */
export function annotation(live: KubeObject, name: string, value?: string): Edit {
  const others = Object.keys(live.metadata.annotations ?? {}).filter((key) => key !== name);
  if (value === undefined && others.length === 0) return { at: ['metadata', 'annotations'] };
  return { at: ['metadata', 'annotations', name], ...(value === undefined ? {} : { value }) };
}

/** A parameter that is a whole number from zero up. Throws ActionError `invalidParameter`. */
export function countParameter(live: KubeObject, { parameters }: ActionContext, name: string, note = ''): number {
  const text = Object.hasOwn(parameters, name) ? (parameters[name] ?? '') : '';
  const count = Number(text);
  // The API takes 32 bits.
  if (/^\d+$/.test(text) && count <= 2_147_483_647) return count;
  throw new ActionError({ code: 'invalidParameter', parameter: name }, `${describeObject(live)}: invalid number: ${text}${note}`, {
    hint: `give ${name} as a whole number from zero up`,
  });
}

/** The object at a path, empty when there is none. */
export function mapAt(live: unknown, ...path: Path): JsonObject {
  const value = fieldAt(live, ...path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The reference by which a made object belongs to the one it was made from. */
export function ownerReference({ apiVersion, kind, metadata }: KubeObject): JsonObject {
  return { apiVersion, kind, name: metadata.name ?? '', ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) };
}

/** A name that sorts by time: the maker's, shortened to what the API takes, and the minute. */
export function timedName(live: KubeObject, now: string, longest: number): string {
  const stamp = now.replaceAll(/\D/g, '').slice(0, 14);
  return `${(live.metadata.name ?? '').slice(0, longest - stamp.length - 1)}-${stamp}`;
}
