/** A semantic version as Masterminds/semver reads it; `original` is the text it was read from. */
export interface LooseVersion {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly prerelease: string;
  readonly metadata: string;
  readonly original: string;
}

const TAIL = String.raw`(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?`;
const VERSION = new RegExp(String.raw`^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?${TAIL}$`);
const RANGE_VERSION = String.raw`v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?${TAIL}`;
const OPERATOR = String.raw`(=|!=|>|<|>=|=>|<=|=<|~|~>|\^|)`;
const CONSTRAINT = new RegExp(String.raw`^\s*${OPERATOR}\s*${RANGE_VERSION}\s*$`);
const ONE = String.raw`(?:=|!=|>|<|>=|=>|<=|=<|~|~>|\^|)\s*v?(?:\d+|[xX*])(?:\.(?:\d+|[xX*])){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`;
const GROUP = new RegExp(String.raw`^\s*${ONE}(?:(?:\s*,\s*|\s+)${ONE})*\s*$`);
const EACH = new RegExp(ONE, 'g');
const HYPHEN = /\s*(v?[0-9xX*][0-9A-Za-z.+*-]*)\s+-\s+(v?[0-9xX*][0-9A-Za-z.+*-]*)\s*/g;
const MAX_LENGTH = 256;

/** Reads a version; parts may be missing (`1.2`) and a `v` may lead. Undefined where it is none. */
export function readVersion(text: string): LooseVersion | undefined {
  const parts = text.length > MAX_LENGTH ? null : VERSION.exec(text);
  if (parts === null) return undefined;
  const [, major = '0', minor = '0', patch = '0', prerelease = '', metadata = ''] = parts;
  if (prerelease.split('.').some((part) => /^0\d+$/.test(part))) return undefined;
  return { major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch), prerelease, metadata, original: text };
}

/** Whether a text is a version. */
export function isLooseVersion(text: string): boolean {
  return readVersion(text) !== undefined;
}

function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  const left = a.split('.');
  const right = b.split('.');
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareIdentifiers(left[index], right[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const aIsNumber = /^\d+$/.test(a);
  const bIsNumber = /^\d+$/.test(b);
  if (aIsNumber && bIsNumber) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Orders versions; build metadata does not count. */
export function compareVersions(a: LooseVersion, b: LooseVersion): number {
  for (const part of ['major', 'minor', 'patch'] as const) if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  return comparePrereleases(a.prerelease, b.prerelease);
}

interface Comparator {
  readonly operator: string;
  readonly version: LooseVersion;
  readonly isDirty: boolean;
  readonly isMinorDirty: boolean;
  readonly isPatchDirty: boolean;
}

/** A range of versions: groups of which one must hold whole. */
export type VersionRange = readonly (readonly Comparator[])[];

/** Reads a range as Masterminds/semver does. Undefined where it is none. */
export function readRange(text: string): VersionRange | undefined {
  if (text.length > MAX_LENGTH * 4) return undefined;
  const groups: Comparator[][] = [];
  for (const part of text.replace(HYPHEN, '>= $1, <= $2').split('||')) {
    if (part.trim() === '') groups.push([toComparator('>=', '0', '0', '0', '')]);
    else if (!GROUP.test(part)) return undefined;
    else {
      const group = (part.match(EACH) ?? []).filter((piece) => piece.trim() !== '').map(readComparator);
      groups.push(group.filter((comparator) => comparator !== undefined));
    }
  }
  return groups;
}

function readComparator(text: string): Comparator | undefined {
  const parts = CONSTRAINT.exec(text);
  if (parts === null) return undefined;
  const [, operator = '', major = '', minor = '', patch = '', prerelease = ''] = parts;
  return toComparator(operator, major, minor, patch, prerelease);
}

function isWild(part: string): boolean {
  return part === '' || part === 'x' || part === 'X' || part === '*';
}

function toComparator(operator: string, major: string, minor: string, patch: string, prerelease: string): Comparator {
  const isAny = isWild(major);
  const isMinorDirty = !isAny && isWild(minor);
  const isPatchDirty = !isAny && !isMinorDirty && isWild(patch);
  const version: LooseVersion = {
    major: isAny ? 0n : BigInt(major),
    minor: isAny || isMinorDirty ? 0n : BigInt(minor),
    patch: isAny || isMinorDirty || isPatchDirty ? 0n : BigInt(patch),
    prerelease,
    metadata: '',
    original: '',
  };
  return { operator, version, isDirty: isAny || isMinorDirty || isPatchDirty, isMinorDirty, isPatchDirty };
}

/** Whether a version lies in a range. A pre-release needs one in the same group of the range. */
export function isInRange(version: LooseVersion, range: VersionRange): boolean {
  return range.some((group) => {
    const allowsPrerelease = group.some((comparator) => comparator.version.prerelease !== '');
    return (version.prerelease === '' || allowsPrerelease) && group.every((comparator) => holds(version, comparator));
  });
}

/** Whether a version text lies in a range text; false where either cannot be read. */
export function isCompatibleRange(range: string, version: string): boolean {
  const parsed = readRange(range);
  const candidate = readVersion(version);
  return parsed !== undefined && candidate !== undefined && isInRange(candidate, parsed);
}

function holds(version: LooseVersion, comparator: Comparator): boolean {
  const order = compareVersions(version, comparator.version);
  switch (comparator.operator) {
    case '!=':
      return isUnequal(version, comparator, order);
    case '>':
      return isGreater(version, comparator, order);
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      return isAtMost(version, comparator, order);
    case '~':
    case '~>':
      return isTilde(version, comparator, order);
    case '^':
      return order >= 0 && isCaret(version, comparator);
    default:
      return comparator.isDirty ? isTilde(version, comparator, order) : order === 0;
  }
}

function isUnequal(version: LooseVersion, { version: wanted, isDirty, isMinorDirty, isPatchDirty }: Comparator, order: number): boolean {
  if (!isDirty) return order !== 0;
  if (version.major !== wanted.major) return true;
  if (isMinorDirty) return false;
  if (version.minor !== wanted.minor) return true;
  if (isPatchDirty) return comparePrereleases(version.prerelease, wanted.prerelease) !== 0;
  return order !== 0;
}

function isGreater(version: LooseVersion, { version: wanted, isDirty, isMinorDirty, isPatchDirty }: Comparator, order: number): boolean {
  if (!isDirty) return order > 0;
  if (version.major !== wanted.major) return version.major > wanted.major;
  if (isMinorDirty) return false;
  return isPatchDirty ? version.minor > wanted.minor : order > 0;
}

function isAtMost(version: LooseVersion, { version: wanted, isDirty, isMinorDirty }: Comparator, order: number): boolean {
  if (!isDirty) return order <= 0;
  if (version.major > wanted.major) return false;
  return !(version.major === wanted.major && version.minor > wanted.minor && !isMinorDirty);
}

function isTilde(version: LooseVersion, { version: wanted, isMinorDirty, isPatchDirty }: Comparator, order: number): boolean {
  if (order < 0) return false;
  const isZero = wanted.major === 0n && wanted.minor === 0n && wanted.patch === 0n;
  if (isZero && !isMinorDirty && !isPatchDirty) return true;
  return version.major === wanted.major && (isMinorDirty || version.minor === wanted.minor);
}

function isCaret(version: LooseVersion, { version: wanted, isMinorDirty, isPatchDirty }: Comparator): boolean {
  if (version.major !== wanted.major) return false;
  if (wanted.major > 0n || isMinorDirty) return true;
  if (wanted.minor > 0n || isPatchDirty) return version.minor === wanted.minor;
  return version.minor === 0n && version.patch === wanted.patch;
}
