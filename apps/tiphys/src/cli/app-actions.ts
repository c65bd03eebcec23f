import type { ResourceActionsAnswer } from '@tiphys/delivery-api';
import { applicationCall } from './application-name.ts';
import { CliError } from './cli-error.ts';
import { formatList, printable, type Column } from './output.ts';
import type { ClientSession } from './session.ts';

/** Which resource of an application is meant. */
export interface ActionTarget {
  readonly kind: string;
  readonly resourceName: string;
  readonly group?: string;
  readonly namespace?: string;
}

const ACTIONS = '/resource/actions';

type Action = ResourceActionsAnswer['actions'][number];

const columns: readonly Column<Action>[] = [
  { title: 'ACTION', cell: ({ name }) => name },
  { title: 'POSSIBLE', cell: ({ disabled }) => (disabled === true ? 'no' : 'yes') },
  {
    title: 'PARAMETERS',
    cell: ({ params = [] }) => params.map(({ name, default: fallback }) => (fallback === undefined ? name : `${name}=${fallback}`)).join(','),
  },
  { title: 'TITLE', wide: true, cell: ({ displayName }) => displayName ?? '' },
];

/** `app actions list`. */
export async function listResourceActions({ api, host, format }: ClientSession, name: string, target: ActionTarget): Promise<void> {
  const { kind, resourceName, group, namespace } = target;
  const { actions } = await api.call<ResourceActionsAnswer>(applicationCall(name, ACTIONS, { kind, resourceName, group, namespace }));
  host.stdout(formatList(actions, columns, format, (action) => `action/${action.name}`));
}

/** `app actions run`. */
export async function runResourceAction(
  { api, host }: ClientSession,
  name: string,
  { kind, resourceName, group, namespace, action, parameters }: ActionTarget & { readonly action: string; readonly parameters: readonly string[] },
): Promise<void> {
  const resourceActionParameters = parameters.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new CliError({ code: 'usage' }, `--param ${text}: must be name=value`);
    return { name: text.slice(0, at), value: text.slice(at + 1) };
  });
  await api.call({
    method: 'POST',
    ...applicationCall(name, `${ACTIONS}/v2`),
    body: { kind, resourceName, group, namespace, action, resourceActionParameters },
  });
  host.stdout(`${printable(`${kind}/${resourceName}`)}: ${printable(action)} done\n`);
}
