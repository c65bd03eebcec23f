import { overloads, type Overload } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { CelDuration, CelTimestamp, MIN_NANOS } from '../time.ts';
import { CelList, CelOptional, CelUint, isMap, NONE, type CelValue } from '../value.ts';

/** Functions of optional values (cel-go cel/library.go, OptionalTypes). */
export const OPTIONALS: readonly Overload[] = [
  ...overloads('optional.of', ['(A): optional(A)'], ([value = null]) => new CelOptional(value)),
  ...overloads('optional.ofNonZeroValue', ['(A): optional(A)'], ([value = null]) => (isZero(value) ? NONE : new CelOptional(value))),
  ...overloads('optional.none', ['(): optional(A)'], () => NONE),
  ...overloads('hasValue', ['optional(A).(): bool'], ([optional]) => asOptional(optional).value !== undefined),
  ...overloads('value', ['optional(A).(): A'], ([optional]) => {
    const { value } = asOptional(optional);
    if (value === undefined) throw new CelError('optional.none() dereference');
    return value;
  }),
  ...overloads('or', ['optional(A).(optional(A)): optional(A)'], ([first, second]) =>
    asOptional(first).value === undefined ? asOptional(second) : asOptional(first),
  ),
  ...overloads('orValue', ['optional(A).(A): A'], ([optional, otherwise = null]) => asOptional(optional).value ?? valueOrNull(optional, otherwise)),
];

function asOptional(value: CelValue | undefined): CelOptional {
  if (!(value instanceof CelOptional)) throw noSuchOverload();
  return value;
}

// An optional that holds null holds something.
function valueOrNull(optional: CelValue | undefined, otherwise: CelValue): CelValue {
  return asOptional(optional).value === null ? null : otherwise;
}

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelDuration) return value.nanos === 0n;
  // Go's zero time is the start of year 1.
  if (value instanceof CelTimestamp) return value.nanos === MIN_NANOS;
  if (value instanceof CelOptional) return value.value === undefined;
  return typeof value === 'object' && (value instanceof CelList || isMap(value)) && value.size === 0;
}
