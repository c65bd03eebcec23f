import { toTimestamp } from '@tiphys/kernel';
import { isStatus, type flowcontrolv1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import { changeObject } from '../verbs/update.ts';

const GROUP = '/flowcontrol.apiserver.k8s.io/';
const FLAGS: WriteFlags = {
  dryRun: false,
  fieldManager: 'api-priority-and-fairness-config-consumer-v1',
  fieldValidation: 'Ignore',
  force: false,
  warn: () => undefined,
};
const USER = { username: 'system:apiserver', groups: ['system:masters'] };

/** Says in the status of every flow schema whether its priority level exists, until the signal aborts. */
export async function tellDangling(core: Core, signal: AbortSignal): Promise<void> {
  await settleDangling(core);
  for await (const { events } of core.store.watch({ prefix: GROUP, afterRevision: core.store.revision, signal }))
    if (events.length > 0) await settleDangling(core);
}

/** Writes the conditions that are not as they should be. */
export async function settleDangling(core: Core): Promise<void> {
  const served = core.catalog.find('flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas');
  if (served === undefined) return;
  for (const entry of core.store.list({ prefix: `${GROUP}flowschemas/` }).entries) {
    const schema = draftAs<flowcontrolv1.FlowSchema>(parseStored(entry.value));
    const condition = conditionOf(core, schema as flowcontrolv1.FlowSchema); // Read only.
    if (condition === undefined) continue;
    const scope: Scope = { served, namespace: undefined, name: schema.metadata.name ?? '', subresource: 'status', user: USER, userAgent: FLAGS.fieldManager };
    try {
      await changeObject(
        core,
        scope,
        (live) => {
          const { conditions = [] } = draftAs<flowcontrolv1.FlowSchema>(live).status ?? {};
          live.status = { conditions: [...conditions.filter(({ type }) => type !== 'Dangling'), condition] };
          return live;
        },
        FLAGS,
      );
    } catch (error) {
      // Deleted in the meantime.
      if (!isStatus(error, 'NotFound')) throw error;
    }
  }
}

function conditionOf(core: Core, schema: flowcontrolv1.FlowSchema): flowcontrolv1.FlowSchemaCondition | undefined {
  const level = schema.spec?.priorityLevelConfiguration.name ?? '';
  const isFound = core.store.get(`${GROUP}prioritylevelconfigurations/${level}`) !== undefined;
  const status = isFound ? 'False' : 'True';
  if (schema.status?.conditions?.find(({ type }) => type === 'Dangling')?.status === status) return undefined;
  return {
    type: 'Dangling',
    status,
    reason: isFound ? 'Found' : 'NotFound',
    message: isFound
      ? `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} and it exists`
      : `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} but there is no such object`,
    lastTransitionTime: toTimestamp(core.clock.now()),
  };
}
