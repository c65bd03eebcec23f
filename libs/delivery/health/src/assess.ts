import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, isWorse, type Health, type HealthCode } from './health.ts';
import { ruleFor } from './rules/registry.ts';

/**
 * The health of a live object; undefined for kinds that have none, which then do not count. Anything being deleted is
 * Progressing, in the words of its own rule where that speaks of deletion.
 */
export function assess(live: KubeObject): Health | undefined {
  if (fieldAt(live, 'metadata', 'deletionTimestamp') === undefined) return assessByRule(live);
  const own = assessByRule(live);
  return own?.status === 'Progressing' && own.message !== undefined && /delet|terminat/i.test(own.message) ? own : health('Progressing', 'Pending deletion');
}

/** What the rule of its kind says of an object, whether or not it is being deleted. */
export function assessByRule(live: KubeObject): Health | undefined {
  return ruleFor(live)?.(live);
}

/** One object's part in the health of its application. */
export interface HealthEvidence {
  /** Undefined when the object is missing. */
  readonly live: KubeObject | undefined;
  readonly health: Health | undefined;
}

/**
 * The health of an application: the worst of its objects that have a health (annotation ignore-healthcheck leaves one
 * out). Missing counts only when every object is missing, as in Argo CD 3.4.
 */
export function aggregateHealth(evidence: readonly HealthEvidence[]): Health {
  if (evidence.length > 0 && evidence.every(({ live }) => live === undefined)) return health('Missing');
  let worst: Health = { status: 'Healthy' };
  for (const { live, health: own } of evidence) {
    if (live === undefined || own === undefined || live.metadata.annotations?.['argocd.argoproj.io/ignore-healthcheck'] === 'true') continue;
    if (isWorse(own.status, worst.status)) worst = { status: own.status };
  }
  return worst;
}

/** How a hook or a gated object stands: still running, done well, or done badly. */
export function completionOf(code: HealthCode | undefined): 'running' | 'succeeded' | 'failed' {
  switch (code) {
    case undefined:
    case 'Healthy':
      return 'succeeded';
    case 'Degraded':
      return 'failed';
    case 'Suspended':
    case 'Progressing':
    case 'Missing':
    case 'Unknown':
      return 'running';
  }
}
