import { JsonnetError, formatPlace, type Place } from './jsonnet-error.ts';
import type { JsonnetObject, Thunk, Value, TailCall } from './value.ts';

/** Names in reach while a program is compiled: each frame at run time holds the values of one scope. */
export interface Scope {
  readonly names: readonly string[];
  readonly parent?: Scope;
}

/** The values of one scope, and the object they stand in. */
export interface Frame {
  readonly slots: Thunk[];
  readonly parent: Frame | undefined;
  readonly self: JsonnetObject | undefined;
  /** Which layer of `self` the code belongs to: `super` looks below it. */
  readonly layer: number;
}

/** Compiled code. */
export type Code = (frame: Frame) => Value;

/** Compiled code of a function's body, which may hand its last call to the caller. */
export type TailCode = (frame: Frame) => Value | TailCall;

/** A frame inside of another one: same object, more names. */
export function innerFrame(parent: Frame, slots: Thunk[]): Frame {
  return { slots, parent, self: parent.self, layer: parent.layer };
}

/** Where a name is kept: how many frames out, and which slot. Throws JsonnetError. */
export function resolve(scope: Scope, name: string, place: Place): { readonly hops: number; readonly slot: number } {
  let hops = 0;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const slot = at.names.indexOf(name);
    if (slot >= 0) return { hops, slot };
    hops += 1;
  }
  throw new JsonnetError({ code: 'static', place }, `${formatPlace(place)} Unknown variable: ${name}`);
}
