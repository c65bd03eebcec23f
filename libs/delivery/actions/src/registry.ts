import { describeObject, parseApiVersion, type KubeObject } from '@tiphys/kube-model';
import { ActionError, type ActionContext, type ActionDefinition, type ActionOperation, type ResourceAction } from './action.ts';
import { argoActions } from './kinds/argo.ts';
import { numaflowActions } from './kinds/numaflow.ts';
import { operatorActions } from './kinds/operators.ts';
import { workloadActions } from './kinds/workloads.ts';

const ACTIONS: ReadonlyMap<string, readonly ActionDefinition[]> = new Map(
  [workloadActions, argoActions, operatorActions, numaflowActions].flatMap((table) => Object.entries(table)),
);

function definitionsFor(live: KubeObject): readonly ActionDefinition[] {
  return ACTIONS.get(`${parseApiVersion(live.apiVersion).group}/${live.kind}`) ?? [];
}

/** The built-in actions of an object in the state it is in. */
export function discoverActions(live: KubeObject): readonly ResourceAction[] {
  return definitionsFor(live)
    .filter(({ isOffered }) => isOffered?.(live) ?? true)
    .map(({ name, displayName, iconClass, params, isDisabled }) => ({
      name,
      ...(isDisabled === undefined ? {} : { disabled: isDisabled(live) }),
      ...(displayName === undefined ? {} : { displayName }),
      ...(iconClass === undefined ? {} : { iconClass }),
      ...(params === undefined ? {} : { params: params(live) }),
    }));
}

/** What a built-in action would do; whether it is offered now is the caller's to check. Throws ActionError. */
export function performAction(live: KubeObject, action: string, context: ActionContext): readonly ActionOperation[] {
  const definition = definitionsFor(live).find(({ name }) => name === action);
  if (definition === undefined)
    throw new ActionError({ code: 'unknownAction', action }, `${describeObject(live)}: has no action "${action}"`, {
      hint: 'list the actions of the object first',
    });
  return definition.perform(live, context);
}
