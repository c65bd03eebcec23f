import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Application } from '@tiphys/delivery-applications';
import { useState } from 'react';
import { api } from '../api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Failure } from '../ui/failure.tsx';
import { ChangeList } from './change-list.tsx';

const EFFECT_TONE: Readonly<Record<string, string>> = { create: 'good', configure: 'warn', delete: 'bad', run: 'busy', unchanged: 'muted', keep: 'muted' };

/** The plan first: what a sync would do, then the button that does exactly that. */
export function SyncDialog({ application, onClose }: { readonly application: Application; readonly onClose: () => void }) {
  const name = application.metadata.name ?? '';
  const queries = useQueryClient();
  const [prune, setPrune] = useState(application.spec.syncPolicy?.automated?.prune === true);
  const [force, setForce] = useState(false);
  const plan = useQuery({ queryKey: ['application', name, 'plan', prune], queryFn: () => api.plan(name, { prune }), gcTime: 0 });
  const sync = useMutation({
    mutationFn: (dryRun: boolean) => api.sync(name, { prune, force, dryRun, ...(plan.data === undefined ? {} : { plan: plan.data.hash }) }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['application', name] });
      onClose();
    },
  });
  const counts = new Map<string, number>();
  for (const step of plan.data?.steps ?? []) counts.set(step.effect, (counts.get(step.effect) ?? 0) + 1);
  return (
    <Dialog title={`Sync ${name}`} onClose={onClose}>
      <div className="options">
        <label>
          <input type="checkbox" checked={prune} onChange={(event) => setPrune(event.target.checked)} /> delete what is no longer in Git
        </label>
        <label>
          <input type="checkbox" checked={force} onChange={(event) => setForce(event.target.checked)} /> replace what cannot be changed
        </label>
      </div>
      {plan.error === null ? null : <Failure error={plan.error} />}
      {plan.data === undefined ? (
        plan.error === null ? (
          <p className="empty">Planning…</p>
        ) : null
      ) : (
        <>
          {plan.data.problems.map((problem) => (
            <p key={problem} className="failure">
              {problem}
            </p>
          ))}
          <p data-testid="plan-summary">
            {[...counts].map(([effect, count]) => `${count} ${effect}`).join(', ') || 'nothing to do'}{' '}
            <span className="muted mono">at {plan.data.revision.slice(0, 12)}</span>
          </p>
          <div className="scroll">
            {plan.data.steps.map((step) => (
              <details key={step.id} open={step.changes.length > 0 && step.effect === 'configure'}>
                <summary>
                  <span className={`badge ${EFFECT_TONE[step.effect] ?? 'muted'}`}>{step.effect}</span> <span className="kind">{step.kind}</span> {step.name}{' '}
                  <small className="muted">
                    {step.phase} wave {step.wave}
                  </small>
                </summary>
                {step.changes.length === 0 ? null : <ChangeList changes={step.changes} />}
              </details>
            ))}
          </div>
        </>
      )}
      {sync.error === null ? null : <Failure error={sync.error} />}
      <footer>
        <button type="button" onClick={() => sync.mutate(true)} disabled={plan.data === undefined || sync.isPending}>
          Dry run
        </button>
        <button type="button" className="primary" onClick={() => sync.mutate(false)} disabled={plan.data === undefined || sync.isPending}>
          Sync exactly this
        </button>
      </footer>
    </Dialog>
  );
}
