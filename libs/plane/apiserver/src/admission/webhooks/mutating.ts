import { deepEqual } from '@tiphys/kube-model';
import { messageOf } from '@tiphys/kernel';
import type { Core } from '../../core.ts';
import { asMap } from '../../draft.ts';
import { applyDefaults, shapeBody } from '../../registry/prepare.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { askHook, failed } from './ask.ts';
import { hooksFor, type Hook } from './hooks.ts';
import { isDecidable } from './match.ts';
import { applyVerdict, replaceDraft } from './review.ts';

/** What the webhooks of one request have done so far (admission/plugin/webhook/mutating/reinvocationcontext.go). */
interface Rounds {
  /** Reinvocable webhooks that were asked, and whose view of the object others have changed since. */
  readonly asked: Set<string>;
  stale: Set<string>;
  isAgain: boolean;
  changed: boolean;
  /** The object as the last webhook left it. */
  output: unknown;
}

const roundsByRequest = new WeakMap<AdmissionRequest, Rounds>();

/** Asks the mutating webhooks one after the other; each sees what those before it changed (admission/plugin/webhook/mutating). */
export const mutatingWebhooks: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',
  mutate(core, request) {
    const hooks = hooksFor(core, 'mutating');
    return hooks.length === 0 || !isDecidable(request) ? undefined : askInTurn(core, hooks, request);
  },
};

/** Whether the plugins have to see the object once more, because a webhook has changed it. True at most once for a request. */
export function needsReinvocation(request: AdmissionRequest): boolean {
  const rounds = roundsByRequest.get(request);
  if (rounds === undefined || rounds.isAgain || !rounds.changed) return false;
  rounds.isAgain = true;
  return true;
}

async function askInTurn(core: Core, hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
  const rounds = roundsByRequest.get(request) ?? { asked: new Set(), stale: new Set(), isAgain: false, changed: false, output: undefined };
  roundsByRequest.set(request, rounds);
  // A built-in plugin has changed what webhooks had seen.
  if (rounds.isAgain && !deepEqual(rounds.output, request.object)) rounds.stale = new Set(rounds.asked);
  for (const hook of hooks) {
    if (rounds.isAgain && !rounds.stale.has(hook.id)) continue;
    const outcome = await ask(core, hook, request);
    if (outcome === 'changed') {
      rounds.changed = true;
      rounds.stale = new Set(rounds.asked);
    }
    if (outcome !== 'notAsked' && hook.reinvokes) rounds.asked.add(hook.id);
  }
  rounds.output = structuredClone(request.object);
}

async function ask(core: Core, hook: Hook, request: AdmissionRequest): Promise<'notAsked' | 'same' | 'changed'> {
  const consent = await askHook(core, hook, request);
  if (consent === undefined) return 'notAsked';
  if (consent.verdict.patch.length === 0 || request.object === undefined) return 'same';
  const before = structuredClone(request.object);
  try {
    applyVerdict(request, consent.version, consent.verdict.patch);
    reshape(request);
  } catch (error) {
    replaceDraft(request.object, before);
    failed(core, hook, request, messageOf(error));
    return 'same';
  }
  return deepEqual(before, request.object) ? 'same' : 'changed';
}

// What a webhook sets is read and completed like what a client sends.
function reshape(request: AdmissionRequest): void {
  const { object, scope } = request;
  if (object === undefined || asMap(object) === undefined || object.kind !== scope.served.kind) return;
  shapeBody(scope, object, { dryRun: false, fieldManager: '', fieldValidation: 'Ignore', force: false, warn: request.warn });
  applyDefaults(scope.served, object);
}
