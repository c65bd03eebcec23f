import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Application, RevisionHistory, SyncRun } from '@tiphys/delivery-applications';
import { useState } from 'react';
import { api } from '../api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Failure } from '../ui/failure.tsx';
import { Phase } from '../ui/status.tsx';
import { Age, durationOf } from '../ui/time.tsx';

/** Every operation, also failed and partial ones, and the deployments one can return to. */
export function HistoryTab({ application }: { readonly application: Application }) {
  const name = application.metadata.name ?? '';
  const [target, setTarget] = useState<RevisionHistory>();
  const runs = useQuery({ queryKey: ['application', name, 'runs'], queryFn: () => api.runs(name) });
  const deployments = (application.status?.history ?? []).toReversed();
  return (
    <>
      <h2>Deployments</h2>
      {deployments.length === 0 ? (
        <p className="empty">Nothing has been deployed yet.</p>
      ) : (
        <table className="grid">
          <thead>
            <tr>
              <th>Id</th>
              <th>Revision</th>
              <th>Deployed</th>
              <th>By</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {deployments.map((entry, index) => (
              <tr key={entry.id} data-testid={`deployment-${entry.id}`}>
                <td>{entry.id}</td>
                <td className="mono">{(entry.revision ?? entry.revisions?.join(' ') ?? '').slice(0, 12)}</td>
                <td>
                  <Age at={entry.deployedAt} /> ago
                </td>
                <td>{entry.initiatedBy?.username ?? (entry.initiatedBy?.automated === true ? 'automation' : '–')}</td>
                <td>
                  {index === 0 ? (
                    <span className="muted">latest</span>
                  ) : (
                    <button type="button" onClick={() => setTarget(entry)}>
                      Roll back to this
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <h2>Operations</h2>
      {runs.error === null ? null : <Failure error={runs.error} />}
      {(runs.data?.items ?? []).map((run) => (
        <RunCard key={run.metadata.uid} run={run} />
      ))}
      {target === undefined ? null : <RollbackDialog application={application} target={target} onClose={() => setTarget(undefined)} />}
    </>
  );
}

function RunCard({ run }: { readonly run: SyncRun }) {
  const { status } = run;
  return (
    <details className="card run" data-testid={`run-${run.metadata.name ?? ''}`}>
      <summary>
        <Phase phase={status?.phase ?? 'Pending'} /> <strong>{run.spec.cause}</strong> by {run.spec.actor} <Age at={run.metadata.creationTimestamp} /> ago, took{' '}
        {durationOf(status?.startedAt, status?.finishedAt)}{' '}
        <span className="mono muted">{(status?.revisions?.[0] ?? run.spec.revisions[0] ?? '').slice(0, 12)}</span>
        {(run.spec.info ?? []).map(({ name, value }) => (
          <div key={name}>
            {name}: {value}
          </div>
        ))}
        {status?.message === undefined ? null : (
          <div className={status.phase === 'Failed' || status.phase === 'Error' ? 'failure' : 'muted'}>{status.message}</div>
        )}
      </summary>
      <table className="grid">
        <tbody>
          {(status?.tasks ?? []).map((task) => (
            <tr key={task.id}>
              <td>{task.phase}</td>
              <td>{task.wave}</td>
              <td>
                <Phase phase={task.outcome} />
              </td>
              <td>
                <span className="kind">{task.kind}</span> {task.name}
              </td>
              <td className="muted">{task.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function RollbackDialog({
  application,
  target,
  onClose,
}: {
  readonly application: Application;
  readonly target: RevisionHistory;
  readonly onClose: () => void;
}) {
  const name = application.metadata.name ?? '';
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const isAutomated = application.spec.syncPolicy?.automated !== undefined && application.spec.syncPolicy.automated.enabled !== false;
  const rollback = useMutation({
    mutationFn: () => api.rollback(name, { id: target.id, reason }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['application', name] });
      onClose();
    },
  });
  return (
    <Dialog title={`Roll back ${name}`} onClose={onClose}>
      <p>
        Deploys revision <span className="mono">{(target.revision ?? '').slice(0, 12)}</span> again, from <Age at={target.deployedAt} /> ago.
        {isAutomated ? ' Automation stays on and waits for the next commit.' : ''}
      </p>
      <label>
        Reason
        <input value={reason} onChange={(event) => setReason(event.target.value)} placeholder="kept with the operation" />
      </label>
      {rollback.error === null ? null : <Failure error={rollback.error} />}
      <footer>
        <button type="button" className="primary" onClick={() => rollback.mutate()} disabled={rollback.isPending}>
          Roll back
        </button>
      </footer>
    </Dialog>
  );
}
