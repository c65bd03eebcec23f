import { globMatches, type Application, type AppProject, type SyncWindow, type TargetCluster } from '@tiphys/delivery-applications';
import { parseDuration, toTimestamp } from '@tiphys/kernel';
import { Cron } from 'croner';
import type { SyncWindowState } from './controller-types.ts';

/** A window at a moment. */
export interface WindowState {
  readonly window: SyncWindow;
  readonly isActive: boolean;
  /** When it opens or closes next (ms since the epoch); undefined when its schedule never comes. */
  readonly changesAtMs: number | undefined;
  /** Why it cannot be read; such a window denies. */
  readonly problem?: string;
}

/** What the windows of an application allow at a moment. */
export interface WindowVerdict {
  readonly allowsAutomatic: boolean;
  readonly allowsManual: boolean;
  /** A sync that runs already may end. */
  readonly allowsOverrun: boolean;
  /** When to ask again (ms since the epoch). */
  readonly changesAtMs: number | undefined;
  /** What is in the way, in words; empty when nothing is. */
  readonly message: string;
}

// A schedule that comes every minute may overlap itself; the last start counts.
const MAX_OVERLAPS = 1_000;

/** The windows of a project that concern an application. */
export function windowsOf(project: AppProject, application: Pick<Application, 'metadata' | 'spec'>, cluster: TargetCluster): readonly SyncWindow[] {
  const { destination } = application.spec;
  return (project.spec.syncWindows ?? []).filter((window) => {
    const { applications = [], namespaces = [], clusters = [], andOperator } = window;
    const verdicts = [
      ...(applications.length === 0 ? [] : [applications.some((pattern) => globMatches(pattern, application.metadata.name ?? ''))]),
      ...(namespaces.length === 0 ? [] : [namespaces.some((pattern) => globMatches(pattern, destination.namespace ?? ''))]),
      ...(clusters.length === 0 ? [] : [clusters.some((pattern) => globMatches(pattern, cluster.server) || globMatches(pattern, cluster.name))]),
    ];
    return verdicts.length > 0 && (andOperator === true ? verdicts.every(Boolean) : verdicts.some(Boolean));
  });
}

/** How a window stands at a moment. Pure. */
export function windowState(window: SyncWindow, nowMs: number): WindowState {
  const { schedule = '', timeZone } = window;
  const durationMs = parseDuration(window.duration ?? '') ?? 0;
  try {
    const cron = new Cron(schedule, { mode: '5-part', paused: true, timezone: timeZone === undefined || timeZone === '' ? 'UTC' : timeZone });
    let start = cron.nextRun(new Date(nowMs - durationMs));
    if (start === null) return { window, isActive: false, changesAtMs: undefined };
    if (start.getTime() > nowMs) return { window, isActive: false, changesAtMs: start.getTime() };
    for (let count = 0; count < MAX_OVERLAPS; count += 1) {
      const next = cron.nextRun(start);
      if (next === null || next.getTime() > nowMs) break;
      start = next;
    }
    return { window, isActive: true, changesAtMs: start.getTime() + durationMs };
  } catch (error) {
    return { window, isActive: false, changesAtMs: undefined, problem: `schedule '${schedule}': ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** A window as people see it: with how it stands. */
export function windowAnswer(window: SyncWindow, nowMs: number): SyncWindowState {
  const { isActive, changesAtMs, problem } = windowState(window, nowMs);
  return { ...window, isActive, ...(changesAtMs === undefined ? {} : { changesAt: toTimestamp(changesAtMs) }), ...(problem === undefined ? {} : { problem }) };
}

/** What windows allow (types.go SyncWindows.CanSync): a denial wins, then an allowance, then being outside of every allowance. Pure. */
export function judgeWindows(windows: readonly SyncWindow[], nowMs: number): WindowVerdict {
  const states = windows.map((window) => windowState(window, nowMs));
  const changes = states.flatMap(({ changesAtMs }) => changesAtMs ?? []);
  const changesAtMs = changes.length === 0 ? undefined : Math.min(...changes);
  const blocking = blockingWindows(states);
  const [first] = blocking;
  if (first === undefined) return { allowsAutomatic: true, allowsManual: true, allowsOverrun: true, changesAtMs, message: '' };
  return {
    allowsAutomatic: false,
    allowsManual: blocking.every(({ window, problem }) => problem === undefined && window.manualSync === true),
    allowsOverrun: blocking.every(({ window, problem }) => problem === undefined && window.syncOverrun === true),
    changesAtMs,
    message: first.problem ?? `${first.window.kind ?? ''} window '${first.window.schedule ?? ''}' (${first.window.duration ?? ''})`,
  };
}

function blockingWindows(states: readonly WindowState[]): readonly WindowState[] {
  const broken = states.filter(({ problem }) => problem !== undefined);
  if (broken.length > 0) return broken;
  const denying = states.filter(({ window, isActive }) => window.kind === 'deny' && isActive);
  if (denying.length > 0) return denying;
  const allowing = states.filter(({ window }) => window.kind === 'allow');
  return allowing.some(({ isActive }) => isActive) ? [] : allowing;
}
