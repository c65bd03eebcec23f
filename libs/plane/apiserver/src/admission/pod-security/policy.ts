import { problem, type FieldProblem } from '../../failures.ts';

/** How much a pod may do, from everything to nearly nothing. */
export type Level = 'privileged' | 'baseline' | 'restricted';

/** A level as of one minor version of Kubernetes. */
export interface LevelVersion {
  readonly level: Level;
  /** Minor version; Infinity stands for `latest`. */
  readonly minor: number;
}

/** What a namespace asks of its pods (pod-security-admission api/helpers.go). */
export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

const PREFIX = 'pod-security.kubernetes.io/';
const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const PRIVILEGED: LevelVersion = { level: 'privileged', minor: Infinity };

/** `baseline:latest`. */
export function formatLevel({ level, minor }: LevelVersion): string {
  return `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`;
}

/** Whether `a` forbids more than `b`. */
export function isStricter(a: Level, b: Level): boolean {
  return LEVELS.indexOf(a) > LEVELS.indexOf(b);
}

/** The policy of a namespace's labels. Labels that cannot be read enforce the most and audit and warn of nothing. */
export function policyOf(labels: Readonly<Record<string, string>> | undefined): { readonly policy: Policy; readonly problems: readonly FieldProblem[] } {
  const problems: FieldProblem[] = [];
  const read = (mode: string, otherwise: Level): LevelVersion => ({
    level: readLevel(labels?.[`${PREFIX}${mode}`], `${PREFIX}${mode}`, otherwise, problems),
    minor: readMinor(labels?.[`${PREFIX}${mode}-version`], `${PREFIX}${mode}-version`, problems),
  });
  if (labels === undefined) return { policy: { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED }, problems };
  const enforce = read('enforce', 'restricted');
  const audit = read('audit', 'privileged');
  const warn = read('warn', 'privileged');
  const isEnforced = LEVELS.some((level) => level === labels[`${PREFIX}enforce`]);
  // Who only enforces is warned of the same, about workloads too.
  if (labels[`${PREFIX}warn`] === undefined && isEnforced && isStricter(enforce.level, warn.level)) {
    const minor = labels[`${PREFIX}warn-version`] === undefined ? enforce.minor : warn.minor;
    return { policy: { enforce, audit, warn: { level: enforce.level, minor } }, problems };
  }
  return { policy: { enforce, audit, warn }, problems };
}

function readLevel(text: string | undefined, label: string, otherwise: Level, problems: FieldProblem[]): Level {
  if (text === undefined) return 'privileged';
  const known = LEVELS.find((level) => level === text);
  if (known === undefined) problems.push(problem.invalid(`metadata.labels[${label}]`, text, `must be one of ${LEVELS.join(', ')}`));
  return known ?? otherwise;
}

function readMinor(text: string | undefined, label: string, problems: FieldProblem[]): number {
  if (text === undefined || text === 'latest') return Infinity;
  const [, minor] = /^v1\.(\d|[1-9]\d+)$/.exec(text) ?? [];
  if (minor === undefined) problems.push(problem.invalid(`metadata.labels[${label}]`, text, 'must be "latest" or "v1.x"'));
  return minor === undefined ? Infinity : Number(minor);
}
