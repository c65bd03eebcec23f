import { fieldAt, type JsonValue } from '@tiphys/kube-model';
import type { ClusterDecisionGenerator, Parameters } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import { isGo, type GeneratorContext } from './context.ts';
import { withValues } from './values.ts';

/** Clusters that other controllers' objects list in their status (applicationset/generators/duck_type.go). Throws GenerateError. */
export async function clusterDecisionParameters(generator: ClusterDecisionGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  const { configMapRef, name, labelSelector, values } = generator;
  const settings = context.world.configMap(configMapRef)?.data;
  const { apiVersion, kind, statusListKey = 'clusters', matchKey } = settings ?? {};
  if (apiVersion === undefined || kind === undefined || matchKey === undefined)
    throw new GenerateError({ code: 'invalid' }, `clusterDecisionResource generator: ConfigMap ${configMapRef} does not name apiVersion, kind and matchKey`);
  if ((name === undefined) === (labelSelector === undefined))
    throw new GenerateError({ code: 'invalid' }, 'clusterDecisionResource generator: needs either name or labelSelector');
  const objects = await context.world.objects({ apiVersion, kind, name, labelSelector }, context.signal);
  const decisions = objects.flatMap((object) => {
    const list = fieldAt(object, 'status', statusListKey);
    return Array.isArray(list) ? (list as unknown[]) : [];
  });
  const clusters = context.world.clusters();
  return decisions.flatMap((decision) => {
    const wanted = fieldAt(decision, matchKey);
    const cluster = clusters.find((candidate) => candidate.name === wanted);
    if (cluster === undefined) return [];
    const texts =
      typeof decision === 'object' && decision !== null
        ? Object.entries(decision).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
        : [];
    const metadata = isGo(context)
      ? { metadata: { labels: { ...cluster.labels }, annotations: { ...cluster.annotations } } as JsonValue }
      : Object.fromEntries(Object.entries(cluster.labels).map(([key, value]) => [`metadata.labels.${key}`, value]));
    return [withValues({ name: cluster.name, server: cluster.server, ...metadata, ...Object.fromEntries(texts) }, values, context)];
  });
}
