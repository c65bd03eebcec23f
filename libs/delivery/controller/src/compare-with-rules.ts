import { rulesForKind, type ResourceSettings } from '@tiphys/delivery-applications';
import {
  compareApplication,
  jqQuestions,
  normalizeDesired,
  withKnownTypes,
  type CompareRequest,
  type Comparison,
  type DryRun,
  type Path,
} from '@tiphys/delivery-diff';
import type { ScriptEngine } from '@tiphys/delivery-scripts';
import { mapLimit, messageOf } from '@tiphys/kernel';
import { describeRef, parseApiVersion, refKey, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import { askJqPaths } from './jq-paths.ts';

/** What a comparison needs besides the objects. */
export interface ComparisonDeps {
  readonly settings: ResourceSettings;
  readonly scripts: Pick<ScriptEngine, 'run'>;
  /** Asks the server what applying an object would lead to; undefined where its opinion is not wanted. */
  readonly dryRun?: ((desired: KubeObject, signal: AbortSignal) => Promise<DryRun>) | undefined;
}

/** A comparison, and sentences about rules that could not be followed. */
export interface RuledComparison {
  readonly comparison: Comparison;
  readonly warnings: readonly string[];
}

const MAX_WARNINGS = 20;
const DRY_RUNS_AT_ONCE = 8;

/**
 * Compares an application by its own rules and those of the installation. A rule that cannot be followed ignores nothing and
 * is named in a warning. Where the server's opinion is wanted it is asked about what our prediction finds changed.
 */
export async function compareWithRules(request: CompareRequest, deps: ComparisonDeps, signal: AbortSignal): Promise<RuledComparison> {
  const { settings } = deps;
  const ruled: CompareRequest = {
    ...request,
    ignoreDifferences: [...settings.ignoreDifferences, ...(request.ignoreDifferences ?? [])],
    compareOptions: settings.compareOptions,
    sensitiveAnnotations: settings.sensitiveAnnotations,
    schemaFor: (apiVersion, kind) => {
      const fields = settings.knownTypeFields.length === 0 ? [] : rulesForKind(settings.knownTypeFields, parseApiVersion(apiVersion).group, kind);
      return withKnownTypes(request.schemaFor(apiVersion, kind), fields);
    },
  };
  const answered = await askJq(ruled, deps, signal);
  const first = compareApplication({ ...ruled, jqPaths: answered.paths });
  if (deps.dryRun === undefined || first.status === 'Synced') return { comparison: first, warnings: answered.warnings };
  const opinions = await askServer(first, deps.dryRun, signal);
  // The states have changed, so jq is asked again.
  const second = await askJq({ ...ruled, dryRuns: opinions.dryRuns }, deps, signal);
  const comparison = compareApplication({ ...ruled, dryRuns: opinions.dryRuns, jqPaths: second.paths });
  return { comparison, warnings: [...second.warnings, ...opinions.warnings].slice(0, MAX_WARNINGS) };
}

async function askJq(
  request: CompareRequest,
  { scripts }: ComparisonDeps,
  signal: AbortSignal,
): Promise<{ readonly paths: ReadonlyMap<string, readonly Path[]>; readonly warnings: readonly string[] }> {
  const questions = jqQuestions(request);
  const answers = await askJqPaths(questions, scripts, signal);
  const paths = new Map<string, readonly Path[]>();
  const warnings = new Map<string, string>();
  for (const [index, { key, ref, expression }] of questions.entries()) {
    const answer = answers[index];
    if (answer?.kind === 'paths') {
      paths.set(key, answer.paths);
      continue;
    }
    const rule = `${describeRef(ref)}: ignoreDifferences: jq expression ${JSON.stringify(expression)}`;
    // Both states may fail, in words of their own.
    if (!warnings.has(rule)) warnings.set(rule, `${rule}: ${reasonFor(ref, answer?.message)}`);
  }
  return { paths, warnings: [...warnings.values()].slice(0, MAX_WARNINGS) };
}

// jq quotes what it was given: nothing of it is shown for a Secret.
function reasonFor(ref: ObjectRef, message: string | undefined): string {
  return ref.group === '' && ref.kind === 'Secret' ? 'fails' : (message ?? 'fails');
}

async function askServer(
  comparison: Comparison,
  ask: (desired: KubeObject, signal: AbortSignal) => Promise<DryRun>,
  signal: AbortSignal,
): Promise<{ readonly dryRuns: ReadonlyMap<string, DryRun>; readonly warnings: readonly string[] }> {
  const dryRuns = new Map<string, DryRun>();
  const warnings: string[] = [];
  const doubtful = comparison.resources.filter(({ status, desired, live }) => status === 'OutOfSync' && desired !== undefined && live !== undefined);
  await mapLimit(doubtful, DRY_RUNS_AT_ONCE, async ({ ref, desired }) => {
    if (desired === undefined) return;
    try {
      dryRuns.set(refKey(ref), await ask(normalizeDesired(desired), signal));
    } catch (error) {
      signal.throwIfAborted();
      // Our own prediction stands; a Secret's refusal may quote it.
      warnings.push(`${describeRef(ref)}: server-side diff: ${ref.kind === 'Secret' ? 'the API refused the dry run' : messageOf(error)}`);
    }
  });
  return { dryRuns, warnings };
}
