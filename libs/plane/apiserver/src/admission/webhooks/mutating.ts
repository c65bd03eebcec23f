import { deepEqual } from '@tiphys/kube-model';
import { messageOf } from '@tiphys/kernel';
import type { Core } from '../../core.ts';
import { asMap } from '../../draft.ts';
import { applyDefaults, shapeBody } from '../../registry/prepare.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { isReinvoked, roundsOf, wantReinvocation } from '../reinvocation.ts';
import { askHook, failed } from './ask.ts';
import { hooksFor, type Hook } from './hooks.ts';
import { isDecidable } from './match.ts';
import { applyVerdict, replaceDraft } from './review.ts';

/** Asks the mutating webhooks one after the other; each sees what those before it changed (admission/plugin/webhook/mutating). */
export const mutatingWebhooks: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',
  mutate(core, request) {
    const hooks = hooksFor(core, 'mutating');
    return hooks.length === 0 || !isDecidable(request) ? undefined : askInTurn(core, hooks, request);
  },
};

async function askInTurn(core: Core, hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
  const rounds = roundsOf(request, mutatingWebhooks.name);
  const isAgain = isReinvoked(request);
  // A built-in plugin has changed what webhooks had seen.
  if (isAgain && !deepEqual(rounds.output, request.object)) rounds.stale = new Set(rounds.asked);
  for (const hook of hooks) {
    if (isAgain && !rounds.stale.has(hook.id)) continue;
    const outcome = await ask(core, hook, request);
    if (outcome === 'changed') {
      wantReinvocation(request);
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

/** Reads and completes what a webhook or policy has set like what a client sends. */
export function reshape(request: AdmissionRequest): void {
  const { object, scope } = request;
  if (object === undefined || asMap(object) === undefined || object.kind !== scope.served.kind) return;
  shapeBody(scope, object, { dryRun: false, fieldManager: '', fieldValidation: 'Ignore', force: false, warn: request.warn });
  applyDefaults(scope.served, object);
}
