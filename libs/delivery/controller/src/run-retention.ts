import { isFinished, pinOf, syncRunType, type Application, type SyncRun } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import { isStatus, type KubeObject } from '@tiphys/kube-model';
import { compareAge } from './runs.ts';

const DELETED_AT_ONCE = 200;

/**
 * Runs that need not be kept: of each application the finished ones beyond the newest `limit`, except those its history, its pin or
 * its status still name. Pure.
 */
export function expiredRuns(runs: readonly SyncRun[], applications: ReadonlyMap<string, KubeObject>, limit: number): readonly SyncRun[] {
  const byApplication = new Map<string, SyncRun[]>();
  for (const run of runs) byApplication.set(run.spec.application, [...(byApplication.get(run.spec.application) ?? []), run]);
  return [...byApplication].flatMap(([application, own]) => {
    if (own.length <= limit) return [];
    const kept = namedRuns(applications.get(application));
    return own
      .filter(isFinished)
      .toSorted((a, b) => compareAge(b, a))
      .slice(limit)
      .filter((run) => !kept.has(run.metadata.name ?? ''));
  });
}

function namedRuns(stored: KubeObject | undefined): ReadonlySet<string> {
  if (stored === undefined) return new Set();
  // Only fields of our own status are read.
  const { history = [], operationState } = (stored as Application).status ?? {};
  const names = [...history.map((entry) => entry.run), operationState?.run, pinOf(stored)?.run];
  return new Set(names.filter((name) => name !== undefined));
}

/** Deletes expired runs, a bounded number at a time. */
export async function deleteRuns(expired: readonly SyncRun[], client: KubeClient, signal: AbortSignal): Promise<void> {
  for (const { metadata } of expired.slice(0, DELETED_AT_ONCE)) {
    const { name = '', namespace, uid } = metadata;
    try {
      await client.delete(syncRunType, { name, namespace }, { ...(uid === undefined ? {} : { preconditions: { uid } }), signal });
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}
