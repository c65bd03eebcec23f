import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ApplicationListAnswer } from '@tiphys/delivery-api';
import type { Application } from '@tiphys/delivery-applications';
import { sourceText } from '../application/source.ts';
import { useRef, useState } from 'react';
import { api } from '../api.ts';
import { useKeys } from '../keyboard.ts';
import { Failure } from '../ui/failure.tsx';
import { Health, Phase, StatusStrip, Sync } from '../ui/status.tsx';
import { Age } from '../ui/time.tsx';

/** What shapes the list, as it stands in the address. */
export interface ListSearch {
  readonly search?: string;
  readonly sync?: string;
  readonly health?: string;
  readonly project?: string;
  readonly sort?: string;
  readonly order?: string;
  readonly offset?: number;
}

const PAGE = 100;
const COLUMNS: readonly { readonly title: string; readonly sort?: string }[] = [
  { title: 'Way', sort: 'attention' },
  { title: 'Name', sort: 'name' },
  { title: 'Sync', sort: 'sync' },
  { title: 'Health', sort: 'health' },
  { title: 'Last operation', sort: 'lastSync' },
  { title: 'Revision' },
  { title: 'Namespace', sort: 'namespace' },
  { title: 'Source' },
];

/** All applications: filtered, sorted and paged by the server. */
export function ApplicationsPage() {
  const search: ListSearch = useSearch({ from: '/' });
  const navigate = useNavigate();
  const [row, setRow] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const query = useQuery({
    queryKey: ['applications', search],
    queryFn: () => api.applications({ ...search, limit: PAGE }),
    placeholderData: keepPreviousData,
  });
  const items = query.data?.items ?? [];
  const change = (next: Partial<Record<keyof ListSearch, string | number | undefined>>): void => {
    setRow(0);
    void navigate({ to: '/', search: { ...search, offset: undefined, ...next } as ListSearch }); // Undefined drops out in validateSearch.
  };
  const open = (name: string): void => void navigate({ to: '/applications/$name', params: { name }, search: {} });
  useKeys({
    j: () => setRow(Math.min(row + 1, items.length - 1)),
    k: () => setRow(Math.max(row - 1, 0)),
    Enter: () => open(items[row]?.metadata.name ?? ''),
    '/': () => field.current?.focus(),
  });
  return (
    <>
      <div className="toolbar">
        <input
          ref={field}
          type="search"
          placeholder="Search  /"
          aria-label="Search applications"
          defaultValue={search.search ?? ''}
          onChange={(event) => change({ search: event.target.value })}
          // Enter keeps the search and gives the keys back to the list; the browser lets Escape clear the search.
          onKeyDown={(event) => (event.key === 'Enter' || event.key === 'Escape' ? event.currentTarget.blur() : undefined)}
        />
        {query.data === undefined ? null : <Facets answer={query.data} search={search} onChange={change} />}
      </div>
      {query.error === null ? null : <Failure error={query.error} />}
      {query.data !== undefined && query.data.total === 0 ? <Empty isFiltered={Object.keys(search).length > 0} /> : null}
      {items.length === 0 ? null : <List items={items} total={query.data?.total ?? 0} row={row} search={search} onOpen={open} onChange={change} />}
      {query.data !== undefined && query.data.total > PAGE ? (
        <Pager total={query.data.total} offset={search.offset ?? 0} onChange={(offset) => change({ offset })} />
      ) : null}
    </>
  );
}

interface ListProps {
  readonly items: readonly Application[];
  readonly total: number;
  readonly row: number;
  readonly search: ListSearch;
  readonly onOpen: (name: string) => void;
  readonly onChange: (next: Partial<Record<keyof ListSearch, string | undefined>>) => void;
}

function List({ items, total, row, search, onOpen, onChange }: ListProps) {
  return (
    <table className="grid" aria-rowcount={total}>
      <thead>
        <tr>
          {COLUMNS.map(({ title, sort }) => (
            <th
              key={title}
              aria-sort={sort !== undefined && (search.sort ?? 'attention') === sort ? (search.order === 'desc' ? 'descending' : 'ascending') : undefined}
            >
              {sort === undefined ? (
                title
              ) : (
                <button
                  type="button"
                  onClick={() => onChange({ sort, order: (search.sort ?? 'attention') === sort && search.order !== 'desc' ? 'desc' : undefined })}
                >
                  {title}
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((application, index) => (
          <tr
            key={application.metadata.uid}
            aria-selected={index === row}
            onClick={() => onOpen(application.metadata.name ?? '')}
            data-testid={`application-${application.metadata.name ?? ''}`}
          >
            <td>
              <StatusStrip application={application} />
            </td>
            <td className="name">
              <a href={`/applications/${application.metadata.name ?? ''}`} onClick={(event) => event.preventDefault()}>
                {application.metadata.name}
              </a>
            </td>
            <td>
              <Sync status={application.status?.sync?.status} />
            </td>
            <td>
              <Health status={application.status?.health?.status} message={application.status?.health?.message} />
            </td>
            <td>
              <Phase phase={application.status?.operationState?.phase} message={application.status?.operationState?.message} />{' '}
              <Age at={application.status?.operationState?.finishedAt ?? application.status?.operationState?.startedAt} />
            </td>
            <td className="mono">{application.status?.sync?.revision?.slice(0, 8) ?? '–'}</td>
            <td>{application.spec.destination.namespace}</td>
            <td className="source">{sourceText(application)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Facets({
  answer,
  search,
  onChange,
}: {
  readonly answer: ApplicationListAnswer;
  readonly search: ListSearch;
  readonly onChange: (next: Partial<Record<keyof ListSearch, string | undefined>>) => void;
}) {
  return (
    <>
      {(['sync', 'health', 'project'] as const).map((facet) => (
        <select
          key={facet}
          aria-label={`Filter by ${facet}`}
          value={search[facet] ?? ''}
          onChange={(event) => onChange({ [facet]: event.target.value === '' ? undefined : event.target.value })}
        >
          <option value="">any {facet}</option>
          {Object.entries(answer.facets[facet]).map(([value, count]) => (
            <option key={value} value={value}>
              {value} ({count})
            </option>
          ))}
        </select>
      ))}
      <span className="muted count">{answer.total} applications</span>
    </>
  );
}

function Pager({ total, offset, onChange }: { readonly total: number; readonly offset: number; readonly onChange: (offset: number) => void }) {
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" disabled={offset === 0} onClick={() => onChange(Math.max(0, offset - PAGE))}>
        Previous
      </button>
      <span>
        {offset + 1}–{Math.min(offset + PAGE, total)} of {total}
      </span>
      <button type="button" disabled={offset + PAGE >= total} onClick={() => onChange(offset + PAGE)}>
        Next
      </button>
    </nav>
  );
}

function Empty({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) return <p className="empty">No application matches.</p>;
  return (
    <p className="empty">
      No applications yet. Add one with <code>tiphys app create NAME --repo URL --path DIR --dest-namespace NS</code>
    </p>
  );
}
