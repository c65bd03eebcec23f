import { DomainError } from '@tiphys/kernel';

/** A chart that cannot be had. */
export class ChartError extends DomainError<
  | { readonly code: 'unreachable'; readonly repository: string }
  | { readonly code: 'authFailed'; readonly repository: string }
  | { readonly code: 'chartNotFound'; readonly repository: string; readonly chart: string }
  | { readonly code: 'versionNotFound'; readonly repository: string; readonly chart: string; readonly constraint: string }
  | { readonly code: 'digestMismatch'; readonly repository: string; readonly chart: string }
  | { readonly code: 'notTrusted'; readonly repository: string; readonly chart: string }
  | { readonly code: 'tooLarge'; readonly repository: string; readonly limitBytes: number }
  | { readonly code: 'malformed'; readonly repository: string }
> {
  override readonly name = 'ChartError';
}
