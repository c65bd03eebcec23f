export { ActionError, type ActionContext, type ActionOperation, type ActionParameter, type ResourceAction } from './action.ts';
export { discoverActions, performAction } from './registry.ts';
export { parseDiscovered, parseScripted } from './scripted.ts';
