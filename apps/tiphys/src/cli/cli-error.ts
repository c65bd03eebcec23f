import { DomainError } from '@tiphys/kernel';

/** A command that cannot be carried out. */
export class CliError extends DomainError<{ readonly code: 'usage' | 'refused' | 'unreachable' | 'failed' | 'timeout' }> {
  override readonly name = 'CliError';
}
