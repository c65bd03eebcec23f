import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Application } from '@tiphys/delivery-applications';
import { useState } from 'react';
import { api } from '../api.ts';
import { DiffTab } from '../application/diff.tsx';
import { EventsTab } from '../application/events.tsx';
import { HistoryTab } from '../application/history.tsx';
import { LogsTab } from '../application/logs.tsx';
import { sourceText } from '../application/source.ts';
import { SyncDialog } from '../application/sync-dialog.tsx';
import { TreeTab } from '../application/tree.tsx';
import { useKeys } from '../keyboard.ts';
import { Failure } from '../ui/failure.tsx';
import { Health, Phase, StatusStrip, Sync } from '../ui/status.tsx';
import { Age } from '../ui/time.tsx';

/** The tabs of an application. */
export type ApplicationTab = 'tree' | 'diff' | 'history' | 'logs' | 'events';

const TABS: readonly (readonly [ApplicationTab, string])[] = [
  ['tree', 'Tree'],
  ['diff', 'Diff'],
  ['history', 'History'],
  ['logs', 'Logs'],
  ['events', 'Events'],
];

/** One application: what is true of it, and what can be done. */
export function ApplicationPage() {
  const { name } = useParams({ from: '/applications/$name' });
  const { tab = 'tree' } = useSearch({ from: '/applications/$name' });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [isSyncing, setIsSyncing] = useState(false);
  const query = useQuery({ queryKey: ['application', name, 'object'], queryFn: () => api.application(name) });
  const refresh = useMutation({ mutationFn: () => api.refresh(name), onSettled: () => queries.invalidateQueries({ queryKey: ['application', name] }) });
  const show = (next: ApplicationTab): void => void navigate({ to: '/applications/$name', params: { name }, search: next === 'tree' ? {} : { tab: next } });
  const step = (by: number): void => show(TABS[(TABS.findIndex(([id]) => id === tab) + by + TABS.length) % TABS.length]?.[0] ?? 'tree');
  useKeys({
    s: () => setIsSyncing(true),
    r: () => refresh.mutate(),
    t: () => show('tree'),
    d: () => show('diff'),
    h: () => show('history'),
    l: () => show('logs'),
    e: () => show('events'),
    '[': () => step(-1),
    ']': () => step(1),
    Escape: () => void navigate({ to: '/', search: {} }),
  });
  if (query.data === undefined) return query.error === null ? <p className="empty">Loading…</p> : <Failure error={query.error} />;
  const application = query.data;
  return (
    <article>
      <p className="crumbs">
        <Link to="/" search={{}}>
          Applications
        </Link>{' '}
        / {name}
      </p>
      <header className="head">
        <h1>{name}</h1>
        <StatusStrip application={application} />
        <Sync status={application.status?.sync?.status} />
        <Health status={application.status?.health?.status} message={application.status?.health?.message} />
        <span className="grow" />
        <button type="button" onClick={() => refresh.mutate()} disabled={refresh.isPending}>
          Refresh
        </button>
        <button type="button" className="primary" onClick={() => setIsSyncing(true)}>
          Sync…
        </button>
      </header>
      <Truth application={application} />
      {refresh.error === null ? null : <Failure error={refresh.error} />}
      <div className="tabs" role="tablist">
        {TABS.map(([id, title]) => (
          <button key={id} type="button" role="tab" aria-selected={tab === id} onClick={() => show(id)}>
            {title}
          </button>
        ))}
      </div>
      <section role="tabpanel" aria-label={tab}>
        {tab === 'tree' ? <TreeTab application={application} /> : null}
        {tab === 'diff' ? <DiffTab name={name} /> : null}
        {tab === 'history' ? <HistoryTab application={application} /> : null}
        {tab === 'logs' ? <LogsTab name={name} /> : null}
        {tab === 'events' ? <EventsTab name={name} /> : null}
      </section>
      {isSyncing ? <SyncDialog application={application} onClose={() => setIsSyncing(false)} /> : null}
    </article>
  );
}

function Truth({ application }: { readonly application: Application }) {
  const { status, spec, metadata } = application;
  const queries = useQueryClient();
  const unpin = useMutation({
    mutationFn: () => api.unpin(metadata.name ?? ''),
    onSettled: () => queries.invalidateQueries({ queryKey: ['application', metadata.name] }),
  });
  const resources = status?.resources ?? [];
  const differing = resources.filter((resource) => resource.status === 'OutOfSync' && resource.hook !== true).length;
  const operation = status?.operationState;
  const isPinned = metadata.annotations?.['tiphys.dev/pin'] !== undefined;
  return (
    <>
      <p className="truth">
        {differing} of {resources.length} resources differ from <span className="mono">{status?.sync?.revision?.slice(0, 12) ?? 'Git'}</span>; automation{' '}
        {spec.syncPolicy?.automated === undefined || spec.syncPolicy.automated.enabled === false ? 'off' : 'on'}; last operation{' '}
        <Phase phase={operation?.phase} /> <Age at={operation?.finishedAt ?? operation?.startedAt} />
        {operation?.operation?.initiatedBy?.username === undefined ? null : <> by {operation.operation.initiatedBy.username}</>}
        <br />
        <span className="muted">{sourceText(application)}</span>
      </p>
      {operation?.message !== undefined && operation.phase !== 'Succeeded' ? (
        <p className={operation.phase === 'Running' ? 'notice' : 'failure'}>{operation.message}</p>
      ) : null}
      {isPinned ? (
        <p className="notice" data-testid="pinned">
          Rolled back: automation waits for the next commit.{' '}
          <button type="button" onClick={() => unpin.mutate()} disabled={unpin.isPending}>
            Let it go on now
          </button>
        </p>
      ) : null}
      {(status?.conditions ?? []).map((condition) => (
        <p key={`${condition.type} ${condition.message}`} className={condition.type.endsWith('Error') ? 'failure' : 'notice'}>
          <strong>{condition.type}</strong> {condition.message}
        </p>
      ))}
    </>
  );
}
