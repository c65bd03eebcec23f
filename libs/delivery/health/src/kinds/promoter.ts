import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health, type HealthCode } from '../health.ts';
import type { RuleTable } from '../rules/rule.ts';
import { conditionOf, hasStatus, isStaleCondition, listAt, textAt, type Condition } from '../rules/status.ts';

// GitOps Promoter (gitops-promoter.readthedocs.io): every kind has Ready; what it is ready with differs.
interface Words {
  /** As a noun in the middle of a sentence. */
  readonly noun: string;
  /** Who waits for the spec to be observed, or is being deleted. */
  readonly subject: string;
  /** Who fails, is not ready, or is unknown. */
  readonly work: string;
  readonly unknown: string;
  readonly missing: string;
}

function assessReady(live: KubeObject, words: Words): Health | undefined {
  if (fieldAt(live, 'metadata', 'deletionTimestamp') !== undefined) return health('Progressing', `${words.subject} is being deleted${finalizersOf(live)}`);
  if (!hasStatus(live)) return health('Progressing', `Initializing ${words.noun}`);
  const ready = conditionOf(live, 'Ready');
  const observed = listAt(live, 'status', 'conditions').length > 0 ? ready : undefined;
  if (observed === undefined) return health('Progressing', words.missing);
  if (isStaleCondition(live, observed)) return health('Progressing', `Waiting for ${midSentence(words.subject)} spec update to be observed`);
  return observed.status === 'True' ? undefined : unready(observed, words);
}

function unready({ status, reason, message }: Condition, { work, unknown }: Words): Health {
  if (status === 'False') {
    const words = reason === 'ReconciliationError' ? `${work} failed: ${message}` : `${unreadyWork(work)} (${reason}): ${message}`;
    return health('Degraded', words);
  }
  return health('Progressing', `${unknown} unknown (${reason}): ${message}`);
}

// A policy has a reconciliation that fails; a validation is not ready.
function unreadyWork(work: string): string {
  return work.endsWith('reconciliation') ? `${work} failed` : `${work} not ready`;
}

// A name of a kind keeps its capitals.
function midSentence(subject: string): string {
  return subject.includes(' ') ? `${subject.charAt(0).toLowerCase()}${subject.slice(1)}` : subject;
}

function finalizersOf(live: KubeObject): string {
  const finalizers = live.metadata.finalizers ?? [];
  return finalizers.length === 0 ? '' : `; it waits for ${finalizers.join(', ')}`;
}

function assessProvider(kind: string, noun: string): (live: KubeObject) => Health {
  const title = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
  const words = { noun, subject: kind, work: `${title} validation`, unknown: `${title} readiness`, missing: `${kind} Ready condition is missing` };
  return (live) => assessReady(live, words) ?? health('Healthy', `${title} is ready`);
}

interface Gate {
  readonly noun: string;
  readonly work: string;
  /** Who is pending or failed for branches. */
  readonly check: string;
  readonly passed: string;
}

// Commit status managers: one phase for each environment's branch.
function assessGate(kind: string, { noun, work, check, passed }: Gate): (live: KubeObject) => Health {
  const words = { noun, subject: kind, work, unknown: `${work} status`, missing: `${kind} Ready condition is missing` };
  return (live) => {
    const unmet = assessReady(live, words);
    if (unmet !== undefined) return unmet;
    const environments = listAt(live, 'status', 'environments');
    const branches = (phase: string): string =>
      environments
        .filter((environment) => environment['phase'] === phase)
        .map((environment) => textAt(environment, 'branch'))
        .join(', ');
    if (environments.length === 0) return health('Healthy', `${work} reconciled`);
    if (branches('failure') !== '') return health('Degraded', `${check} failed for branch(es): ${branches('failure')}`);
    if (branches('pending') !== '') return health('Progressing', `${check} pending for branch(es): ${branches('pending')}`);
    return health('Healthy', `${check} ${passed} for ${environments.length} environment(s)`);
  };
}

const POLICY: Words = {
  noun: 'change transfer policy',
  subject: 'Change transfer policy',
  work: 'Change transfer policy reconciliation',
  unknown: 'Change transfer policy readiness',
  missing: 'Change transfer policy is not ready yet',
};

function assessChangeTransferPolicy(live: KubeObject): Health {
  const unmet = assessReady(live, POLICY);
  if (unmet !== undefined) return unmet;
  const active = textAt(live, 'status', 'active', 'dry', 'sha');
  const proposed = textAt(live, 'status', 'proposed', 'dry', 'sha');
  if (active === '') return health('Progressing', 'The active commit DRY SHA is missing or empty.');
  if (proposed === '') return health('Progressing', 'The proposed commit DRY SHA is missing or empty.');
  if (active !== proposed) {
    const tally = tallyOf(live, 'proposed');
    return health('Progressing', `Promotion in progress from '${shortened(active)}' to '${shortened(proposed)}': ${tally.words}`);
  }
  const tally = tallyOf(live, 'active');
  return tally.isClean
    ? health('Healthy', `Environment is up-to-date on commit ${shortened(active)}.`)
    : health('Healthy', `Environment is up-to-date, but there are non-successful active commit statuses: ${tally.words}`);
}

