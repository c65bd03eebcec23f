import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { Failure } from '../ui/failure.tsx';
import { Age } from '../ui/time.tsx';

/** Repositories with when they were last looked at, and clusters. */
export function SettingsPage() {
  const repositories = useQuery({ queryKey: ['repositories'], queryFn: api.repositories, refetchInterval: 5_000 });
  const clusters = useQuery({ queryKey: ['clusters'], queryFn: api.clusters, refetchInterval: 15_000 });
  return (
    <>
      <h1>Repositories</h1>
      {repositories.error === null ? null : <Failure error={repositories.error} />}
      <table className="grid">
        <thead>
          <tr>
            <th>Repository</th>
            <th>State</th>
            <th>Last looked at</th>
            <th>Applications</th>
          </tr>
        </thead>
        <tbody>
          {(repositories.data?.items ?? []).map((row) => (
            <tr key={row.repo}>
              <td className="mono">{row.repo}</td>
              <td className={row.connectionState.status === 'Failed' ? 'bad' : ''}>
                {row.connectionState.status} {row.connectionState.message}
              </td>
              <td>
                <Age at={row.lastPollAt} /> ago
              </td>
              <td>{row.applications}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h1>Clusters</h1>
      {clusters.error === null ? null : <Failure error={clusters.error} />}
      <table className="grid">
        <tbody>
          {(clusters.data?.items ?? []).map((row) => (
            <tr key={row.server}>
              <td>{row.name}</td>
              <td className="mono">{row.server}</td>
              <td className={row.connectionState.status === 'Failed' ? 'bad' : ''}>
                {row.connectionState.status} {row.connectionState.message}
              </td>
              <td>{row.applications} applications</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
