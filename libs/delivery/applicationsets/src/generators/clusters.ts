import { normalizeName } from '@tiphys/delivery-helm';
import { matchesSelector, selectorOf } from '@tiphys/kube-model';
import type { ClusterGenerator, Parameters } from '../application-set.ts';
import { isGo, type GeneratorContext, type KnownCluster } from './context.ts';
import { withValues } from './values.ts';

/** One set of parameters for each registered cluster; the own one counts without a selector only (applicationset/generators/cluster.go). */
export function clusterParameters({ selector, values, flatList = false }: ClusterGenerator, context: GeneratorContext): readonly Parameters[] {
  const requirements = selectorOf(selector ?? {});
  const wanted = requirements.length > 0 ? requirements : undefined;
  const clusters = context.world
    .clusters()
    .filter((cluster) => (wanted === undefined ? true : cluster.isImplicit !== true && matchesSelector(wanted, cluster.labels)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const parameters = clusters.map((cluster) => withValues(isGo(context) ? goParameters(cluster) : flatParameters(cluster), values, context));
  // As one list, all clusters go into one Application. It holds what the schema calls JSON.
  return flatList ? [{ clusters: parameters as Parameters[] }] : parameters;
}

function goParameters({ name, server, project = '', labels, annotations }: KnownCluster): Parameters {
  return { name, nameNormalized: normalizeName(name), server, project, metadata: { labels: { ...labels }, annotations: { ...annotations } } };
}

function flatParameters({ name, server, project = '', labels, annotations }: KnownCluster): Parameters {
  const of = (kind: string, entries: Readonly<Record<string, string>>) =>
    Object.entries(entries).map(([key, value]) => [`metadata.${kind}.${key}`, value] as const);
  return { name, nameNormalized: normalizeName(name), server, project, ...Object.fromEntries([...of('labels', labels), ...of('annotations', annotations)]) };
}
