import { redactUrl } from '@tiphys/kernel';
import type { RemoteRefs } from './repository.ts';
import { SourceError } from './source-error.ts';

/** Whether the text is a full commit id. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/**
 * The commit a revision stands for: empty or HEAD, a branch, a tag, a full ref, or a full commit id. A branch wins over
 * a tag of the same name. Throws SourceError `revisionNotFound`.
 */
export function resolveRevision(refs: RemoteRefs, revision: string, remote: string): string {
  const name = revision.trim();
  if (isCommit(name)) return name;
  const candidates =
    name === '' || name === 'HEAD' ? ['HEAD'] : name.startsWith('refs/') ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`];
  for (const candidate of candidates) {
    const oid = refs.oids.get(candidate);
    if (oid !== undefined) return oid;
  }
  throw new SourceError(
    { code: 'revisionNotFound', remote: redactUrl(remote), revision: name },
    `repository ${redactUrl(remote)}: unable to resolve '${name === '' ? 'HEAD' : name}' to a commit`,
    { hint: 'check spec.source.targetRevision: the branch or tag may have been deleted or never pushed' },
  );
}
