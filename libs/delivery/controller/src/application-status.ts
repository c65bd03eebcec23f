import {
  defaultSyncOptions,
  resourceSyncOptions,
  sourcesOf,
  type Application,
  type ApplicationCondition,
  type ApplicationStatus,
  type HealthStatus,
  type ResourceStatus,
} from '@tiphys/delivery-applications';
import { aggregateHealth, type Health } from '@tiphys/delivery-health';
import { toTimestamp } from '@tiphys/kernel';
import { deepEqual, fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { externalUrls } from './external-urls.ts';
import type { Evidence } from './gather.ts';

/** What a reconcile found out. */
export interface Observation {
  /** Undefined when there is no complete evidence. */
  readonly evidence: Evidence | undefined;
  readonly revisions: readonly string[] | undefined;
  readonly conditions: readonly Omit<ApplicationCondition, 'lastTransitionTime'>[];
}

type Observed = Pick<ApplicationStatus, 'sync' | 'health' | 'resources' | 'conditions' | 'sourceType' | 'sourceTypes' | 'summary' | 'controllerNamespace'>;

/** Judges one live object. */
export type AssessObject = (live: KubeObject) => Health | undefined;

/** The observed part of the status. Without evidence sync and health are Unknown, and the objects stay as last seen. */
export function observedStatus(application: Application, observation: Observation, nowMs: number, namespace: string, assess: AssessObject): Observed {
  const before = application.status ?? {};
  const { evidence } = observation;
  const health =
    evidence === undefined
      ? { status: 'Unknown' as const }
      : aggregateHealth(
          evidence.comparison.resources
            .filter((resource) => !resource.requiresPruning)
            .map(({ live }) => ({ live, health: live === undefined ? undefined : assess(live) })),
        );
  return {
    sync: {
      status: evidence?.comparison.status ?? 'Unknown',
      comparedTo: { ...sourcesField(application), destination: application.spec.destination },
      ...revisionsField(application, observation.revisions),
    },
    health: withTransition(health, before.health, nowMs),
    resources: evidence === undefined ? (before.resources ?? []) : resourcesOf(evidence, assess),
    conditions: observation.conditions.map((condition) => conditionWithTime(condition, before.conditions ?? [], nowMs)),
    ...(evidence?.tools[0] === undefined ? {} : application.spec.sources === undefined ? { sourceType: evidence.tools[0] } : { sourceTypes: evidence.tools }),
    summary: evidence === undefined ? (before.summary ?? {}) : summaryOf(evidence.comparison.resources.flatMap(({ live }) => live ?? [])),
    controllerNamespace: namespace,
  };
}

/** Whether the observed status says something new. */
export function hasChanged(application: Application, observed: Observed): boolean {
  const before = application.status ?? {};
  return Object.entries(observed).some(([key, value]) => !deepEqual(fieldAt(before, key), value));
}

function sourcesField(application: Application): object {
  const { source, sources } = application.spec;
  return sources !== undefined && sources.length > 0 ? { sources } : source === undefined ? {} : { source };
}

function revisionsField(
  application: Application,
  revisions: readonly string[] | undefined,
): { readonly revision?: string; readonly revisions?: readonly string[] } {
  if (revisions === undefined) return {};
  return (application.spec.sources?.length ?? 0) > 0 && sourcesOf(application.spec).length > 0 ? { revisions } : { revision: revisions[0] ?? '' };
}

function withTransition(health: HealthStatus, before: HealthStatus | undefined, nowMs: number): HealthStatus {
  const since = before?.status === health.status ? before.lastTransitionTime : undefined;
  return { ...health, lastTransitionTime: since ?? toTimestamp(nowMs) };
}

function conditionWithTime(
  condition: Omit<ApplicationCondition, 'lastTransitionTime'>,
  before: readonly ApplicationCondition[],
  nowMs: number,
): ApplicationCondition {
  const known = before.find((other) => other.type === condition.type && other.message === condition.message);
  return { ...condition, lastTransitionTime: known?.lastTransitionTime ?? toTimestamp(nowMs) };
}

function resourcesOf({ comparison }: Evidence, assess: AssessObject): readonly ResourceStatus[] {
  return comparison.resources.map(({ ref, live, status, requiresPruning, wave }) => {
    const health = live === undefined ? { status: 'Missing' as const } : assess(live);
    return {
      ...(ref.group === '' ? {} : { group: ref.group }),
      version: ref.version,
      kind: ref.kind,
      ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
      name: ref.name,
      status,
      ...(health === undefined ? {} : { health }),
      ...(requiresPruning ? { requiresPruning: true } : {}),
      ...(asksBeforeDeletion(live) ? { requiresDeletionConfirmation: true } : {}),
      ...(wave === 0 ? {} : { syncWave: wave }),
    };
  });
}

function asksBeforeDeletion(live: KubeObject | undefined): boolean {
  const options = live === undefined ? undefined : resourceSyncOptions(live, defaultSyncOptions);
  return options?.delete === 'confirm' || options?.prune === 'confirm';
}

function summaryOf(live: readonly KubeObject[]): NonNullable<ApplicationStatus['summary']> {
  const urls = externalUrls(live);
  const isAppOfApps = live.some(({ kind, apiVersion }) => kind === 'Application' && apiVersion.startsWith('argoproj.io/'));
  return { images: imagesOf(live), ...(urls.length === 0 ? {} : { externalURLs: urls }), ...(isAppOfApps ? { isAppOfApps } : {}) };
}

const MAX_IMAGES = 200;

function imagesOf(objects: readonly KubeObject[]): readonly string[] {
  const images = new Set<string>();
  for (const object of objects) {
    const spec = fieldAt(object, 'spec', 'template', 'spec') ?? fieldAt(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec') ?? fieldAt(object, 'spec');
    for (const list of ['initContainers', 'containers']) {
      const containers = fieldAt(spec, list);
      if (!Array.isArray(containers)) continue;
      for (const container of containers) {
        const image = isJsonObject(container) ? container['image'] : undefined;
        if (typeof image === 'string') images.add(image);
      }
    }
  }
  return [...images].toSorted().slice(0, MAX_IMAGES);
}
