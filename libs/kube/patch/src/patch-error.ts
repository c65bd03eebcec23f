import { DomainError } from '@tiphys/kernel';

/** A patch that cannot be applied. */
export class PatchError extends DomainError<
  | { readonly code: 'invalid' }
  | { readonly code: 'testFailed'; readonly path: string }
  | { readonly code: 'pathNotFound'; readonly path: string }
  | { readonly code: 'tooLarge'; readonly limit: number }
> {
  override readonly name = 'PatchError';
}
