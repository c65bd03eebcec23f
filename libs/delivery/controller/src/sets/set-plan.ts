import { parseApplication, type Application } from '@tiphys/delivery-applications';
import {
  generate,
  isPlainPath,
  isRolling,
  renderApplication,
  repeatedNames,
  type ApplicationSet,
  type GeneratorWorld,
  type WantedApplication,
} from '@tiphys/delivery-applicationsets';
import { messageOf } from '@tiphys/kernel';

/** What a set wants, and what is wrong with it. */
export interface SetPlan {
  readonly wanted: readonly WantedApplication[];
  /** Names that are wanted but not fit to be written. */
  readonly unfit: ReadonlySet<string>;
  /** Sentences, each naming the Application. */
  readonly problems: readonly string[];
}

/** Works out what a set wants. Throws GenerateError or SourceError where that cannot be known; Applications that are not fit are told. */
export async function planSet(set: ApplicationSet, world: GeneratorWorld, check: (application: Application) => void, signal: AbortSignal): Promise<SetPlan> {
  const rendered = (await generate(set, world, signal)).map((generated) => renderApplication(set, generated));
  const wanted = isRolling(set) ? rendered.map(withoutAutomation) : rendered;
  const unfit = new Set<string>();
  const problems: string[] = [];
  const refuse = (name: string, why: string): void => {
    unfit.add(name);
    problems.push(`application ${name}: ${why}`);
  };
  for (const name of repeatedNames(wanted)) refuse(name, 'is generated more than once; names must differ');
  for (const application of wanted) {
    const name = application.metadata.name ?? '';
    if (unfit.has(name)) continue;
    const parsed = parseApplication(application);
    if (parsed.kind === 'invalid') refuse(name, parsed.problems.join('; '));
    else refuseIfChecked(parsed.value, check, refuse);
  }
  for (const path of (set.spec.ignoreApplicationDifferences ?? []).flatMap(({ jqPathExpressions = [] }) => jqPathExpressions)) {
    if (!isPlainPath(path)) problems.push(`ignoreApplicationDifferences: ${path} is more than a path of names; use jsonPointers`);
  }
  return { wanted, unfit, problems };
}

function refuseIfChecked(application: Application, check: (application: Application) => void, refuse: (name: string, why: string) => void): void {
  try {
    check(application);
  } catch (error) {
    refuse(application.metadata.name ?? '', messageOf(error));
  }
}

// The set itself decides when its Applications sync.
function withoutAutomation(application: WantedApplication): WantedApplication {
  const { automated: _, ...syncPolicy } = application.spec.syncPolicy ?? {};
  return { ...application, spec: { ...application.spec, syncPolicy } };
}
