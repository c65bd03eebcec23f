import type { appsv1, metav1 } from '@tiphys/kube-model';
import { controllerRef, HASH_LABEL, templateHash } from '../pods.ts';
import {
  boundsOf,
  byAge,
  DESIRED_ANNOTATION,
  isScaling,
  MAX_ANNOTATION,
  proportionalStep,
  replicasOf,
  rollingStep,
  templateKey,
  type Scale,
} from './rollout.ts';

/** The annotation with the revision of a Deployment or ReplicaSet. */
export const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision';
const HISTORY_ANNOTATION = 'deployment.kubernetes.io/revision-history';
const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION_ANNOTATION,
  HISTORY_ANNOTATION,
  DESIRED_ANNOTATION,
  MAX_ANNOTATION,
  'deprecated.deployment.rollback.to',
]);

/** What is to be done for a Deployment now. */
export interface DeploymentPlan {
  readonly newSet: appsv1.ReplicaSet | undefined;
  readonly oldSets: readonly appsv1.ReplicaSet[];
  readonly create: appsv1.ReplicaSet | undefined;
  /** ReplicaSets as they should be; only those that differ. */
  readonly update: readonly appsv1.ReplicaSet[];
  readonly remove: readonly appsv1.ReplicaSet[];
  /** The revision the Deployment itself should show. */
  readonly revision: string | undefined;
}

/** What a plan is made from. */
export interface DeploymentInputs {
  readonly deployment: appsv1.Deployment;
  /** ReplicaSets the Deployment controls. */
  readonly replicaSets: readonly appsv1.ReplicaSet[];
  /** Whether pods of old ReplicaSets are still there, ending ones included; Recreate waits for them. */
  readonly hasOldPods: boolean;
  readonly collisionCount: number | undefined;
}

/** Decides the next step of a Deployment. Pure; calling it again after the step yields the next one. */
export function planDeployment(inputs: DeploymentInputs): DeploymentPlan {
  const { deployment, replicaSets } = inputs;
  const key = templateKey(deployment.spec?.template);
  // Of several with the same template, the oldest is the new one: the choice must not change between two looks.
  const found = replicaSets.filter((set) => templateKey(set.spec?.template) === key).toSorted(byAge)[0];
  const oldSets = replicaSets.filter((set) => set !== found);
  const isPaused = deployment.spec?.paused === true;
  const isRecreate = deployment.spec?.strategy?.type === 'Recreate';
  const mustWait = isRecreate && (inputs.hasOldPods || oldSets.some((set) => replicasOf(set) > 0));
  const mayCreate = found === undefined && !isPaused && !mustWait && !isScaling(deployment, replicaSets);
  const revision = nextRevision(found, oldSets);
  const create = mayCreate ? newReplicaSet(inputs, oldSets, revision) : undefined;
  const scales = create !== undefined ? [] : scaleStep(deployment, found, oldSets, isPaused, mustWait);
  const update = changedSets(deployment, found, scales, isPaused && found === undefined ? undefined : revision);
  const isQuiet = create === undefined && update.length === 0;
  return {
    newSet: found,
    oldSets,
    create,
    update,
    remove: isQuiet && found !== undefined && isComplete(deployment, found, oldSets) ? surplusHistory(deployment, oldSets) : [],
    revision: create === undefined && found === undefined ? undefined : revision,
  };
}

function scaleStep(
  deployment: appsv1.Deployment,
  newSet: appsv1.ReplicaSet | undefined,
  oldSets: readonly appsv1.ReplicaSet[],
  isPaused: boolean,
  mustWait: boolean,
): readonly Scale[] {
  const all = [...(newSet === undefined ? [] : [newSet]), ...oldSets];
  if (isPaused || isScaling(deployment, all)) return proportionalStep(deployment, newSet, oldSets);
  if (deployment.spec?.strategy?.type === 'Recreate') {
    const old = oldSets.filter((set) => replicasOf(set) > 0).map((replicaSet) => ({ replicaSet, replicas: 0 }));
    if (old.length > 0) return old;
    return newSet === undefined || mustWait ? [] : [{ replicaSet: newSet, replicas: replicasOf(deployment) }];
  }
  return newSet === undefined ? [] : rollingStep(deployment, newSet, oldSets);
}

