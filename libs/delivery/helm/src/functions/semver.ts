import { goInt, goInt64, GoInt, GoObject, type GoMethod, type GoValue } from '../go/value.ts';
import { compareVersions, isInRange, readRange, readVersion, type LooseVersion } from '../chart/version-range.ts';
import { GoError } from '../template/errors.ts';
import { asString, ofString, ofStrings, type FunctionGroup } from './define.ts';

const VERSION_TYPE = '*semver.Version';

/** Masterminds' versions and ranges. */
export const semver: FunctionGroup = {
  semver: ofString((text) => versionObject(mustRead(text))),
  semverCompare: ofStrings((range, text) => {
    const constraint = readRange(range);
    if (constraint === undefined) throw new GoError(`improper constraint: ${range}`);
    return isInRange(mustRead(text), constraint);
  }),
};

function mustRead(text: string): LooseVersion {
  const version = readVersion(text);
  if (version === undefined) throw new GoError('invalid semantic version');
  return version;
}

function versionObject(version: LooseVersion): GoObject {
  const text = textOf(version);
  const plain = (value: GoValue): GoMethod => ({ params: [], call: () => value });
  const against = (decide: (order: number) => GoValue): GoMethod => ({
    params: [VERSION_TYPE],
    call: ([other]) => decide(compareVersions(version, payloadOf(other))),
  });
  const bumped = (change: Partial<LooseVersion>): GoMethod => ({
    params: [],
    call: () => versionObject({ ...version, prerelease: '', metadata: '', ...change, original: '' }),
  });
  return new GoObject({
    typeName: VERSION_TYPE,
    payload: version,
    string: () => text,
    methods: {
      Major: plain(unsigned(version.major)),
      Minor: plain(unsigned(version.minor)),
      Patch: plain(unsigned(version.patch)),
      Prerelease: plain(version.prerelease),
      Metadata: plain(version.metadata),
      Original: plain(version.original),
      String: plain(text),
      Compare: against((order) => goInt(Math.sign(order))),
      Equal: against((order) => order === 0),
      LessThan: against((order) => order < 0),
      GreaterThan: against((order) => order > 0),
      LessThanEqual: against((order) => order <= 0),
      GreaterThanEqual: against((order) => order >= 0),
      IncMajor: bumped({ major: version.major + 1n, minor: 0n, patch: 0n }),
      IncMinor: bumped({ minor: version.minor + 1n, patch: 0n }),
      IncPatch: bumped(version.prerelease === '' ? { patch: version.patch + 1n } : {}),
    },
  });
}

function unsigned(value: bigint): GoInt {
  return new GoInt('uint64', goInt64(value).value);
}

function payloadOf(value: GoValue | undefined): LooseVersion {
  if (value instanceof GoObject && value.typeName === VERSION_TYPE) return value.payload as LooseVersion; // only versionObject makes this type
  throw new GoError('runtime error: invalid memory address or nil pointer dereference');
}

function textOf(version: LooseVersion): string {
  const tail = `${version.prerelease === '' ? '' : `-${asString(version.prerelease)}`}${version.metadata === '' ? '' : `+${version.metadata}`}`;
  return `${version.major}.${version.minor}.${version.patch}${tail}`;
}
