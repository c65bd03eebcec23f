import type { ApplicationSource } from '@tiphys/delivery-applications';
import { chooseVersion, isVersionRange } from '@tiphys/delivery-charts';
import { resolveRevision, SourceError, type RemoteRefs } from '@tiphys/delivery-git';
import { redactUrl } from '@tiphys/kernel';

const TAGS = 'refs/tags/';

/**
 * The commit a Git source stands for: a branch, tag, ref or commit, or the highest tag that satisfies a version range
 * (argo-cd docs/user-guide/tracking_strategies.md). With a `tagPrefix` only tags that begin so count, without it. Throws SourceError.
 */
export function resolveGitRevision(refs: RemoteRefs, { repoURL, targetRevision = '', tagPrefix = '' }: ApplicationSource): string {
  if (!isVersionRange(targetRevision)) return resolveRevision(refs, targetRevision, repoURL);
  const begin = `${TAGS}${tagPrefix}`;
  const versions = [...refs.oids.keys()].filter((ref) => ref.startsWith(begin)).map((ref) => ({ version: ref.slice(begin.length), urls: [] }));
  const chosen = chooseVersion(versions, targetRevision);
  if (chosen !== undefined) return resolveRevision(refs, `${begin}${chosen.version}`, repoURL);
  const remote = redactUrl(repoURL);
  throw new SourceError(
    { code: 'revisionNotFound', remote, revision: targetRevision },
    `repository ${remote}: no tag${tagPrefix === '' ? '' : ` that begins with '${tagPrefix}'`} satisfies '${targetRevision}'`,
    { hint: 'check spec.source.targetRevision and the tags of the repository' },
  );
}
