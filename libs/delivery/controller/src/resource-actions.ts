import {
  ActionError,
  discoverActions,
  parseDiscovered,
  parseScripted,
  performAction,
  type ActionOperation,
  type ResourceAction,
} from '@tiphys/delivery-actions';
import { rulesForKind, type CustomActions, type ResourceSettings } from '@tiphys/delivery-applications';
import type { ScriptCall, ScriptEngine } from '@tiphys/delivery-scripts';
import { describeObject, refOf, type KubeObject } from '@tiphys/kube-model';

/** What actions are found and prepared with. */
export interface ActionDeps {
  readonly settings: () => ResourceSettings;
  readonly scripts: Pick<ScriptEngine, 'run'>;
}

/** An action that somebody wants. */
export interface ActionRequest {
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** RFC 3339, to the second. */
  readonly now: string;
}

const AGENT = 'Tiphys';

/** The actions of an object: its built-in ones, or those of the installation's settings with or without them. */
export async function listActions(live: KubeObject, deps: ActionDeps, signal: AbortSignal): Promise<readonly ResourceAction[]> {
  const custom = customFor(live, deps);
  if (custom === undefined) return discoverActions(live);
  const offered =
    custom.discovery.trim() === '' ? [] : parseDiscovered(await evaluate(live, scriptCall(custom, custom.discovery, { obj: live }), deps, signal));
  const names = new Set(offered.map(({ name }) => name));
  return custom.mergeBuiltin ? [...offered, ...discoverActions(live).filter(({ name }) => !names.has(name))] : offered;
}

/** What an action would do. Throws ActionError, also when the action is not offered now. */
export async function prepareAction(
  live: KubeObject,
  { action, parameters, now }: ActionRequest,
  deps: ActionDeps,
  signal: AbortSignal,
): Promise<readonly ActionOperation[]> {
  const offered = (await listActions(live, deps, signal)).find(({ name }) => name === action);
  if (offered === undefined || offered.disabled === true) {
    const why = offered === undefined ? `has no action "${action}"` : `action "${action}" is not possible in its state`;
    throw new ActionError({ code: 'unknownAction', action }, `${describeObject(live)}: ${why}`, { hint: 'list the actions of the object first' });
  }
  const custom = customFor(live, deps);
  const definition = custom?.definitions.find(({ name }) => name === action);
  if (custom === undefined || definition === undefined) return performAction(live, action, { parameters, now, agent: AGENT });
  const globals = { obj: live, actionParams: parameters };
  return parseScripted(live, action, await evaluate(live, scriptCall(custom, definition.script, globals), deps, signal));
}

function customFor(live: KubeObject, { settings }: ActionDeps): CustomActions | undefined {
  const { group, kind } = refOf(live);
  return rulesForKind(settings().actions, group, kind)[0];
}

function scriptCall({ useOpenLibs }: CustomActions, script: string, globals: Readonly<Record<string, unknown>>): ScriptCall {
  return { kind: 'lua', script, globals, useOpenLibs };
}

async function evaluate(live: KubeObject, call: ScriptCall, { scripts }: ActionDeps, signal: AbortSignal): Promise<unknown> {
  const [result] = await scripts.run([call], signal);
  if (result?.kind === 'value') return result.value;
  // A script's own words may quote the object, and a Secret's are not shown.
  const reason = live.kind === 'Secret' ? 'failed' : (result?.message ?? 'gave no result');
  throw new ActionError({ code: 'invalidScript', action: '' }, `${describeObject(live)}: the script of its actions: ${reason}`);
}