function shortened(sha: string): string {
  return sha.slice(0, 7);
}

function tallyOf(live: KubeObject, side: 'active' | 'proposed'): { readonly isClean: boolean; readonly words: string } {
  const statuses = listAt(live, 'status', side, 'commitStatuses');
  const keys = (phase: string): readonly string[] => statuses.filter((status) => status['phase'] === phase).map((status) => textAt(status, 'key'));
  const pending = keys('pending');
  const failed = keys('failure');
  const lists = [
    pending.length === 0 ? '' : `Pending commit statuses: ${pending.join(', ')}. `,
    failed.length === 0 ? '' : `Failed commit statuses: ${failed.join(', ')}. `,
  ].join('');
  return {
    isClean: pending.length === 0 && failed.length === 0,
    words: `${pending.length} pending, ${keys('success').length} successful, ${failed.length} failed. ${lists}`,
  };
}

const PHASES: Readonly<Record<string, HealthCode>> = {
  pending: 'Progressing',
  success: 'Healthy',
  failure: 'Degraded',
  open: 'Progressing',
  merged: 'Healthy',
  closed: 'Healthy',
};

function assessSingle(kind: string, noun: string, read: (live: KubeObject) => string): (live: KubeObject) => Health {
  const title = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
  const words = { noun, subject: title, work: `${title} reconciliation`, unknown: `${title} readiness`, missing: `${title} is not ready yet` };
  return (live) => {
    const unmet = assessReady(live, words);
    if (unmet !== undefined) return unmet;
    const phase = read(live);
    return phase === '' ? health('Healthy', `${title} is ready`) : health(PHASES[phase] ?? 'Progressing', `${kind} is ${phase}`);
  };
}

const STRATEGY: Words = {
  noun: 'promotion strategy',
  subject: 'Promotion strategy',
  work: 'Promotion strategy reconciliation',
  unknown: 'Promotion strategy readiness',
  missing: 'Promotion strategy is not ready yet',
};

function assessStrategy(live: KubeObject): Health {
  const unmet = assessReady(live, STRATEGY);
  if (unmet !== undefined) return unmet;
  const environments = listAt(live, 'status', 'environments');
  const shas = new Set(environments.map((environment) => textAt(environment, 'active', 'dry', 'sha')));
  if (environments.length === 0) return health('Progressing', 'The sync strategy has no environments configured.');
  if (shas.has('')) return health('Progressing', 'The active commit DRY SHA is missing or empty in at least one environment.');
  const moving = environments.filter((environment) => textAt(environment, 'active', 'dry', 'sha') !== textAt(environment, 'proposed', 'dry', 'sha'));
  if (moving.length > 0 || shas.size > 1) return health('Progressing', `Promotion in progress in ${moving.length} of ${environments.length} environment(s).`);
  return health('Healthy', `All environments are up-to-date on commit ${shortened([...shas][0] ?? '')}.`);
}

/** GitOps Promoter's kinds. */
export const promoterRules: RuleTable = {
  'promoter.argoproj.io/ScmProvider': assessProvider('ScmProvider', 'SCM provider'),
  'promoter.argoproj.io/ClusterScmProvider': assessProvider('ClusterScmProvider', 'cluster SCM provider'),
  'promoter.argoproj.io/ChangeTransferPolicy': assessChangeTransferPolicy,
  'promoter.argoproj.io/PromotionStrategy': assessStrategy,
  'promoter.argoproj.io/CommitStatus': assessSingle(
    'Commit status',
    'commit status',
    (live) => textAt(live, 'spec', 'phase') || textAt(live, 'status', 'phase'),
  ),
  'promoter.argoproj.io/PullRequest': assessSingle('Pull request', 'pull request', (live) => textAt(live, 'status', 'state')),
  'promoter.argoproj.io/GitRepository': assessSingle('Git repository', 'git repository', () => ''),
  'promoter.argoproj.io/ArgoCDCommitStatus': assessSingle('Argo CD commit status', 'Argo CD commit status', () => ''),
  'promoter.argoproj.io/GitCommitStatus': assessGate('GitCommitStatus', {
    noun: 'git commit validation',
    work: 'Git commit validation',
    check: 'Git commit validation',
    passed: 'passed',
  }),
  'promoter.argoproj.io/TimedCommitStatus': assessGate('TimedCommitStatus', {
    noun: 'timed commit gate',
    work: 'Timed commit gate',
    check: 'Timed commit gate',
    passed: 'satisfied',
  }),
  'promoter.argoproj.io/WebRequestCommitStatus': assessGate('WebRequestCommitStatus', {
    noun: 'web request commit validation',
    work: 'Web request commit validation',
    check: 'Web request validation',
    passed: 'passed',
  }),
};
