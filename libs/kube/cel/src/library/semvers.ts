import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import type { CelOpaque, CelValue } from '../value.ts';
import { constantCost, traversal } from './cost-rules.ts';

interface Version {
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  readonly pre: readonly string[];
}

class CelSemver implements CelOpaque {
  readonly typeName = 'kubernetes.Semver';
  readonly version: Version;

  constructor(version: Version) {
    this.version = version;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelSemver && compareVersions(other.version, this.version) === 0;
  }
}

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

// Semantic Versioning 2.0.0. `normalize` allows a leading v, missing minor and patch numbers, and leading zeros.
function parseVersion(text: string, normalize: boolean): Version | undefined {
  const match = SEMVER.exec(normalize ? normalized(text) : text);
  if (match === null) return undefined;
  const pre = match[4] === undefined ? [] : match[4].split('.');
  if (pre.some((part) => /^0\d+$/.test(part))) return undefined;
  return { numbers: [BigInt(match[1] ?? '0'), BigInt(match[2] ?? '0'), BigInt(match[3] ?? '0')], pre };
}

function normalized(text: string): string {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/.exec(text);
  if (match === null) return text;
  const [, major = '0', minor = '0', patch = '0', rest = ''] = match;
  return `${[major, minor, patch].map((part) => part.replace(/^0+(?=\d)/, '')).join('.')}${rest}`;
}

function compareVersions(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  // A version without a pre-release comes after those with one.
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (let index = 0; index < Math.min(a.pre.length, b.pre.length); index += 1) {
    const order = comparePre(a.pre[index] ?? '', b.pre[index] ?? '');
    if (order !== 0) return order;
  }
  return Math.sign(a.pre.length - b.pre.length);
}

function comparePre(a: string, b: string): number {
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumberA && isNumberB) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function read(text: CelValue | undefined, normalize: CelValue | undefined): Version {
  const version = parseVersion(String(text), normalize === true);
  if (version === undefined) throw new CelError(`invalid semantic version ${JSON.stringify(text)}`);
  return version;
}

function must(value: CelValue | undefined): Version {
  if (!(value instanceof CelSemver)) throw noSuchOverload();
  return value.version;
}

const one = (run: OverloadBody['run']): OverloadBody => ({ ...constantCost(1), run });

/** Kubernetes' functions of semantic versions (apiserver pkg/cel/library/semverlib.go, version 1). */
export const SEMVERS: readonly Overload[] = [
  ...overloads('semver', ['(string): Semver', '(string, bool): Semver'], { ...traversal(), run: ([text, normalize]) => new CelSemver(read(text, normalize)) }),
  ...overloads('isSemver', ['(string): bool', '(string, bool): bool'], {
    ...traversal(),
    run: ([text, normalize]) => parseVersion(String(text), normalize === true) !== undefined,
  }),
  ...overloads(
    'isGreaterThan',
    ['Semver.(Semver): bool'],
    one(([a, b]) => compareVersions(must(a), must(b)) > 0),
  ),
  ...overloads(
    'isLessThan',
    ['Semver.(Semver): bool'],
    one(([a, b]) => compareVersions(must(a), must(b)) < 0),
  ),
  ...overloads(
    'compareTo',
    ['Semver.(Semver): int'],
    one(([a, b]) => BigInt(compareVersions(must(a), must(b)))),
  ),
  ...(['major', 'minor', 'patch'] as const).flatMap((name, index) =>
    overloads(
      name,
      ['Semver.(): int'],
      one(([v]) => must(v).numbers[index] ?? 0n),
    ),
  ),
];
