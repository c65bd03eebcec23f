import { DYN, mapParts, partsOf, type CelType } from './cel-type.ts';

/** What type parameters have been found to stand for. */
export class Substitutions {
  readonly #types: Map<string, CelType>;

  constructor(types: ReadonlyMap<string, CelType> = new Map()) {
    this.#types = new Map(types);
  }

  /** A copy to try assignments in. */
  fork(): Substitutions {
    return new Substitutions(this.#types);
  }

  /** Takes over what a fork found. */
  adopt(fork: Substitutions): void {
    for (const [name, type] of fork.#types) this.#types.set(name, type);
  }

  /** The type with parameters replaced; unbound ones become dyn when `final`. */
  apply(type: CelType, final: boolean = false): CelType {
    if (type.kind !== 'param') return mapParts(type, (part) => this.apply(part, final));
    const found = this.#types.get(type.name);
    return found === undefined ? (final ? DYN : type) : this.apply(found, final);
  }

  /** Whether `from` may stand where `to` is wanted; notes what parameters must be for that (cel-go checker/types.go). */
  assign(from: CelType, to: CelType): boolean {
    const trial = this.fork();
    if (!trial.#assign(from, to)) return false;
    this.adopt(trial);
    return true;
  }

  /** Like `assign` for all of two lists at once. */
  assignAll(from: readonly CelType[], to: readonly CelType[]): boolean {
    if (from.length !== to.length) return false;
    const trial = this.fork();
    if (!from.every((type, index) => trial.#assign(type, to[index] ?? DYN))) return false;
    this.adopt(trial);
    return true;
  }

  #find(type: CelType): CelType {
    let found = type;
    while (found.kind === 'param') {
      const next = this.#types.get(found.name);
      if (next === undefined || next.kind !== 'param') break;
      found = next;
    }
    return found;
  }

  #assign(one: CelType, other: CelType): boolean {
    const a = this.#find(one);
    const b = this.#find(other);
    if (b.kind === 'param') return this.#bind(b, a);
    if (a.kind === 'param') return this.#bind(a, b);
    if (a.kind === 'dyn' || b.kind === 'dyn') return true;
    if (a.kind === 'null') return isNullable(b);
    if (b.kind === 'null') return isNullable(a);
    if (a.kind === 'list' && b.kind === 'list') return this.#assign(a.element, b.element);
    if (a.kind === 'map' && b.kind === 'map') return this.#assign(a.key, b.key) && this.#assign(a.value, b.value);
    if (a.kind === 'type' && b.kind === 'type') return true;
    if (a.kind === 'opaque' && b.kind === 'opaque') {
      return a.name === b.name && a.params.length === b.params.length && a.params.every((param, index) => this.#assign(param, b.params[index] ?? DYN));
    }
    if (a.kind === 'object' && b.kind === 'object') return a.name === b.name;
    return a.kind === b.kind;
  }

  #bind(param: Extract<CelType, { kind: 'param' }>, type: CelType): boolean {
    if (type.kind === 'param' && type.name === param.name) return true;
    const known = this.#types.get(param.name);
    if (known === undefined) {
      if (this.#mentions(type, param.name)) return false;
      this.#types.set(param.name, type);
      return true;
    }
    if (!this.#assign(known, type)) return false;
    // Of two types that fit, the more general is kept.
    if (isMoreGeneral(type, known)) this.#types.set(param.name, type);
    return true;
  }

  #mentions(type: CelType, name: string): boolean {
    if (type.kind !== 'param') return partsOf(type).some((part) => this.#mentions(part, name));
    const found = this.#types.get(type.name);
    return type.name === name || (found !== undefined && this.#mentions(found, name));
  }
}

function isNullable(type: CelType): boolean {
  return type.kind === 'null' || type.kind === 'object' || type.kind === 'opaque' || type.kind === 'duration' || type.kind === 'timestamp';
}

/** Whether the first type says less than the second. */
function isMoreGeneral(a: CelType, b: CelType): boolean {
  if (a.kind === 'dyn') return b.kind !== 'dyn';
  if (a.kind === 'list' && b.kind === 'list') return isMoreGeneral(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return isMoreGeneral(a.key, b.key) || isMoreGeneral(a.value, b.value);
  // null is taken for whatever may be null.
  return b.kind === 'null' && a.kind !== 'null';
}
