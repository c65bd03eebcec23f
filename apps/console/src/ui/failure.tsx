import { ApiFailure } from '../api.ts';

/** An error in the words of whoever made it, with the next step. */
export function Failure({ error }: { readonly error: unknown }) {
  return (
    <p className="failure" role="alert">
      {error instanceof Error ? error.message : String(error)}
      {error instanceof ApiFailure && error.hint !== undefined ? <small> — {error.hint}</small> : null}
    </p>
  );
}
