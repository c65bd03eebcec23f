import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { api } from '../api.ts';
import { followEvents } from '../live.ts';
import { Failure } from '../ui/failure.tsx';

// The link that `tiphys up` prints carries the token behind `#`, where no server and no log sees it.
function tokenFromAddress(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? undefined;
  if (token !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return token;
}

const linkToken = tokenFromAddress();

async function openSession(): Promise<boolean> {
  if (linkToken !== undefined) {
    await api.login(linkToken);
    return true;
  }
  return (await api.userInfo()).loggedIn;
}

/** Lets in who has a session, asks everyone else for the token. */
export function Gate({ children }: { readonly children: ReactNode }) {
  const session = useQuery({ queryKey: ['session'], queryFn: openSession, retry: false });
  const queries = useQueryClient();
  const isIn = session.data === true;
  useEffect(() => (isIn ? followEvents(queries) : undefined), [isIn, queries]);
  if (session.isPending) return null;
  if (isIn) return children;
  return <Login problem={session.error} onDone={() => queries.setQueryData(['session'], true)} />;
}

function Login({ problem, onDone }: { readonly problem: unknown; readonly onDone: () => void }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<unknown>(problem);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      await api.login(token.trim());
      onDone();
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <form className="login" onSubmit={(event) => void submit(event)}>
      <img src="/helm.svg" alt="" width="48" height="48" />
      <h1>Tiphys</h1>
      <p>Open the link that the server printed when it started, or give its token.</p>
      <label>
        Token
        <input type="password" autoComplete="current-password" value={token} onChange={(event) => setToken(event.target.value)} autoFocus />
      </label>
      <button type="submit" className="primary" disabled={token.trim() === ''}>
        Log in
      </button>
      {error === null ? null : <Failure error={error} />}
    </form>
  );
}
