import { fieldAt, isJsonObject, parseApiVersion, type JsonObject, type KubeObject } from '@tiphys/kube-model';

/** Annotation in which a client that merges on its side keeps what it applied last. */
export const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** What is left out of a comparison by choice. */
export interface ComparableOptions {
  /** The rules of a ClusterRole with an aggregationRule are written by the aggregation controller. */
  readonly ignoreAggregatedRoles: boolean;
}

/**
 * An object as it is compared: without the note of client-side apply, and for some kinds in one form of several that mean
 * the same (gitops-engine pkg/diff/diff.go, Normalize).
 */
export function comparable(object: KubeObject, options: ComparableOptions): KubeObject {
  const bare = withoutLastApplied(object);
  const { group } = parseApiVersion(bare.apiVersion);
  if (group === '' && bare.kind === 'Secret') return withoutNullData(bare);
  if (group === '' && bare.kind === 'Endpoints') return withSortedSubsets(bare);
  if (group === 'apps' && bare.kind === 'StatefulSet') return withBareClaims(bare);
  if (group === 'rbac.authorization.k8s.io' && bare.kind === 'ClusterRole' && options.ignoreAggregatedRoles) return withoutAggregatedRules(bare);
  return bare;
}

/** What a client-side apply sent last; undefined where there is no such note, or it cannot be read. */
export function lastAppliedOf(live: KubeObject): unknown {
  const text = live.metadata.annotations?.[LAST_APPLIED_ANNOTATION];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The note is written by clients: one that cannot be read says nothing.
  }
}

function withoutLastApplied(object: KubeObject): KubeObject {
  const annotations = object.metadata.annotations;
  if (annotations?.[LAST_APPLIED_ANNOTATION] === undefined) return object;
  const { [LAST_APPLIED_ANNOTATION]: _, ...rest } = annotations;
  return { ...object, metadata: { ...object.metadata, annotations: rest } };
}

// Fields of a known kind are read as data: their types do not cover what somebody may have written.
function withField(object: KubeObject, name: string, value: unknown): KubeObject {
  return { ...object, [name]: value };
}

// Empty bytes come back as null.
function withoutNullData(secret: KubeObject): KubeObject {
  const data = fieldAt(secret, 'data');
  if (!isJsonObject(data)) return secret;
  return withField(secret, 'data', Object.fromEntries(Object.entries(data).map(([key, value]) => [key, value ?? ''])));
}

// The endpoints controller writes subsets, addresses and ports in an order of its own.
function withSortedSubsets(endpoints: KubeObject): KubeObject {
  const subsets = fieldAt(endpoints, 'subsets');
  if (!Array.isArray(subsets)) return endpoints;
  const sorted = subsets.filter(isJsonObject).map((subset) => {
    const lists = ['addresses', 'notReadyAddresses', 'ports'].flatMap((name) => {
      const list = subset[name];
      return Array.isArray(list) ? [[name, list.map(withProtocol(name)).toSorted(byText)]] : [];
    });
    return { ...subset, ...Object.fromEntries(lists) };
  });
  return withField(endpoints, 'subsets', sorted.toSorted(byText));
}

function withProtocol(list: string): (item: unknown) => unknown {
  return (item) => (list === 'ports' && isJsonObject(item) && item['protocol'] === undefined ? { ...item, protocol: 'TCP' } : item);
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [stable(a), stable(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    isJsonObject(item) ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}

const CLAIM_NOISE = ['apiVersion', 'kind', 'status'];

// The server completes claims as if they were objects of their own; the list is one value for it.
function withBareClaims(set: KubeObject): KubeObject {
  const spec = fieldAt(set, 'spec');
  const claims = fieldAt(spec, 'volumeClaimTemplates');
  if (!isJsonObject(spec) || !Array.isArray(claims)) return set;
  return withField(set, 'spec', { ...spec, volumeClaimTemplates: claims.map((claim: unknown) => (isJsonObject(claim) ? bareClaim(claim) : claim)) });
}

function bareClaim(claim: JsonObject): JsonObject {
  const rest = Object.fromEntries(Object.entries(claim).filter(([name]) => !CLAIM_NOISE.includes(name)));
  const metadata = rest['metadata'];
  if (isJsonObject(metadata)) rest['metadata'] = Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== 'creationTimestamp'));
  const spec = rest['spec'];
  if (isJsonObject(spec) && spec['volumeMode'] === undefined) rest['spec'] = { ...spec, volumeMode: 'Filesystem' };
  return rest;
}

function withoutAggregatedRules(role: KubeObject): KubeObject {
  if (!isJsonObject(fieldAt(role, 'aggregationRule'))) return role;
  const { rules: _, ...rest } = role as KubeObject & { readonly rules?: unknown };
  return rest;
}
