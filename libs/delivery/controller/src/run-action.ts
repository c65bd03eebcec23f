import type { ResourceAction } from '@tiphys/delivery-actions';
import type { Application } from '@tiphys/delivery-applications';
import { performOperations } from '@tiphys/delivery-sync';
import { toTimestamp, type Clock, type Logger } from '@tiphys/kernel';
import { describeRef, isStatus, refKey, statusError, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';
import { checkResourceOf } from './check-resource.ts';
import type { ResourceActionRequest } from './controller-types.ts';
import { DeliveryError } from './delivery-error.ts';
import { resolveTarget, type GatherDeps, type Target } from './gather.ts';
import { writerFor } from './projects.ts';
import { listActions, prepareAction } from './resource-actions.ts';
import type { ResourceRules } from './resource-rules.ts';
import type { ResourceNode } from './resource-tree.ts';

/** The field manager of what people do with resource actions. */
const ACTION_MANAGER = 'tiphys-action';
const MAX_ATTEMPTS = 5;

/** What people do with live objects of applications besides deploying them. */
export interface ResourceActions {
  /** What can be done with an object of an application. Throws DeliveryError `notFound` for any other object. */
  list(application: string, ref: ObjectRef, signal: AbortSignal): Promise<readonly ResourceAction[]>;
  /** Does it. Throws DeliveryError, ActionError or StatusError. */
  run(application: string, request: ResourceActionRequest, signal: AbortSignal): Promise<void>;
}

/** Where actions of an application are done. */
export interface ActionTarget extends Target {
  /** What writes for the application. Throws DeliveryError. */
  readonly writer: () => KubeClient;
}

/** The target of an application. Throws DeliveryError. */
export function actionTarget(application: Application, deps: GatherDeps): ActionTarget {
  const target = resolveTarget(application, deps);
  return { ...target, writer: () => writerFor(application, target.project, target.cluster, deps) };
}

/** What actions need of the controller. */
export interface ResourceActionsDeps {
  readonly rules: ResourceRules;
  /** Where an application goes, and what it may do there. Throws DeliveryError. */
  readonly target: (application: string) => ActionTarget;
  /** The objects of an application and what they own. */
  readonly tree: (application: string, signal: AbortSignal) => Promise<readonly ResourceNode[]>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes the actions. */
export function createResourceActions(deps: ResourceActionsDeps): ResourceActions {
  const { rules, target, clock, logger } = deps;
  return {
    list: async (application, ref, signal) => listActions(await liveOf(application, ref, deps, signal), rules, signal),
    run: async (application, request, signal) => {
      const { cluster, project, writer } = target(application);
      const check = checkResourceOf({ project, cluster });
      const client = writer();
      for (let attempt = 1; ; attempt += 1) {
        const live = await liveOf(application, request.ref, deps, signal);
        const wanted = { action: request.action, parameters: request.parameters ?? {}, now: toTimestamp(clock.now()) };
        const operations = await prepareAction(live, wanted, rules, signal);
        try {
          await performOperations(live, operations, { client, kinds: cluster.kinds, manager: ACTION_MANAGER, check }, signal);
          break;
        } catch (error) {
          // Controllers write to the same object: the action is thought over again with what is there now.
          if (!isStatus(error, 'Conflict') || attempt === MAX_ATTEMPTS) throw error;
        }
      }
      logger.info({ application, resource: describeRef(request.ref), action: request.action, actor: request.actor }, 'resource action performed');
    },
  };
}

// Read from the API: what the action changes must be what is there now. Whoever is not of the application is not found.
async function liveOf(application: string, ref: ObjectRef, { target, tree }: ResourceActionsDeps, signal: AbortSignal): Promise<KubeObject> {
  const { cluster } = target(application);
  const node = (await tree(application, signal)).find((candidate) => refKey(candidate.ref) === refKey(ref));
  const notFound = (): DeliveryError => new DeliveryError({ code: 'notFound' }, `application ${application}: has no resource ${describeRef(ref)}`);
  if (node === undefined) throw notFound();
  const { group, version, kind } = node.ref;
  const type = await cluster.kinds.find(group === '' ? version : `${group}/${version}`, kind, signal);
  if (type === undefined) throw statusError('NotFound', `${describeRef(ref)}: its kind is not served`);
  const live = await cluster.client.get(type, node.ref, { signal });
  if (live.metadata.uid !== node.uid) throw notFound();
  return live;
}
