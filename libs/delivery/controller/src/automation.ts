import { isFinished, type Application, type ApplicationSource, type SyncRun } from '@tiphys/delivery-applications';
import type { Comparison } from '@tiphys/delivery-diff';
import type { Failpoint } from '@tiphys/delivery-sync';
import type { Clock } from '@tiphys/kernel';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import { refKey } from '@tiphys/kube-model';
import { isSuperseded } from './claim.ts';
import { decideAutoSync, type AutoSyncDecision } from './decide-auto-sync.ts';
import { attemptKey, type Evidence } from './gather.ts';
import { createRun, runsOf } from './runs.ts';
import { judgeWindows, windowsOf } from './sync-windows.ts';

/** What automation works with. */
export interface AutomationDeps {
  readonly client: KubeClient;
  readonly runs: Lister<SyncRun>;
  readonly clock: Clock;
  readonly namespace: string;
  readonly random: () => number;
  /** A run was created: ring for it. */
  readonly onRun: (run: SyncRun) => void;
  /** A newer commit makes what a run waits for pointless. */
  readonly onSuperseded: (run: SyncRun) => void;
  readonly failpoint?: Failpoint;
}

/** What an application is to be compared to and synced with. */
export interface Wanted {
  readonly instance: string;
  readonly application: Application;
  readonly sources: readonly ApplicationSource[];
  readonly revisions: readonly string[];
  readonly isPinned: boolean;
  /** Keys of objects that another application tracks too. */
  readonly shared: ReadonlySet<string>;
}

const DEFAULT_RETRY_LIMIT = 5;
// Windows are looked at again now and then: clocks jump.
const MAX_WINDOW_WAIT_MS = 10 * 60_000;

/** Decides what automation does next and does it: a run for a new commit or for drift, unless a window is in the way. */
export async function automate(wanted: Wanted, evidence: Evidence, deps: AutomationDeps, signal: AbortSignal): Promise<AutoSyncDecision> {
  const { application, instance, sources, revisions } = wanted;
  const known = runsOf(instance, deps.runs);
  const decided = decideAutoSync({
    application,
    comparison: evidence.comparison,
    isComplete: evidence.problems.length === 0,
    attempt: attemptKey(sources, revisions),
    attemptOf: (run) => attemptKey(run.spec.sources, run.status?.revisions ?? run.spec.revisions),
    runs: known,
    isPinned: wanted.isPinned,
    shared: wanted.shared,
    nowMs: deps.clock.now(),
  });
  const decision = decided.kind === 'sync' ? (windowInTheWay(wanted, evidence, deps) ?? decided) : decided;
  if (decision.kind === 'sync') {
    const run = await createAutomatedRun(wanted, evidence, { cause: decision.cause, newest: known[0] }, deps, signal);
    await deps.failpoint?.('run.created');
    deps.onRun(run);
  }
  return decision;
}

/** Tells runs of older commits to make room. To be called once the status says which commit is the latest: that is what they look at. */
export function supersede(instance: string, revisions: readonly string[], { runs, onSuperseded }: Pick<AutomationDeps, 'runs' | 'onSuperseded'>): void {
  for (const run of runsOf(instance, runs)) if (!isFinished(run) && isSuperseded(run, revisions)) onSuperseded(run);
}

function windowInTheWay({ application }: Wanted, { project, cluster }: Evidence, { clock }: AutomationDeps): AutoSyncDecision | undefined {
  const nowMs = clock.now();
  const { allowsAutomatic, changesAtMs } = judgeWindows(windowsOf(project, application, cluster), nowMs);
  if (allowsAutomatic) return undefined;
  return { kind: 'wait', afterMs: Math.min(Math.max((changesAtMs ?? Number.POSITIVE_INFINITY) - nowMs, 100), MAX_WINDOW_WAIT_MS) };
}

function createAutomatedRun(
  { application, sources, revisions }: Wanted,
  { comparison }: Evidence,
  { cause, newest }: { readonly cause: 'automated' | 'self-heal'; readonly newest: SyncRun | undefined },
  deps: AutomationDeps,
  signal: AbortSignal,
): Promise<SyncRun> {
  const { automated, retry = { limit: DEFAULT_RETRY_LIMIT } } = application.spec.syncPolicy ?? {};
  const isHeal = cause === 'self-heal';
  // The same drift seen twice is one wish to heal.
  const drift = isHeal ? `${driftKey(comparison)}/${newest?.metadata.name ?? ''}` : '';
  return createRun(
    application,
    {
      cause,
      actor: 'automation',
      sources,
      revisions,
      options: { prune: automated?.prune === true, ...(isHeal ? { skipHooks: true } : { retry }) },
      identity: [application.metadata.uid, attemptKey(sources, revisions), drift].join('/'),
    },
    deps,
    signal,
  );
}

// What has drifted to which version, by its full identity: two objects of one name in two namespaces are two.
function driftKey(comparison: Comparison): string {
  return comparison.resources
    .filter((resource) => resource.status === 'OutOfSync')
    .map(({ ref, live }) => `${refKey(ref)}@${live?.metadata.resourceVersion ?? 'gone'}`)
    .join();
}
