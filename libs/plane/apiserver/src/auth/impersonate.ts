import { statusError } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { badRequest } from '../failures.ts';
import type { Attributes } from './attributes.ts';
import { isAllowed } from './authorize.ts';
import { collectHeaders, unescapeKey } from './identity-headers.ts';

const EXTRA = 'impersonate-extra-';
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** Whom the request is made for: the user of the Impersonate-* headers when there are any. Throws 400, and 403 where the real user may not (apiserver filters/impersonation.go). */
export function impersonate(core: Core, user: UserInfo, rawHeaders: readonly string[]): UserInfo {
  const headers = collectHeaders(rawHeaders, 'impersonate-');
  if (headers.size === 0) return user;
  const name = headers.get('impersonate-user')?.[0] ?? '';
  const uid = headers.get('impersonate-uid')?.[0] ?? '';
  const groups = headers.get('impersonate-group') ?? [];
  const extra = extraOf(headers);
  if (name === '')
    throw badRequest(
      `requested ${[...groups.map((group) => `group ${group}`), ...(uid === '' ? [] : [`uid ${uid}`]), ...Object.keys(extra)].join(', ')} without impersonating a user`,
    );
  checkUser(core, user, name);
  for (const group of groups) check(core, user, { resource: 'groups', name: group });
  for (const [key, values] of Object.entries(extra))
    for (const value of values) check(core, user, { group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value });
  if (uid !== '') check(core, user, { group: 'authentication.k8s.io', resource: 'uids', name: uid });
  return {
    username: name,
    groups: groupsOf(name, groups),
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function checkUser(core: Core, user: UserInfo, name: string): void {
  const [, namespace, account] = ACCOUNT.exec(name) ?? [];
  if (namespace !== undefined && account !== undefined) check(core, user, { resource: 'serviceaccounts', namespace, name: account });
  else check(core, user, { resource: 'users', name });
}

interface Target {
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name: string;
}

function check(core: Core, user: UserInfo, { group = '', resource, subresource = '', namespace = '', name }: Target): void {
  const attributes: Attributes = { kind: 'resource', verb: 'impersonate', group, resource, subresource, namespace, name };
  if (isAllowed(core, user, attributes)) return;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  throw statusError(
    'Forbidden',
    `${group === '' ? resource : `${resource}.${group}`} ${JSON.stringify(name)} is forbidden: User ${JSON.stringify(user.username)} cannot impersonate resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`,
    { name, kind: resource, ...(group === '' ? {} : { group }) },
  );
}

// Groups that nobody has to ask for: an account's own, and that of everybody who is somebody.
function groupsOf(name: string, asked: readonly string[]): readonly string[] {
  const [, namespace] = ACCOUNT.exec(name) ?? [];
  const own = asked.length > 0 || namespace === undefined ? asked : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  if (own.includes('system:authenticated') || own.includes('system:unauthenticated')) return own;
  return [...own, name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated'];
}

function extraOf(headers: ReadonlyMap<string, readonly string[]>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...headers]
      .filter(([name]) => name.startsWith(EXTRA) && name.length > EXTRA.length)
      .map(([name, values]) => [unescapeKey(name.slice(EXTRA.length)), values]),
  );
}
