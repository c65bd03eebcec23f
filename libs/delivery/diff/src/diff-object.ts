import type { CompareOptions } from '@tiphys/delivery-applications';
import { parseApiVersion, type KubeObject } from '@tiphys/kube-model';
import { formatPath, ownerAt, serverSideApply, UNTYPED, withoutManagedFields, type SchemaNode } from '@tiphys/kube-patch';
import { causeOf, type LastSynced } from './cause.ts';
import type { Change, Digest } from './change.ts';
import { differences, type Difference } from './compare-values.ts';
import { NO_RULES, withoutPaths, type IgnoreRules, type Path } from './ignore.ts';
import { withDefaults } from './defaults.ts';
import { comparable } from './known-kinds.ts';
import { changeMask } from './mask.ts';
import { normalizeDesired } from './normalize.ts';
import { withAdoptedFields } from './previous-appliers.ts';
import { predictByServer, type DryRun } from './server-side.ts';

/** What one comparison needs. */
export interface DiffRequest {
  readonly desired: KubeObject;
  readonly live: KubeObject | undefined;
  /** The field manager that would apply. */
  readonly manager: string;
  /** The kind's schema; undefined where nobody described the kind. */
  readonly schema?: SchemaNode | undefined;
  readonly ignore?: IgnoreRules;
  /** Where the rules' jq expressions point in the two states of `predict`. */
  readonly jqPaths?: { readonly predicted: readonly Path[]; readonly live: readonly Path[] };
  readonly compareOptions?: Pick<CompareOptions, 'ignoreAggregatedRoles' | 'ignoreResourceStatusField'>;
  /** The server's own prediction, instead of ours. */
  readonly dryRun?: DryRun;
  readonly lastSynced?: LastSynced | undefined;
  /** The live object as it is stored, where `live` has other owners than that: who wrote what is told from this one. */
  readonly stored?: KubeObject | undefined;
  /** Shows secret values as digests; without it they are shown as redacted. */
  readonly digest?: Digest;
  /** Annotations whose values are covered like those of a Secret. */
  readonly sensitiveAnnotations?: readonly string[];
}

// Prediction needs some time to stamp; it is stripped before anything is compared.
const EPOCH = '1970-01-01T00:00:00Z';
const IDENTITY = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'generateName',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;
const DEFAULT_OPTIONS = { ignoreAggregatedRoles: false, ignoreResourceStatusField: 'all' } as const;

/** What applying the desired object would change: empty when nothing would. Values of Secrets never appear. */
export function diffObject(request: DiffRequest): readonly Change[] {
  const { ignore = NO_RULES, jqPaths, schema = UNTYPED } = request;
  const mask = changeMask(request.desired, request.digest, request.sensitiveAnnotations ?? []);
  const states = predict(request);
  if (states === undefined) return [mask(wholeObject(request))];
  const predicted = withoutPaths(states.predicted, [...ignore.pointers, ...(jqPaths?.predicted ?? [])]);
  const live = withoutPaths(states.live, [...ignore.pointers, ...(jqPaths?.live ?? [])]);
  return differences(predicted, live, schema)
    .map((difference) => toChange(difference, states.owned, request))
    .filter((change) => change.owner === undefined || !ignore.managers.has(change.owner.manager))
    .map(mask);
}

/** What an apply would lead to beside what lives, in the form in which they are compared. */
export interface PredictedStates {
  readonly predicted: KubeObject;
  readonly live: KubeObject;
  /** The live object with its owners, after what is ours to take over was taken over. */
  readonly owned: KubeObject;
}

/** The two states that a comparison compares; undefined when nothing lives. */
export function predict(request: DiffRequest): PredictedStates | undefined {
  const { live, manager, schema, dryRun, compareOptions = DEFAULT_OPTIONS } = request;
  if (live === undefined) return undefined;
  const owned = withAdoptedFields(live, manager, schema);
  const desired = normalizeDesired(request.desired, { keepStatus: comparesStatus(request.desired, compareOptions.ignoreResourceStatusField) });
  const predicted = dryRun === undefined ? predictApply(desired, owned, manager, schema) : predictByServer(dryRun, live, manager, schema);
  const bareLive = comparable(withoutManagedFields(live), compareOptions);
  return { predicted: withDefaults(comparable(predicted, compareOptions), bareLive, schema ?? UNTYPED), live: bareLive, owned };
}

function comparesStatus({ apiVersion, kind }: KubeObject, ignored: CompareOptions['ignoreResourceStatusField']): boolean {
  if (ignored === 'none') return true;
  return ignored === 'crd' && !(kind === 'CustomResourceDefinition' && parseApiVersion(apiVersion).group === 'apiextensions.k8s.io');
}

function predictApply(desired: KubeObject, live: KubeObject, manager: string, schema: SchemaNode | undefined): KubeObject {
  const result = serverSideApply({ live, applied: desired, manager, force: true, schema, now: EPOCH });
  // With force there is no conflict; the desired object alone is the safe answer should that ever change.
  const predicted = withoutManagedFields(result.kind === 'applied' ? result.object : desired);
  // Identity is nobody's field: no apply changes it, whatever it releases.
  const identity = Object.fromEntries(IDENTITY.flatMap((name) => (live.metadata[name] === undefined ? [] : [[name, live.metadata[name]]])));
  return { ...predicted, metadata: { ...predicted.metadata, ...identity } };
}

function wholeObject({ desired, lastSynced }: DiffRequest): Change {
  // What the last sync had wanted as well was there, and somebody deleted it.
  const wasThere = lastSynced !== undefined && (lastSynced.isSameInput || lastSynced.desired !== undefined);
  return { path: '', elements: [], kind: 'added', desired: normalizeDesired(desired), cause: wasThere ? 'humanEdit' : 'gitChanged' };
}

function toChange(difference: Difference, owned: KubeObject, { manager, schema = UNTYPED, lastSynced, stored = owned }: DiffRequest): Change {
  const { elements, kind, desired, live } = difference;
  const owner = kind === 'added' ? undefined : ownerAt(stored, elements);
  return {
    path: formatPath(elements),
    elements,
    kind,
    ...(desired === undefined ? {} : { desired }),
    ...(live === undefined ? {} : { live }),
    ...(owner === undefined
      ? {}
      : { owner: { manager: owner.manager, operation: owner.operation, ...(owner.time === undefined ? {} : { time: owner.time }) } }),
    cause: causeOf(difference, { live: stored, owned, manager, schema, lastSynced }),
  };
}
