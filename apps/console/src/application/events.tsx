import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { Failure } from '../ui/failure.tsx';
import { Age } from '../ui/time.tsx';

/** What the cluster's controllers said of the application's objects, newest first. */
export function EventsTab({ name }: { readonly name: string }) {
  const query = useQuery({ queryKey: ['application', name, 'events'], queryFn: () => api.events(name) });
  if (query.error !== null) return <Failure error={query.error} />;
  if (query.data === undefined) return <p className="empty">Loading…</p>;
  if (query.data.items.length === 0) return <p className="empty">No events.</p>;
  return (
    <table className="grid">
      <tbody>
        {query.data.items.map((event) => (
          <tr key={event.metadata.uid}>
            <td>
              <Age at={event.lastTimestamp ?? event.eventTime} />
            </td>
            <td className={event.type === 'Warning' ? 'warn' : ''}>{event.reason}</td>
            <td>
              <span className="kind">{event.involvedObject?.kind}</span> {event.involvedObject?.name}
            </td>
            <td>{event.message}</td>
            <td className="muted">{(event.count ?? 1) > 1 ? `×${event.count ?? 1}` : ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
