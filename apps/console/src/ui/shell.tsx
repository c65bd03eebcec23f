import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useKeys } from '../keyboard.ts';
import { useLiveState } from '../live.ts';
import { Dialog } from './dialog.tsx';
import { toggleTheme } from './theme.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['g a', 'applications'],
  ['g r', 'repositories and clusters'],
  ['/', 'search'],
  ['j k', 'next, previous row'],
  ['Enter', 'open'],
  ['Esc', 'back'],
  ['[ ]', 'previous, next tab'],
  ['s', 'sync: shows the plan first'],
  ['d h l e', 'diff, history, logs, events'],
  ['r', 'refresh'],
  ['D', 'dark or light'],
  ['?', 'this help'],
];

const LIVE = { connecting: 'connecting…', live: 'live', lost: 'connection lost, showing the last known state' } as const;

/** The frame around every page. */
export function Shell() {
  const navigate = useNavigate();
  const [showsHelp, setShowsHelp] = useState(false);
  const live = useLiveState();
  useKeys({
    'g a': () => void navigate({ to: '/', search: {} }),
    'g r': () => void navigate({ to: '/settings' }),
    D: toggleTheme,
    '?': () => setShowsHelp(true),
  });
  return (
    <>
      <header className="top">
        <Link to="/" search={{}} className="brand">
          <img src="/helm.svg" alt="" width="20" height="20" /> Tiphys
        </Link>
        <nav aria-label="Main">
          <Link to="/" search={{}} activeProps={{ className: 'active' }} activeOptions={{ exact: true, includeSearch: false }}>
            Applications
          </Link>
          <Link to="/settings" activeProps={{ className: 'active' }}>
            Repositories
          </Link>
        </nav>
        <span className={`live ${live}`} role="status">
          {LIVE[live]}
        </span>
        <button type="button" className="quiet" onClick={toggleTheme} aria-label="Dark or light" title="Dark or light (D)">
          ◑
        </button>
        <button type="button" className="quiet" onClick={() => setShowsHelp(true)} aria-label="Keys" title="Keys (?)">
          ?
        </button>
      </header>
      <main>
        <Outlet />
      </main>
      {showsHelp ? (
        <Dialog title="Keys" onClose={() => setShowsHelp(false)}>
          <table className="keys">
            <tbody>
              {KEYS.map(([key, what]) => (
                <tr key={key}>
                  <td>
                    <kbd>{key}</kbd>
                  </td>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Dialog>
      ) : null}
    </>
  );
}
