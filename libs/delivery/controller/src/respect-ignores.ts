import { resourceSyncOptions, type IgnoreDifference, type SyncOptions } from '@tiphys/delivery-applications';
import {
  ignoreRulesFor,
  normalizeDesired,
  withIgnoredLiveValues,
  type Comparison,
  type IgnoreRules,
  type Path,
  type ResourceComparison,
} from '@tiphys/delivery-diff';
import type { ScriptEngine } from '@tiphys/delivery-scripts';
import { refKey, type KubeObject } from '@tiphys/kube-model';
import type { SchemaNode } from '@tiphys/kube-patch';
import { askJqPaths } from './jq-paths.ts';

/** What is respected where. */
export interface RespectRequest {
  readonly comparison: Comparison;
  /** Rules of the installation and of the application. */
  readonly ignoreDifferences: readonly IgnoreDifference[];
  readonly syncOptions: SyncOptions;
  readonly schemaFor: (apiVersion: string, kind: string) => SchemaNode | undefined;
}

interface Respected {
  readonly key: string;
  readonly desired: KubeObject;
  readonly live: KubeObject;
  readonly rules: IgnoreRules;
}

/**
 * The desired objects that keep live values in their ignored places, by `refKey` (sync option RespectIgnoreDifferences). An
 * expression that fails keeps nothing; the comparison has said so in a warning. Throws the signal's reason.
 */
export async function respectIgnores(
  request: RespectRequest,
  scripts: Pick<ScriptEngine, 'run'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubeObject>> {
  const respected = request.comparison.resources.flatMap((resource) => toRespected(resource, request));
  const questions = respected.flatMap(({ key, desired, live, rules }) =>
    rules.expressions.flatMap((expression) => [
      { place: `desired ${key}`, expression, input: desired },
      { place: `live ${key}`, expression, input: live },
    ]),
  );
  const answers = await askJqPaths(questions, scripts, signal);
  const paths = new Map<string, Path[]>();
  for (const [index, { place }] of questions.entries()) {
    const answer = answers[index];
    if (answer?.kind === 'paths') paths.set(place, [...(paths.get(place) ?? []), ...answer.paths]);
  }
  return new Map(
    respected.map(({ key, desired, live, rules }) => {
      const jqPaths = { desired: paths.get(`desired ${key}`) ?? [], live: paths.get(`live ${key}`) ?? [] };
      return [key, withIgnoredLiveValues(desired, live, { rules, jqPaths }, request.schemaFor(desired.apiVersion, desired.kind))];
    }),
  );
}

function toRespected({ ref, desired, live }: ResourceComparison, { ignoreDifferences, syncOptions }: RespectRequest): readonly Respected[] {
  if (desired === undefined || live === undefined || !resourceSyncOptions(desired, syncOptions).respectIgnoreDifferences) return [];
  const rules = ignoreRulesFor(desired, ignoreDifferences);
  if (rules.pointers.length === 0 && rules.expressions.length === 0 && rules.managers.size === 0) return [];
  // The clear text of a Secret would win over the live value beside it.
  return [{ key: refKey(ref), desired: desired.kind === 'Secret' ? normalizeDesired(desired) : desired, live, rules }];
}
