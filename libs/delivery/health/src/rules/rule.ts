import type { KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health, type HealthCode } from '../health.ts';
import { conditionsOf, isStale, textAt, type Condition } from './status.ts';

/** Rules by `<group>/<kind>`; `*.<suffix>/*` covers every kind of every group that ends so. */
export type RuleTable = Readonly<Record<string, Assess>>;

/** What a rule says: fixed words, or words made of what it found. */
type Say<T> = string | ((found: T, live: KubeObject) => string);

/** One line of a condition rule: where such a condition is there, this is the health. */
interface Clause {
  readonly type: string;
  /** Absent: any status. */
  readonly status?: string;
  /** Absent: any reason. */
  readonly reasons?: readonly string[];
  readonly is: HealthCode;
  /** Absent: the condition's own message. */
  readonly say?: Say<Condition>;
}

/** A rule made of clauses: the first that matches decides. */
interface ConditionRule {
  readonly clauses: readonly Clause[];
  /** Said while nothing matches. */
  readonly waiting: Say<undefined>;
  /** Said while the status is older than the spec; absent: age is not looked at. */
  readonly stale?: string;
}

/** Judges by conditions, in the order of the clauses. */
export function byConditions({ clauses, waiting, stale }: ConditionRule): Assess {
  return (live) => {
    if (stale !== undefined && isStale(live)) return health('Progressing', stale);
    const conditions = conditionsOf(live);
    for (const clause of clauses) {
      const found = conditions.find((condition) => matches(condition, clause));
      if (found !== undefined) return health(clause.is, said(clause.say ?? found.message, found, live));
    }
    return health('Progressing', said(waiting, undefined, live));
  };
}

function matches(condition: Condition, { type, status, reasons }: Clause): boolean {
  return condition.type === type && (status === undefined || condition.status === status) && (reasons === undefined || reasons.includes(condition.reason));
}

function said<T>(say: Say<T>, found: T, live: KubeObject): string {
  return typeof say === 'string' ? say : say(found, live);
}

/** The usual contract of controllers: a `Ready` condition, True when well and False when not. */
export function byReady(waiting: Say<undefined>, say: { readonly healthy?: Say<Condition>; readonly degraded?: Say<Condition> } = {}): Assess {
  return byConditions({
    clauses: [
      { type: 'Ready', status: 'True', is: 'Healthy', ...(say.healthy === undefined ? {} : { say: say.healthy }) },
      { type: 'Ready', status: 'False', is: 'Degraded', ...(say.degraded === undefined ? {} : { say: say.degraded }) },
    ],
    waiting,
  });
}

/** A rule that reads one word of the status. */
interface PhaseRule {
  /** Where the word is. */
  readonly at: readonly string[];
  readonly phases: Readonly<Record<string, HealthCode>>;
  /** For a word that is not listed; absent: Progressing. */
  readonly otherwise?: HealthCode;
  readonly say: Say<string>;
  /** Said while there is no word. */
  readonly waiting: string;
}

/** Judges by one word of the status. */
export function byPhase({ at, phases, otherwise = 'Progressing', say, waiting }: PhaseRule): Assess {
  return (live) => {
    const phase = textAt(live, ...at);
    if (phase === '') return health('Progressing', waiting);
    return health(Object.hasOwn(phases, phase) ? (phases[phase] ?? otherwise) : otherwise, said(say, phase, live));
  };
}

/** Gives one rule to several kinds of a group; the rule may be made for each. */
export function forKinds(group: string, kinds: readonly string[], make: (kind: string) => Assess): RuleTable {
  return Object.fromEntries(kinds.map((kind) => [`${group}/${kind}`, make(kind)]));
}

/** The first answer that is not undefined. */
export function firstOf(...attempts: readonly ((live: KubeObject) => Health | undefined)[]): Assess {
  return (live) => {
    for (const attempt of attempts) {
      const answer = attempt(live);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}
