import { messageOf } from '@tiphys/kernel';
import { statusError } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import { badRequest, forbidden } from '../../failures.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';
import { callHook, WebhookCallError } from './call.ts';
import type { Hook } from './hooks.ts';
import { evaluateMatchConditions } from './match-conditions.ts';
import { matchHook } from './match.ts';
import { denialOf, type Verdict } from './review.ts';

/** A webhook's consent and the version it saw the object in. */
export interface Consent {
  readonly version: ServedResource;
  readonly verdict: Verdict;
}

/**
 * Asks a webhook when it wants to know of the request. Undefined when it does not, or when it failed and failing is to be
 * ignored. Throws what the webhook refuses with, 400 for a dry run it has no way to take part in, and 500 when it cannot be asked.
 */
export async function askHook(core: Core, hook: Hook, request: AdmissionRequest): Promise<Consent | undefined> {
  const version = matchHook(core, hook, request);
  if (version === undefined || !conditionsHold(core, hook, request, version)) return undefined;
  const { name, sideEffects } = hook.webhook;
  if (request.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') throw badRequest(`admission webhook "${name}" does not support dry run`);
  let verdict: Verdict;
  try {
    verdict = await callHook(core, hook, request, version);
  } catch (error) {
    if (!(error instanceof WebhookCallError)) throw error;
    return failed(core, hook, request, messageOf(error));
  }
  for (const warning of verdict.warnings) request.warn(warning);
  for (const [key, value] of Object.entries(verdict.annotations)) request.annotate(`${name}/${key}`, value);
  if (!verdict.allowed) throw denialOf(name, verdict.status);
  return { version, verdict };
}

function conditionsHold(core: Core, hook: Hook, request: AdmissionRequest, version: ServedResource): boolean {
  const conditions = evaluateMatchConditions(core, hook, request, version);
  if (conditions.kind !== 'failed') return conditions.kind === 'match';
  if (hook.webhook.failurePolicy !== 'Ignore') throw forbidden(request.scope.served, request.object?.metadata.name ?? request.scope.name, conditions.reason);
  core.logger.info({ webhook: hook.webhook.name, configuration: hook.configuration, reason: conditions.reason }, 'webhook is not asked');
  return false;
}

/** What follows of a webhook that gave no usable answer. */
export function failed(core: Core, { webhook, configuration }: Hook, request: AdmissionRequest, reason: string): undefined {
  if (webhook.failurePolicy !== 'Ignore') throw statusError('InternalError', `Internal error occurred: failed calling webhook "${webhook.name}": ${reason}`);
  request.annotate(`failed-open.validation.webhook.admission.k8s.io/${webhook.name}`, configuration);
  core.logger.info({ webhook: webhook.name, configuration, reason }, 'webhook failed and its failure is ignored');
  return undefined;
}
