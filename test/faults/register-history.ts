/** A state of the register: who watched saw them in this order. */
export interface RegisterVersion {
  readonly revision: number;
  readonly value: string;
}

/** What a client asked of the register, when, and what it was told; times are of one clock. */
export type RegisterOperation =
  | { readonly kind: 'read'; readonly start: number; readonly end: number; readonly revision: number; readonly value: string }
  | { readonly kind: 'write'; readonly start: number; readonly end: number; readonly revision: number; readonly value: string; readonly expected?: number }
  /** Refused because the register was not at the revision named. */
  | { readonly kind: 'refused'; readonly start: number; readonly end: number; readonly value: string; readonly expected: number }
  /** The answer never came: it may have happened or not. */
  | { readonly kind: 'unknown'; readonly start: number; readonly value: string; readonly expected?: number };

/**
 * Everything by which a history is not that of one register with compare-and-set. Values are unique, so each state names
 * its write; the states' order is known, so what is left to check is that every operation fits into it and into real time.
 */
export function findViolations(versions: readonly RegisterVersion[], operations: readonly RegisterOperation[]): readonly string[] {
  const found: string[] = [];
  const position = new Map(versions.map(({ revision }, index) => [revision, index]));
  const indexOfValue = new Map<string, number>();
  for (const [index, { value, revision }] of versions.entries()) {
    if (indexOfValue.has(value)) found.push(`${value}: written twice, at ${versions[indexOfValue.get(value) ?? 0]?.revision} and ${revision}`);
    indexOfValue.set(value, index);
    if (index > 0 && revision <= (versions[index - 1]?.revision ?? 0)) found.push(`revision ${revision}: does not follow the one before it`);
  }
  for (const operation of operations) found.push(...misfits(operation, versions, position, indexOfValue));
  found.push(...breaksOfRealTime(operations, position, indexOfValue));
  return found;
}

function misfits(
  operation: RegisterOperation,
  versions: readonly RegisterVersion[],
  position: ReadonlyMap<number, number>,
  indexOfValue: ReadonlyMap<string, number>,
): readonly string[] {
  const { kind, value } = operation;
  const index = indexOfValue.get(value);
  if (kind === 'refused') {
    if (index !== undefined) return [`${value}: refused, and written all the same`];
    const after = (position.get(operation.expected) ?? versions.length) + 1;
    return after < versions.length ? [] : [`${value}: refused, although nothing was written after ${operation.expected}`];
  }
  if (index === undefined) return kind === 'unknown' ? [] : [`${kind} of ${value}: no such state was ever seen`];
  const problems: string[] = [];
  if (kind !== 'unknown' && versions[index]?.revision !== operation.revision)
    problems.push(`${kind} of ${value}: told revision ${operation.revision}, but it has ${versions[index]?.revision}`);
  if (kind !== 'read' && operation.expected !== undefined && versions[index - 1]?.revision !== operation.expected)
    problems.push(`${value}: written over ${versions[index - 1]?.revision}, not over ${operation.expected} as demanded`);
  return problems;
}

// What ended before another began is not behind it in the order of states.
function breaksOfRealTime(
  operations: readonly RegisterOperation[],
  position: ReadonlyMap<number, number>,
  indexOfValue: ReadonlyMap<string, number>,
): readonly string[] {
  const placed = operations.flatMap((operation) => {
    const index =
      operation.kind === 'unknown' ? indexOfValue.get(operation.value) : operation.kind === 'refused' ? undefined : position.get(operation.revision);
    return index === undefined ? [] : [{ operation, index, end: operation.kind === 'unknown' ? Infinity : operation.end }];
  });
  const byEnd = placed.toSorted((a, b) => a.end - b.end);
  const found: string[] = [];
  let ended = 0;
  let newest = -1;
  for (const { operation, index } of placed.toSorted((a, b) => a.operation.start - b.operation.start)) {
    for (let next = byEnd[ended]; next !== undefined && next.end < operation.start; next = byEnd[ended]) {
      newest = Math.max(newest, next.index);
      ended += 1;
    }
    const isWrite = operation.kind !== 'read';
    if (index < newest || (isWrite && index === newest)) found.push(`${operation.kind} of ${operation.value}: began after a later state was already known`);
  }
  return found;
}
