import semver from 'semver';

/** One version of a chart that a repository offers. */
export interface ChartVersion {
  readonly version: string;
  /** SHA-256 of the archive in hex, when the repository says. */
  readonly digest?: string;
  /** Where the archive is; relative to the repository. OCI has none. */
  readonly urls: readonly string[];
}

/**
 * The version that a constraint chooses: the exact one, or the highest that satisfies a range. Pre-releases count only when the
 * constraint names one (Masterminds semver). An empty constraint or `*` means the highest release.
 */
export function chooseVersion(versions: readonly ChartVersion[], constraint: string): ChartVersion | undefined {
  const wanted = constraint.trim();
  const exact = versions.find(({ version }) => version === wanted || (isExactVersion(wanted) && sameVersion(version, wanted)));
  if (exact !== undefined) return exact;
  if (wanted === '' || wanted === '*') return highest(versions, '*') ?? undefined;
  const range = toRange(wanted);
  return range === undefined ? undefined : highest(versions, range);
}

/** Whether a text chooses among versions: a range, and neither a version nor a mere name. */
export function isVersionRange(text: string): boolean {
  return /[*<>=~^|,]|\s|(?:^|\.)[xX](?:\.|$)/.test(text.trim()) && !isExactVersion(text.trim()) && toRange(text.trim()) !== undefined;
}

/** Whether a revision is one version rather than a range. */
export function isExactVersion(text: string): boolean {
  return semver.valid(text.replace(/^v/, '')) !== null;
}

function sameVersion(a: string, b: string): boolean {
  return a.replace(/^v/, '') === b.replace(/^v/, '');
}

function highest(versions: readonly ChartVersion[], range: string): ChartVersion | undefined {
  const includePrerelease = /\d-/.test(range);
  return versions
    .flatMap((entry) => {
      const parsed = semver.parse(entry.version.replace(/^v/, ''));
      return parsed === null || !semver.satisfies(parsed, range, { includePrerelease }) || (parsed.prerelease.length > 0 && !includePrerelease)
        ? []
        : [{ entry, parsed }];
    })
    .toSorted((a, b) => semver.compareBuild(b.parsed, a.parsed))[0]?.entry;
}

// Masterminds' constraints separate conditions by commas or blanks and know `!=`, which npm's ranges do not.
function toRange(constraint: string): string | undefined {
  const range = constraint
    .replaceAll(',', ' ')
    .replaceAll(/(^|[\s|])v(?=\d)/g, '$1')
    .replaceAll(/([<>=~^])\s*v(?=\d)/g, '$1')
    .trim();
  return semver.validRange(range) === null ? undefined : range;
}
