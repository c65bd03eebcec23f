import { rulesForKind, type CustomHealth, type ResourceSettings } from '@tiphys/delivery-applications';
import { maskStates } from '@tiphys/delivery-diff';
import { assess, parseHealth, type Health } from '@tiphys/delivery-health';
import type { ScriptCall, ScriptEngine, ScriptResult } from '@tiphys/delivery-scripts';
import { refOf, type KubeObject } from '@tiphys/kube-model';

/** How the health of objects is told, for kinds with a rule of a user and for all others. */
export interface HealthBook {
  /** Evaluates the users' rules for objects that are new since the last time, in one batch. Throws the signal's reason. */
  prepare(objects: readonly KubeObject[], signal: AbortSignal): Promise<void>;
  /** The health of an object; what was not prepared is judged by the built-in rule alone. */
  assess(object: KubeObject): Health | undefined;
  /** Both in one for a single object, as a wait asks. Throws the signal's reason. */
  judge(object: KubeObject, signal: AbortSignal): Promise<Health | undefined>;
  /** Whether a rule of a user judges an object. */
  hasRule(object: KubeObject): boolean;
  /** Whether any rule judges an object: what none judges is well as soon as it is there. */
  isJudged(object: KubeObject): boolean;
}

/** What a book is made of. */
export interface HealthBookOptions {
  readonly scripts: Pick<ScriptEngine, 'run'>;
  readonly settings: () => ResourceSettings;
}

const MAX_VERDICTS = 50_000;

/** Makes a book. Verdicts are kept by object version, and forgotten when the settings change. */
export function createHealthBook({ scripts, settings }: HealthBookOptions): HealthBook {
  const verdicts = new Map<string, Health>();
  let known: readonly CustomHealth[] = [];

  function ruleOf(object: KubeObject): CustomHealth | undefined {
    const { health } = settings();
    if (health !== known) {
      known = health;
      verdicts.clear();
    }
    if (health.length === 0) return undefined;
    const { group, kind } = refOf(object);
    return rulesForKind(health, group, kind)[0];
  }

  async function prepare(objects: readonly KubeObject[], signal: AbortSignal): Promise<void> {
    const wanted = objects.flatMap((object) => {
      const rule = ruleOf(object);
      return rule === undefined || verdicts.has(versionOf(object)) ? [] : [{ object, rule, calls: callsOf(rule, object) }];
    });
    if (wanted.length === 0) return;
    const results = await scripts.run(
      wanted.flatMap(({ calls }) => calls),
      signal,
    );
    let at = 0;
    for (const { object, rule, calls } of wanted) {
      const [oldest] = verdicts.keys();
      if (verdicts.size >= MAX_VERDICTS && oldest !== undefined) verdicts.delete(oldest);
      verdicts.set(versionOf(object), verdictOf(rule, results.slice(at, at + calls.length), object));
      at += calls.length;
    }
  }

  function assessPrepared(object: KubeObject): Health | undefined {
    // Being deleted comes before every rule, as for the built-in ones.
    if (object.metadata.deletionTimestamp !== undefined || ruleOf(object) === undefined) return assess(object);
    return verdicts.get(versionOf(object)) ?? assess(object);
  }

  const hasRule = (object: KubeObject): boolean => ruleOf(object) !== undefined;
  return {
    prepare,
    assess: assessPrepared,
    judge: async (object, signal) => {
      await prepare([object], signal);
      return assessPrepared(object);
    },
    hasRule,
    isJudged: (object) => hasRule(object) || assess(object) !== undefined,
  };
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.uid ?? ''}@${metadata.resourceVersion ?? ''}`;
}

function callsOf(rule: CustomHealth, object: KubeObject): readonly ScriptCall[] {
  // A rule's own words may end up in a status: it never sees the values of a Secret.
  const seen = maskStates(undefined, object).live ?? object;
  if (rule.language === 'lua') return [{ kind: 'lua', script: rule.script, globals: { obj: seen }, useOpenLibs: rule.useOpenLibs }];
  return rule.clauses.flatMap(({ when, messageExpression }) => [
    { kind: 'cel', expression: when, variables: { self: seen } },
    { kind: 'cel', expression: messageExpression ?? '""', variables: { self: seen } },
  ]);
}

function verdictOf(rule: CustomHealth, results: readonly ScriptResult[], object: KubeObject): Health {
  if (rule.language === 'lua') {
    const [result] = results;
    return result?.kind === 'value' ? parseHealth(result.value) : broken(result, object);
  }
  // Each clause has two results: whether it holds, and its words. One that fails (a field that is not there yet) does not hold.
  for (const [index, clause] of rule.clauses.entries()) {
    const [holds, words] = results.slice(index * 2, index * 2 + 2);
    if (holds?.kind !== 'value' || holds.value !== true) continue;
    const message = clause.message ?? (words?.kind === 'value' ? words.value : undefined);
    return parseHealth({ status: clause.status, message });
  }
  return { status: 'Progressing', message: 'no clause of the health rule holds yet' };
}

function broken(result: ScriptResult | undefined, { kind }: KubeObject): Health {
  const reason = result?.kind === 'failed' ? result.message : 'it gave no result';
  return { status: 'Unknown', message: `the health rule for ${kind} failed: ${reason}` };
}
