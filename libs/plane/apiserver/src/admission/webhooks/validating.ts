import { mapLimit } from '@tiphys/kernel';
import type { Core } from '../../core.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { askHook } from './ask.ts';
import { hooksFor, type Hook } from './hooks.ts';
import { isDecidable } from './match.ts';

const PARALLEL = 16;

/** Asks the validating webhooks, all at once; the first that refuses decides (admission/plugin/webhook/validating). */
export const validatingWebhooks: AdmissionPlugin = {
  name: 'ValidatingAdmissionWebhook',
  validate(core, request) {
    const hooks = hooksFor(core, 'validating');
    return hooks.length === 0 || !isDecidable(request) ? undefined : askAll(core, hooks, request);
  },
};

async function askAll(core: Core, hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
  const refusals = await mapLimit(hooks, PARALLEL, async (hook) => {
    try {
      await askHook(core, hook, request);
      return undefined;
    } catch (error) {
      return { error };
    }
  });
  const [first] = refusals.filter((refusal) => refusal !== undefined);
  if (first !== undefined) throw first.error;
}
