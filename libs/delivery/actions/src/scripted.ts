import { describeObject, fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { ActionError, type ActionOperation, type ActionParameter, type ResourceAction } from './action.ts';

const MAX_ACTIONS = 100;
const MAX_OPERATIONS = 100;

/** The actions that a user's discovery script found: a table of tables by name. What is no action is left out. */
export function parseDiscovered(value: unknown): readonly ResourceAction[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value)
    .slice(0, MAX_ACTIONS)
    .flatMap(([name, raw]) => (isJsonObject(raw) || Array.isArray(raw) ? [toAction(name, raw)] : []));
}

// An empty table of Lua may come as a list.
function toAction(name: string, raw: unknown): ResourceAction {
  const word = (field: string): string | undefined => {
    const value = fieldAt(raw, field);
    return typeof value === 'string' ? value : undefined;
  };
  const displayName = word('displayName');
  const iconClass = word('iconClass');
  const params = fieldAt(raw, 'params');
  return {
    name,
    disabled: fieldAt(raw, 'disabled') === true,
    ...(displayName === undefined ? {} : { displayName }),
    ...(iconClass === undefined ? {} : { iconClass }),
    ...(Array.isArray(params) ? { params: params.flatMap(toParameter) } : {}),
  };
}

function toParameter(raw: unknown): readonly ActionParameter[] {
  const name = fieldAt(raw, 'name');
  const fallback = fieldAt(raw, 'default');
  if (typeof name !== 'string') return [];
  return [{ name, ...(typeof fallback === 'string' || typeof fallback === 'number' ? { default: String(fallback) } : {}) }];
}

/**
 * What a user's action script wants done: the object it gave back, or a list of `{operation, resource}`. A patch may only
 * be of the object that the action was for, and a new object may not be of another namespace. Throws ActionError `invalidScript`.
 */
export function parseScripted(live: KubeObject, action: string, value: unknown): readonly ActionOperation[] {
  const raw = Array.isArray(value) ? value : [{ operation: 'patch', resource: value }];
  if (raw.length > MAX_OPERATIONS) throw invalid(live, action, `gave more than ${MAX_OPERATIONS} operations`);
  const operations = raw.map((entry) => toOperation(live, action, entry));
  if (operations.filter(({ kind }) => kind === 'patch').length > 1) throw invalid(live, action, 'gave more than one patch of the object');
  return operations;
}

function toOperation(live: KubeObject, action: string, entry: unknown): ActionOperation {
  const kind = fieldAt(entry, 'operation');
  const resource = fieldAt(entry, 'resource');
  if (kind !== 'patch' && kind !== 'create') throw invalid(live, action, `gave the operation ${JSON.stringify(kind)}; patch and create are known`);
  if (!isKubeObject(resource)) throw invalid(live, action, 'gave a resource without apiVersion, kind and metadata');
  if (kind === 'patch' && !isSame(live, resource)) throw invalid(live, action, 'wants to patch another object');
  if (kind === 'create' && (resource.metadata.namespace ?? live.metadata.namespace) !== live.metadata.namespace)
    throw invalid(live, action, 'wants to create an object in another namespace');
  return { kind, object: kind === 'patch' ? withEmptyLists(resource, live) : resource };
}

function isKubeObject(value: unknown): value is KubeObject {
  return isJsonObject(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string' && isJsonObject(value['metadata']);
}

function isSame(live: KubeObject, other: KubeObject): boolean {
  const identity = ({ apiVersion, kind, metadata }: KubeObject): string => JSON.stringify([apiVersion, kind, metadata.namespace ?? '', metadata.name ?? '']);
  return identity(live) === identity(other);
}

function invalid(live: KubeObject, action: string, why: string): ActionError {
  return new ActionError({ code: 'invalidScript', action }, `${describeObject(live)}: the script of action "${action}" ${why}`);
}

/** Lua has one kind of table: an empty one is a list where the live object has a list there. */
function withEmptyLists<T>(value: T, live: unknown): T {
  // The shape stays; only what is empty may change from map to list.
  return restored(value, live) as T;
}

function restored(value: unknown, live: unknown): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 && isJsonObject(live)) return {};
    return value.map((item, index) => restored(item, Array.isArray(live) ? live[index] : undefined));
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value);
  if (entries.length === 0 && Array.isArray(live)) return [];
  return Object.fromEntries(entries.map(([key, item]) => [key, restored(item, fieldAt(live, key))]));
}
