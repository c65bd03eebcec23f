import { StoreError, type StoreEvent, type WatchBatch } from '@tiphys/plane-store';
import { messageOf } from '@tiphys/kernel';
import { StatusError, statusError } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { tooLarge } from '../failures.ts';
import { parseRevision, type ListQuery } from '../http/query.ts';
import { readable, readAs } from '../registry/objects.ts';
import { isSelected, parseSelection, type Selection } from '../registry/selection.ts';
import { listPrefix } from '../registry/served.ts';

/** One frame of a watch before it is written out. */
export type WatchFrame =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly value: Uint8Array }
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly endsInitial: boolean }
  | { readonly type: 'ERROR'; readonly error: StatusError };

const MIN_TIMEOUT_MS = 1_800_000;
const BOOKMARK_INTERVAL_MS = 60_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A watch that has been checked: everything that would be answered by a code is thrown before it starts. */
export function watchObjects(core: Core, scope: Scope, query: ListQuery, signal: AbortSignal): AsyncIterable<WatchFrame> {
  const selection = parseSelection(scope.served, query.labelSelector, query.fieldSelector);
  const asked = query.resourceVersion === '' ? 0 : parseRevision(query.resourceVersion);
  if (asked > core.store.revision) throw tooLarge(asked, core.store.revision);
  const withState = query.sendInitialEvents === true || (query.sendInitialEvents === undefined && asked === 0);
  const from = withState || asked === 0 ? undefined : asked;
  if (from !== undefined && from < core.store.compactRevision) throw expired(from, core.store.compactRevision);
  return frames(core, scope, { selection, from, withState, query, signal });
}

interface WatchPlan {
  readonly selection: Selection;
  readonly from: number | undefined;
  readonly withState: boolean;
  readonly query: ListQuery;
  readonly signal: AbortSignal;
}

async function* frames(core: Core, scope: Scope, plan: WatchPlan): AsyncGenerator<WatchFrame> {
  const { query } = plan;
  const prefix = listPrefix(scope.served, scope.namespace);
  let revision = plan.from ?? core.store.revision;
  if (plan.withState) {
    const state = core.store.list({ prefix });
    revision = state.revision;
    const waiting = readable(
      core,
      scope.served,
      state.entries.map((entry) => entry.value),
    );
    if (waiting !== undefined) await waiting;
    for (const entry of state.entries)
      if (plan.selection.isEmpty || isSelected(plan.selection, readAs(scope.served, entry.value))) yield { type: 'ADDED', value: entry.value };
    if (query.sendInitialEvents === true) yield { type: 'BOOKMARK', revision, endsInitial: true };
  }
  const timeoutMs = query.timeoutSeconds !== undefined && query.timeoutSeconds > 0 ? query.timeoutSeconds * 1_000 : MIN_TIMEOUT_MS * (1 + core.random());
  // Not AbortSignal.any: its signals outlive their watch in Node 20.
  const ends = new AbortController();
  const stop = (): void => ends.abort();
  const timer = setTimeout(stop, Math.min(Math.floor(timeoutMs), MAX_TIMER_MS));
  plan.signal.addEventListener('abort', stop, { once: true });
  if (plan.signal.aborted) stop();
  try {
    yield* changes(core, scope, plan, { prefix, revision, ends: ends.signal });
  } finally {
    clearTimeout(timer);
    plan.signal.removeEventListener('abort', stop);
  }
}

async function* changes(
  core: Core,
  scope: Scope,
  plan: WatchPlan,
  way: { readonly prefix: string; readonly revision: number; readonly ends: AbortSignal },
): AsyncGenerator<WatchFrame> {
  let { revision } = way;
  let told = revision;
  let toldAt = core.clock.monotonic();
  const bookmarks = plan.query.allowWatchBookmarks;
  try {
    for await (const batch of core.store.watch({ prefix: way.prefix, afterRevision: revision, signal: way.ends })) {
      const waiting = readable(core, scope.served, valuesOf(batch));
      if (waiting !== undefined) await waiting;
      yield* framesOf(scope, plan.selection, batch);
      ({ revision } = batch);
      // An idle cluster needs no bookmarks: its revision does not move.
      if (bookmarks && revision > told && core.clock.monotonic() - toldAt >= BOOKMARK_INTERVAL_MS) {
        yield { type: 'BOOKMARK', revision, endsInitial: false };
        told = revision;
        toldAt = core.clock.monotonic();
      }
    }
  } catch (error) {
    yield { type: 'ERROR', error: toStatus(error, revision) };
    return;
  }
  if (bookmarks && revision > told && !plan.signal.aborted) yield { type: 'BOOKMARK', revision, endsInitial: false };
}

function valuesOf({ events }: WatchBatch): readonly Uint8Array[] {
  return events.flatMap(({ value, previous }) => (previous === undefined ? [value] : [value, previous.value]));
}

function* framesOf(scope: Scope, selection: Selection, batch: WatchBatch): Generator<WatchFrame> {
  for (const event of batch.events) {
    const type = typeFor(scope, selection, event);
    if (type !== undefined) yield { type, value: event.value };
  }
}

// An object that leaves the selection is deleted for this watcher, one that enters it is added.
function typeFor(scope: Scope, selection: Selection, event: StoreEvent): 'ADDED' | 'MODIFIED' | 'DELETED' | undefined {
  const matches = (value: Uint8Array | undefined): boolean => value !== undefined && (selection.isEmpty || isSelected(selection, readAs(scope.served, value)));
  const before = matches(event.previous?.value);
  if (event.kind === 'delete') return before ? 'DELETED' : undefined;
  const now = matches(event.value);
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

function expired(asked: number, oldest: number): StatusError {
  return statusError('Expired', `too old resource version: ${asked} (${oldest})`);
}

function toStatus(error: unknown, revision: number): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof StoreError && (error.code === 'slowWatcher' || error.code === 'compacted'))
    return statusError('Expired', `too old resource version: ${revision}: ${error.message}`);
  return statusError('InternalError', `watch ended: ${messageOf(error)}`);
}
