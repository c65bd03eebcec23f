import { DomainError } from '@tiphys/kernel';

/**
 * Why a set gives no parameters or Applications: `invalid` the set itself · `template` a text cannot be rendered · `source` a repository, forge, service or
 * object it asks cannot answer · `notAllowed` it asks what it may not · `tooMany` a bound.
 */
export interface GenerateErrorDetail {
  readonly code: 'invalid' | 'template' | 'source' | 'notAllowed' | 'tooMany';
}

/** A set that could not be worked out: its Applications stay as they are. */
export class GenerateError extends DomainError<GenerateErrorDetail> {
  override readonly name = 'GenerateError';
}
