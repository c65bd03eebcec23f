import type { Application } from '@tiphys/delivery-applications';

interface Look {
  readonly shape: string;
  readonly tone: 'good' | 'busy' | 'bad' | 'warn' | 'muted';
}

// A state is told by shape, word and colour together, never by colour alone.
const HEALTH: Readonly<Record<string, Look>> = {
  Healthy: { shape: '●', tone: 'good' },
  Progressing: { shape: '◐', tone: 'busy' },
  Degraded: { shape: '▲', tone: 'bad' },
  Missing: { shape: '◌', tone: 'warn' },
  Suspended: { shape: '⏸', tone: 'muted' },
};
const SYNC: Readonly<Record<string, Look>> = { Synced: { shape: '=', tone: 'good' }, OutOfSync: { shape: '≠', tone: 'warn' } };
const PHASE: Readonly<Record<string, Look>> = {
  Succeeded: { shape: '✓', tone: 'good' },
  Synced: { shape: '✓', tone: 'good' },
  Pruned: { shape: '✓', tone: 'good' },
  Running: { shape: '◐', tone: 'busy' },
  Pending: { shape: '◌', tone: 'busy' },
  Terminating: { shape: '◐', tone: 'warn' },
  Failed: { shape: '✕', tone: 'bad' },
  SyncFailed: { shape: '✕', tone: 'bad' },
  Error: { shape: '✕', tone: 'bad' },
};
const UNKNOWN: Look = { shape: '?', tone: 'muted' };

function Badge({ word, look, title }: { readonly word: string; readonly look: Look; readonly title?: string | undefined }) {
  return (
    <span className={`badge ${look.tone}`} title={title}>
      <span aria-hidden="true">{look.shape}</span> {word}
    </span>
  );
}

/** Health in shape, word and colour. */
export function Health({ status, message }: { readonly status: string | undefined; readonly message?: string | undefined }) {
  return <Badge word={status ?? 'Unknown'} look={HEALTH[status ?? ''] ?? UNKNOWN} title={message} />;
}

/** Sync status in shape, word and colour. */
export function Sync({ status }: { readonly status: string | undefined }) {
  return <Badge word={status ?? 'Unknown'} look={SYNC[status ?? ''] ?? UNKNOWN} />;
}

/** Phase of an operation or outcome of a task. */
export function Phase({ phase, message }: { readonly phase: string | undefined; readonly message?: string | undefined }) {
  return <Badge word={phase ?? 'none yet'} look={PHASE[phase ?? ''] ?? UNKNOWN} title={message} />;
}

/** The way of a commit in five steps: seen, rendered, compared, applied, healthy. */
export function StatusStrip({ application }: { readonly application: Application }) {
  const { status } = application;
  const broken = status?.conditions?.some((condition) => condition.type.endsWith('Error')) === true;
  const operation = status?.operationState?.phase;
  const steps: readonly { readonly name: string; readonly tone: Look['tone'] }[] = [
    {
      name: `commit ${status?.sync?.revision?.slice(0, 8) ?? 'not seen yet'}`,
      tone: status?.sync?.revision === undefined ? (broken ? 'bad' : 'muted') : 'good',
    },
    { name: broken ? 'rendering failed' : 'rendered', tone: broken ? 'bad' : status?.sync === undefined ? 'muted' : 'good' },
    { name: `compared: ${status?.sync?.status ?? 'Unknown'}`, tone: (SYNC[status?.sync?.status ?? ''] ?? UNKNOWN).tone },
    { name: `last sync: ${operation ?? 'none'}`, tone: (PHASE[operation ?? ''] ?? UNKNOWN).tone },
    { name: `health: ${status?.health?.status ?? 'Unknown'}`, tone: (HEALTH[status?.health?.status ?? ''] ?? UNKNOWN).tone },
  ];
  return (
    <span className="strip" role="img" aria-label={steps.map((step) => step.name).join(', ')}>
      {steps.map((step) => (
        <span key={step.name} className={step.tone} title={step.name} />
      ))}
    </span>
  );
}
