import type { AdmissionRequest } from './chain.ts';

/** Whether the mutating plugins see a request's object once more (apiserver pkg/admission/reinvocation.go). */
interface Reinvocation {
  isAgain: boolean;
  wanted: boolean;
}

/** What the policies, or the webhooks, of one request have done so far. */
export interface Rounds {
  /** Those that want to see the object again and were asked. */
  readonly asked: Set<string>;
  /** Those of them whose view of the object others have changed since. */
  stale: Set<string>;
  /** The object as the last of them left it. */
  output: unknown;
}

const reinvocations = new WeakMap<AdmissionRequest, Reinvocation>();
const rounds = new WeakMap<AdmissionRequest, Map<string, Rounds>>();

function reinvocationOf(request: AdmissionRequest): Reinvocation {
  const known = reinvocations.get(request) ?? { isAgain: false, wanted: false };
  reinvocations.set(request, known);
  return known;
}

/** Whether the plugins run for the second time. */
export function isReinvoked(request: AdmissionRequest): boolean {
  return reinvocations.get(request)?.isAgain === true;
}

/** Lets the plugins run once more: the object has been changed. */
export function wantReinvocation(request: AdmissionRequest): void {
  reinvocationOf(request).wanted = true;
}

/** Whether the plugins have to run once more. True at most once for a request. */
export function needsReinvocation(request: AdmissionRequest): boolean {
  const known = reinvocations.get(request);
  if (known === undefined || known.isAgain || !known.wanted) return false;
  known.isAgain = true;
  return true;
}

/** The rounds of one plugin over a request. */
export function roundsOf(request: AdmissionRequest, plugin: string): Rounds {
  const byPlugin = rounds.get(request) ?? new Map<string, Rounds>();
  rounds.set(request, byPlugin);
  const known = byPlugin.get(plugin) ?? { asked: new Set(), stale: new Set(), output: undefined };
  byPlugin.set(plugin, known);
  return known;
}
