import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { Failure } from '../ui/failure.tsx';
import { Age } from '../ui/time.tsx';
import { ChangeList } from './change-list.tsx';

/** What differs between Git and the cluster, with the evidence's age. */
export function DiffTab({ name }: { readonly name: string }) {
  const query = useQuery({ queryKey: ['application', name, 'managed'], queryFn: () => api.managed(name) });
  if (query.error !== null) return <Failure error={query.error} />;
  if (query.data === undefined) return <p className="empty">Comparing…</p>;
  const differing = query.data.items.filter((item) => item.status !== 'Synced' && !item.hook);
  return (
    <>
      {query.data.problems.map((problem) => (
        <p key={problem} className="failure">
          {problem}
        </p>
      ))}
      <p className="muted">
        {differing.length === 0 ? 'Nothing differs from Git.' : `${differing.length} of ${query.data.items.length} resources differ.`} Observed{' '}
        <Age at={query.data.observedAt} /> ago at <span className="mono">{query.data.revision?.slice(0, 12) ?? '–'}</span>.
      </p>
      {differing.map((item) => (
        <section key={`${item.group}/${item.kind}/${item.namespace ?? ''}/${item.name}`} className="card" data-testid={`diff-${item.kind}-${item.name}`}>
          <h3>
            <span className="kind">{item.kind}</span> {item.namespace === undefined ? '' : `${item.namespace}/`}
            {item.name}
          </h3>
          {item.requiresPruning ? <p>Not in Git any more: a sync with prune deletes it.</p> : <ChangeList changes={item.changes} />}
        </section>
      ))}
    </>
  );
}
