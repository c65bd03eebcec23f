import type { KubeObject } from '@tiphys/kube-model';
import { formatPath, ownerAt, serverSideApply, UNTYPED, withoutManagedFields, type PathElement, type SchemaNode } from '@tiphys/kube-patch';
import type { Change, Digest } from './change.ts';
import { differences, type Difference } from './compare-values.ts';
import { withoutPointers, type IgnoreRules } from './ignore.ts';
import { normalizeDesired } from './normalize.ts';

/** What one comparison needs. */
export interface DiffRequest {
  readonly desired: KubeObject;
  readonly live: KubeObject | undefined;
  /** The field manager that would apply. */
  readonly manager: string;
  /** The kind's schema; undefined where nobody described the kind. */
  readonly schema?: SchemaNode | undefined;
  readonly ignore?: IgnoreRules;
  /** Shows secret values as digests; without it they are shown as redacted. */
  readonly digest?: Digest;
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
const NO_RULES: IgnoreRules = { pointers: [], managers: new Set() };

/** What applying the desired object would change: empty when nothing would. Values of Secrets never appear. */
export function diffObject(request: DiffRequest): readonly Change[] {
  const { live, manager, schema, ignore = NO_RULES } = request;
  const desired = normalizeDesired(request.desired);
  const mask = maskFor(desired, request.digest);
  if (live === undefined) return [mask({ path: '', elements: [], kind: 'added', desired })];
  const found = differences(
    withoutPointers(predict(desired, live, manager, schema), ignore.pointers),
    withoutPointers(withoutManagedFields(live), ignore.pointers),
    schema ?? UNTYPED,
  );
  return found
    .map((difference) => toChange(difference, live, manager))
    .filter((change) => change.owner === undefined || !ignore.managers.has(change.owner.manager))
    .map(mask);
}

function predict(desired: KubeObject, live: KubeObject, manager: string, schema: SchemaNode | undefined): KubeObject {
  const result = serverSideApply({ live, applied: desired, manager, force: true, schema, now: EPOCH });
  // With force there is no conflict; the desired object alone is the safe answer should that ever change.
  const predicted = withoutManagedFields(result.kind === 'applied' ? result.object : desired);
  // Identity is nobody's field: no apply changes it, whatever it releases.
  const identity = Object.fromEntries(IDENTITY.flatMap((name) => (live.metadata[name] === undefined ? [] : [[name, live.metadata[name]]])));
  return { ...predicted, metadata: { ...predicted.metadata, ...identity } };
}

function toChange({ elements, kind, desired, live: liveValue }: Difference, live: KubeObject, manager: string): Change {
  const owner = kind === 'added' ? undefined : ownerAt(live, elements);
  return {
    path: formatPath(elements),
    elements,
    kind,
    ...(desired === undefined ? {} : { desired }),
    ...(liveValue === undefined ? {} : { live: liveValue }),
    ...(owner === undefined
      ? {}
      : {
          owner: { manager: owner.manager, operation: owner.operation, ...(owner.time === undefined ? {} : { time: owner.time }) },
          cause: owner.manager === manager ? ('desired' as const) : ('drift' as const),
        }),
  };
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function maskFor(desired: KubeObject, digest: Digest | undefined): (change: Change) => Change {
  if (desired.kind !== 'Secret') return (change) => change;
  const hide = (value: unknown): unknown => (digest === undefined ? '[redacted]' : digest(typeof value === 'string' ? value : JSON.stringify(value)));
  const cover = (value: unknown, elements: readonly PathElement[]): unknown => {
    const [first, second, third] = elements.map((element) => (element.kind === 'field' ? element.name : ''));
    if (first === 'data' || first === 'stringData') {
      if (second !== undefined || typeof value !== 'object' || value === null) return hide(value);
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hide(item)]));
    }
    if (first === 'metadata' && second === 'annotations' && third === LAST_APPLIED) return hide(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || elements.length > 2) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cover(item, [...elements, { kind: 'field', name }])]));
  };
  return (change) => ({
    ...change,
    ...(change.desired === undefined ? {} : { desired: cover(change.desired, change.elements) }),
    ...(change.live === undefined ? {} : { live: cover(change.live, change.elements) }),
  });
}
