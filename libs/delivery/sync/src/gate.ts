import { completionOf, type Health } from '@tiphys/delivery-health';
import { describeRef, toKey, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import type { SyncTask } from './plan.ts';
import type { AssessHealth, PerformDeps } from './sync-deps.ts';
import { watchUntil } from './watch-until.ts';

/** A task whose object is waited for. */
export interface GatedTask {
  readonly task: SyncTask;
  readonly type: ResourceType;
  /** The object as last seen; undefined when it has to be read. */
  readonly object: KubeObject | undefined;
}

/** How a gated task ended. */
interface GateVerdict {
  readonly outcome: 'succeeded' | 'failed';
  readonly message: string;
}

/** What waiting needs, and what it tells. */
export interface GateDeps extends Pick<PerformDeps, 'client' | 'clock' | 'assess'> {
  /** Called once when there is something to wait for. */
  readonly onWait: (waiting: readonly SyncTask[]) => Promise<void>;
  readonly onVerdict: (task: SyncTask, verdict: GateVerdict) => void;
}

/** Waits until every object of a wave is well, every hook has ended and every pruned object is gone. Watches, never ticks. */
export async function waitAtGate(gated: readonly GatedTask[], deps: GateDeps, signal: AbortSignal): Promise<void> {
  const open: GatedTask[] = [];
  for (const entry of gated) {
    const verdict = entry.object === undefined ? undefined : await judge(entry.task, entry.object, deps.assess, signal);
    if (verdict === undefined) open.push(entry);
    else deps.onVerdict(entry.task, verdict);
  }
  if (open.length === 0) return;
  await deps.onWait(open.map(({ task }) => task));
  const groups = groupByPlace(open);
  await Promise.all([...groups.values()].map((group) => waitForGroup(group, deps, signal)));
}

function groupByPlace(entries: readonly GatedTask[]): ReadonlyMap<string, readonly GatedTask[]> {
  const groups = new Map<string, GatedTask[]>();
  for (const entry of entries) {
    const { group, version, resource } = entry.type;
    const key = `${group}/${version}/${resource}/${entry.task.ref.namespace ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return groups;
}

async function waitForGroup(group: readonly GatedTask[], deps: GateDeps, signal: AbortSignal): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  const byName = new Map(group.map((entry) => [entry.task.ref.name, entry.task]));
  await watchUntil(
    deps.client,
    deps.clock,
    {
      type: first.type,
      namespace: first.task.ref.namespace,
      names: [...byName.keys()],
      isSettled: async (name, object, waiting) => {
        const task = byName.get(name);
        const verdict = task === undefined ? undefined : await judge(task, object, deps.assess, waiting);
        if (task !== undefined && verdict !== undefined) deps.onVerdict(task, verdict);
        return verdict !== undefined;
      },
    },
    signal,
  );
}

async function judge(task: SyncTask, object: KubeObject | undefined, assess: AssessHealth, signal: AbortSignal): Promise<GateVerdict | undefined> {
  if (task.action === 'prune') return object === undefined || object.metadata.uid !== task.liveUid ? { outcome: 'succeeded', message: 'pruned' } : undefined;
  if (object === undefined)
    return { outcome: 'failed', message: `${describeRef(task.ref)}: is gone: it might have been deleted while the sync waited for it (${toKey(task.ref)})` };
  return task.action === 'hook' ? judgeHook(object, assess, signal) : verdictOf(await assess(object, signal));
}

function verdictOf(health: Health | undefined): GateVerdict | undefined {
  const completion = completionOf(health?.status);
  // A suspended object waits for a person; a sync does not.
  if (completion === 'running' && health?.status !== 'Suspended') return undefined;
  return { outcome: completion === 'failed' ? 'failed' : 'succeeded', message: health?.message ?? '' };
}

// Our finalizer keeps a hook that is being deleted: how it ended can still be seen, and whether it ever will.
async function judgeHook(object: KubeObject, assess: AssessHealth, signal: AbortSignal): Promise<GateVerdict | undefined> {
  const { deletionTimestamp, ...metadata } = object.metadata;
  const verdict = verdictOf(await assess({ ...object, metadata }, signal));
  return verdict === undefined && deletionTimestamp !== undefined ? { outcome: 'failed', message: 'was deleted while it ran' } : verdict;
}
