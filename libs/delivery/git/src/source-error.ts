import { DomainError } from '@tiphys/kernel';

/**
 * What can go wrong between us and a repository:
 * `authFailed` credentials missing or refused · `repositoryNotFound` · `revisionNotFound` · `pathNotFound` · `pathEscapes` a path or symlink leads out of the
 * tree · `notAFile`/`notADirectory` · `tooLarge` a named limit · `unreachable` connection, timeout, server error · `corrupt` the answer or the cache cannot be read.
 */
export type SourceErrorDetail =
  | { readonly code: 'authFailed' | 'repositoryNotFound' | 'unreachable' | 'corrupt'; readonly remote: string }
  | { readonly code: 'revisionNotFound'; readonly remote: string; readonly revision: string }
  | { readonly code: 'pathNotFound' | 'pathEscapes' | 'notAFile' | 'notADirectory'; readonly remote: string; readonly path: string }
  | { readonly code: 'tooLarge'; readonly remote: string; readonly limitBytes: number };

/** A repository could not give what was asked of it. */
export class SourceError extends DomainError<SourceErrorDetail> {
  override readonly name = 'SourceError';
}