function changedSets(
  deployment: appsv1.Deployment,
  newSet: appsv1.ReplicaSet | undefined,
  scales: readonly Scale[],
  revision: string | undefined,
): readonly appsv1.ReplicaSet[] {
  const wanted = new Map(scales.map(({ replicaSet, replicas }) => [replicaSet, scaled(deployment, replicaSet, replicas)]));
  if (newSet !== undefined && revision !== undefined) {
    const base = wanted.get(newSet) ?? newSet;
    const annotations = { ...base.metadata.annotations, ...copiedAnnotations(deployment), ...revisionAnnotations(newSet, revision) };
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    if (base.spec !== undefined) {
      const spec = (base.spec.minReadySeconds ?? 0) === minReadySeconds ? base.spec : { ...base.spec, minReadySeconds };
      wanted.set(newSet, { ...base, metadata: { ...base.metadata, annotations }, spec });
    }
  }
  return [...wanted].filter(([before, after]) => differs(before, after)).map(([, after]) => after);
}

function differs(before: appsv1.ReplicaSet, after: appsv1.ReplicaSet): boolean {
  const old = before.metadata.annotations ?? {};
  const isAnnotated = Object.entries(after.metadata.annotations ?? {}).some(([key, value]) => old[key] !== value);
  return isAnnotated || replicasOf(before) !== replicasOf(after) || (before.spec?.minReadySeconds ?? 0) !== (after.spec?.minReadySeconds ?? 0);
}

function scaled(deployment: appsv1.Deployment, set: appsv1.ReplicaSet, replicas: number): appsv1.ReplicaSet {
  if (set.spec === undefined) return set;
  return {
    ...set,
    metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, ...sizeAnnotations(deployment) } },
    spec: { ...set.spec, replicas },
  };
}

function sizeAnnotations(deployment: appsv1.Deployment): Readonly<Record<string, string>> {
  const replicas = replicasOf(deployment);
  return { [DESIRED_ANNOTATION]: String(replicas), [MAX_ANNOTATION]: String(replicas + boundsOf(deployment).surge) };
}

function copiedAnnotations(deployment: appsv1.Deployment): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key)));
}

/** The revision of a ReplicaSet; 0 when it has none. */
export function revisionOf(set: appsv1.ReplicaSet): number {
  return Number(set.metadata.annotations?.[REVISION_ANNOTATION] ?? 0) || 0;
}

// One more than any old one: a template that comes back by a rollback becomes the newest revision.
function nextRevision(newSet: appsv1.ReplicaSet | undefined, oldSets: readonly appsv1.ReplicaSet[]): string {
  const next = Math.max(0, ...oldSets.map(revisionOf)) + 1;
  return String(Math.max(next, newSet === undefined ? 0 : revisionOf(newSet)));
}

function revisionAnnotations(set: appsv1.ReplicaSet, revision: string): Readonly<Record<string, string>> {
  const known = set.metadata.annotations?.[REVISION_ANNOTATION];
  if (known === undefined || known === revision) return { [REVISION_ANNOTATION]: revision };
  const history = [set.metadata.annotations?.[HISTORY_ANNOTATION], known].filter((part) => part !== undefined && part !== '').join(',');
  return { [REVISION_ANNOTATION]: revision, [HISTORY_ANNOTATION]: history };
}

function newReplicaSet(
  { deployment, collisionCount }: DeploymentInputs,
  oldSets: readonly appsv1.ReplicaSet[],
  revision: string,
): appsv1.ReplicaSet | undefined {
  const spec = deployment.spec;
  if (spec === undefined) return undefined;
  const hash = templateHash(spec.template, collisionCount);
  const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
  const room = replicasOf(deployment) + boundsOf(deployment).surge - oldSets.reduce((total, set) => total + replicasOf(set), 0);
  const { namespace, name = '' } = deployment.metadata;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: { ...copiedAnnotations(deployment), ...sizeAnnotations(deployment), [REVISION_ANNOTATION]: revision },
      ownerReferences: [controllerRef(deployment)],
    },
    spec: {
      replicas: Math.max(0, Math.min(replicasOf(deployment), room)),
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

function isComplete(deployment: appsv1.Deployment, newSet: appsv1.ReplicaSet, oldSets: readonly appsv1.ReplicaSet[]): boolean {
  const wanted = replicasOf(deployment);
  return (
    replicasOf(newSet) === wanted &&
    (newSet.status?.availableReplicas ?? 0) === wanted &&
    oldSets.every((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0)
  );
}

function surplusHistory(deployment: appsv1.Deployment, oldSets: readonly appsv1.ReplicaSet[]): readonly appsv1.ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const idle = oldSets.filter(
    (set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && set.metadata.deletionTimestamp === undefined && isObserved(set),
  );
  return idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(idle.length - limit, 0));
}

function isObserved(object: { readonly metadata: metav1.ObjectMeta; readonly status?: { readonly observedGeneration?: number } }): boolean {
  return (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);
}
