import { statusError } from '@tiphys/kube-model';
import { isAllowed, type Attributes } from '../auth/authorize.ts';
import { identify } from '../auth/identify.ts';
import type { Core, Scope, UserInfo } from '../core.ts';
import { forbidden, methodNotAllowed, noSuchPath, qualified } from '../failures.ts';
import { json, type Answer } from './answer.ts';
import { parseApiPath, type ApiPath } from './api-path.ts';
import { answerDocument } from './documents.ts';
import { header, type Exchange } from './exchange.ts';
import { answerHealth, isHealthPath } from './health.ts';
import { handleResource } from './resource-handler.ts';

/** Answers a request. Failures are thrown as StatusError. */
export async function route(core: Core, exchange: Exchange): Promise<Answer> {
  const { path, socket, signal, warn } = exchange;
  const { user } = await identify(core, { socket, authorization: header(exchange, 'authorization'), signal, warn }, exchange.rawHeaders);
  const target = parseApiPath(path);
  if (target !== undefined && target.resource !== '') return await resource(core, exchange, user, target);
  authorizePath(core, user, exchange);
  if (isHealthPath(path)) return answerHealth(core, exchange);
  if (path === '/version' || path === '/version/') return json(versionInfo(core));
  return await answerDocument(core, exchange);
}

function versionInfo(core: Core): unknown {
  const [, major = '1', minor = '33'] = /^v(\d+)\.(\d+)/.exec(core.gitVersion) ?? [];
  return {
    major,
    minor,
    gitVersion: core.gitVersion,
    gitCommit: '0000000000000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2025-06-17T00:00:00Z',
    goVersion: `node${process.versions.node}`,
    compiler: 'tiphys',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

function authorizePath(core: Core, user: UserInfo, exchange: Exchange): void {
  const verb = exchange.method.toLowerCase();
  if (isAllowed(core, user, { kind: 'path', verb: verb === 'head' ? 'get' : verb, path: exchange.path })) return;
  refuseAnonymous(user);
  throw statusError('Forbidden', `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(exchange.path)}`);
}

// Who has proved nothing may be somebody: the answer is to say who, not that it is forbidden.
function refuseAnonymous(user: UserInfo): void {
  if (user.groups.includes('system:unauthenticated')) throw statusError('Unauthorized', 'Unauthorized');
}

async function resource(core: Core, exchange: Exchange, user: UserInfo, target: ApiPath): Promise<Answer> {
  const served = core.catalog.find(target.group, target.version, target.resource);
  const verb = verbOf(exchange, target);
  const { group, resource: name, namespace = '', subresource = '' } = target;
  const isNamespaceObject = group === '' && name === 'namespaces';
  const attributes: Attributes = {
    kind: 'resource',
    verb,
    group,
    resource: name,
    subresource,
    namespace: isNamespaceObject ? (target.name ?? '') : namespace,
    name: target.name ?? '',
  };
  if (!isAllowed(core, user, attributes)) {
    refuseAnonymous(user);
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
    const what = subresource === '' ? name : `${name}/${subresource}`;
    const text = `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
    throw target.name === undefined
      ? statusError('Forbidden', `${qualified({ group, resource: name })} is forbidden: ${text}`, { kind: name, ...(group === '' ? {} : { group }) })
      : forbidden({ group, resource: name }, target.name, text);
  }
  if (served === undefined) throw noSuchPath();
  if (!served.namespaced && target.namespace !== undefined) throw noSuchPath();
  const deprecation = served.deprecation ?? served.custom?.deprecationWarning;
  if (deprecation !== undefined) exchange.warn(deprecation);
  const scope: Scope = {
    served,
    namespace: target.namespace,
    name: target.name ?? '',
    subresource: target.subresource,
    user,
    userAgent: header(exchange, 'user-agent') ?? '',
  };
  return await handleResource(core, exchange, scope, verb, target.rest);
}

/** The verb RBAC and the registry know a request by. */
function verbOf({ method, query }: Pick<Exchange, 'method' | 'query'>, target: Pick<ApiPath, 'name' | 'subresource'>): string {
  const isWatch = query.get('watch') === 'true' || query.get('watch') === '1';
  switch (method) {
    case 'GET':
    case 'HEAD':
      return target.name === undefined ? (isWatch ? 'watch' : 'list') : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name === undefined ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}
