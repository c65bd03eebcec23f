import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, NULL, opaque, optionalOf, STRING, TIMESTAMP, UINT, type CelType } from './cel-type.ts';
import type { CallEstimate, EstimatedNode } from './estimate.ts';
import type { CelValue } from './value.ts';

/** One signature of a function, with what it does and what it costs. Arguments have the receiver first. */
export interface Overload {
  /** Name of the function, such as `size` or `optional.of`. */
  readonly name: string;
  /** `x.f()` rather than `f(x)`. */
  readonly member: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType;
  /** Computes the result. Throws `CelError`. */
  readonly run: (args: readonly CelValue[]) => CelValue;
  /** Units a call costs; absent: 1. */
  readonly cost?: (args: readonly CelValue[]) => number;
  /** Units a call may cost, and the size of its result, from the sizes of its arguments; absent: 1 and unknown. */
  readonly estimate?: (args: readonly EstimatedNode[]) => CallEstimate;
}

/** What an overload is besides its signature. */
export type OverloadBody = Pick<Overload, 'run' | 'cost' | 'estimate'>;

/** The functions of an environment by name. */
export type FunctionTable = ReadonlyMap<string, readonly Overload[]>;

/** Joins libraries into one table. */
export function functionTable(...libraries: readonly (readonly Overload[])[]): FunctionTable {
  const table = new Map<string, Overload[]>();
  for (const overload of libraries.flat()) {
    const known = table.get(overload.name);
    if (known === undefined) table.set(overload.name, [overload]);
    else known.push(overload);
  }
  return table;
}

/**
 * Declares overloads of one function and one body by their signatures: `(string): int` is a function, `string.(int): string`
 * a method of strings. A type that is one upper-case letter is a parameter; names of libraries' own types stand in NAMED.
 */
export function overloads(name: string, signatures: readonly string[], body: OverloadBody | OverloadBody['run']): readonly Overload[] {
  const full = typeof body === 'function' ? { run: body } : body;
  return signatures.map((signature) => ({ name, ...parseSignature(signature), ...full }));
}

/** The types libraries bring, by the short names of signatures. */
export const NAMED: Readonly<Record<string, CelType>> = {
  dyn: DYN,
  null: NULL,
  bool: BOOL,
  int: INT,
  uint: UINT,
  double: DOUBLE,
  string: STRING,
  bytes: BYTES,
  duration: DURATION,
  timestamp: TIMESTAMP,
  URL: opaque('kubernetes.URL'),
  IP: opaque('net.IP'),
  CIDR: opaque('net.CIDR'),
  Quantity: opaque('kubernetes.Quantity'),
  Semver: opaque('kubernetes.Semver'),
  Format: opaque('kubernetes.NamedFormat'),
  Authorizer: opaque('kubernetes.authorization.Authorizer'),
  PathCheck: opaque('kubernetes.authorization.PathCheck'),
  GroupCheck: opaque('kubernetes.authorization.GroupCheck'),
  ResourceCheck: opaque('kubernetes.authorization.ResourceCheck'),
  Decision: opaque('kubernetes.authorization.Decision'),
};

function parseSignature(signature: string): Pick<Overload, 'member' | 'params' | 'result'> {
  const colon = signature.lastIndexOf('): ');
  const result = readType(signature.slice(colon + 3));
  const dot = signature.indexOf('.(');
  const open = dot < 0 ? 0 : dot + 1;
  const params = splitTypes(signature.slice(open + 1, colon)).map(readType);
  return { member: dot >= 0, params: dot < 0 ? params : [readType(signature.slice(0, dot)), ...params], result };
}

function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const char = text[at];
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char !== undefined && (char !== ',' || depth > 0)) continue;
    if (at > start) parts.push(text.slice(start, at).trim());
    start = at + 1;
  }
  return parts;
}

function readType(text: string): CelType {
  const open = text.indexOf('(');
  if (open < 0) return NAMED[text] ?? { kind: 'param', name: text };
  const [first = DYN, second = DYN] = splitTypes(text.slice(open + 1, -1)).map(readType);
  switch (text.slice(0, open)) {
    case 'list':
      return listOf(first);
    case 'map':
      return mapOf(first, second);
    case 'type':
      return { kind: 'type', of: first };
    default:
      return optionalOf(first);
  }
}
