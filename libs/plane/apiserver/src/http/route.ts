import { statusError } from '@tiphys/kube-model';
import { forwardToRemote } from '../aggregation/forward.ts';
import type { RemoteVersion } from '../aggregation/remote-versions.ts';
import { isAllowed, type Attributes } from '../auth/authorize.ts';
import { identify } from '../auth/identify.ts';
import { reasonOf } from '../auth/reason.ts';
import type { Core, Scope, UserInfo } from '../core.ts';
import { forbidden, noSuchPath, qualified } from '../failures.ts';
import { json, type Answer } from './answer.ts';
import type { ApiPath } from './api-path.ts';
import { answerDocument } from './documents.ts';
import { header, type Exchange } from './exchange.ts';
import { answerHealth, isHealthPath } from './health.ts';
import { inTime } from './in-time.ts';
import { requestInfoOf, type RequestInfo } from './request-info.ts';
import { handleResource } from './resource-handler.ts';

const NOBODY: UserInfo = { username: '', groups: [] };

/** Answers a request: who asks, is there room, may they, and what they asked for. Failures are thrown as StatusError. */
export async function route(core: Core, exchange: Exchange): Promise<Answer> {
  const info = requestInfoOf(exchange);
  const { path, socket, signal, warn, trail } = exchange;
  const identity = await identify(core, { socket, authorization: header(exchange, 'authorization'), rawHeaders: exchange.rawHeaders, warn }).catch(
    (error: unknown) => {
      trail.begin(info, { user: NOBODY, realUser: NOBODY });
      throw error;
    },
  );
  trail.begin(info, identity);
  const flow = core.flow.classify({ user: identity.user, path, info });
  for (const [name, value] of Object.entries(flow.headers)) exchange.setHeader(name, value);
  const release = await flow.enter(signal);
  try {
    return await inTime(exchange, info, (timed) => answer(core, timed, identity.user, info));
  } finally {
    release();
  }
}

async function answer(core: Core, exchange: Exchange, user: UserInfo, info: RequestInfo): Promise<Answer> {
  if (info.target !== undefined) return await resource(core, exchange, user, { ...info, target: info.target });
  authorizePath(core, user, exchange);
  const remote = remoteOfPath(core, exchange.path);
  if (remote !== undefined) return await forwardToRemote(core, exchange, user, remote);
  if (isHealthPath(exchange.path)) return answerHealth(core, exchange);
  if (exchange.path === '/version' || exchange.path === '/version/') return json(versionInfo(core));
  return await answerDocument(core, exchange);
}

// The documents of a version another server answers for.
function remoteOfPath({ remotes, catalog }: Core, path: string): RemoteVersion | undefined {
  const match = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)\/?$/.exec(path);
  if (match === null) return undefined;
  const [, group = '', version = ''] = match;
  return catalog.resourcesOf(group, version).length > 0 ? undefined : remotes.find(group, version);
}

function versionInfo(core: Core): unknown {
  const [, major = '1', minor = '33'] = /^v(\d+)\.(\d+)/.exec(core.gitVersion) ?? [];
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Math.max(0, Number(minor) - 1)),
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
  if (decided(core, exchange, user, { kind: 'path', verb: verb === 'head' ? 'get' : verb, path: exchange.path })) return;
  refuseAnonymous(user);
  throw statusError('Forbidden', `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(exchange.path)}`);
}

function decided(core: Core, { trail }: Pick<Exchange, 'trail'>, user: UserInfo, attributes: Attributes): boolean {
  const isGranted = isAllowed(core, user, attributes);
  if (trail.level === 'None') return isGranted;
  trail.annotate('authorization.k8s.io/decision', isGranted ? 'allow' : 'forbid');
  trail.annotate('authorization.k8s.io/reason', isGranted ? reasonOf(core, user, attributes) : '');
  return isGranted;
}

// Who has proved nothing may be somebody: the answer is to say who, not that it is forbidden.
function refuseAnonymous(user: UserInfo): void {
  if (user.groups.includes('system:unauthenticated')) throw statusError('Unauthorized', 'Unauthorized');
}

async function resource(core: Core, exchange: Exchange, user: UserInfo, info: RequestInfo & { readonly target: ApiPath }): Promise<Answer> {
  const { target, verb } = info;
  const served = core.catalog.find(target.group, target.version, target.resource);
  const { group, resource: name, namespace = '', subresource = '' } = target;
  const attributes: Attributes = { kind: 'resource', verb, group, resource: name, subresource, namespace: info.namespace, name: info.name };
  if (!decided(core, exchange, user, attributes)) {
    refuseAnonymous(user);
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
    const what = subresource === '' ? name : `${name}/${subresource}`;
    const text = `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
    throw target.name === undefined
      ? statusError('Forbidden', `${qualified({ group, resource: name })} is forbidden: ${text}`, { kind: name, ...(group === '' ? {} : { group }) })
      : forbidden({ group, resource: name }, target.name, text);
  }
  const remote = served === undefined && core.catalog.resourcesOf(group, target.version).length === 0 ? core.remotes.find(group, target.version) : undefined;
  if (remote !== undefined) return await forwardToRemote(core, exchange, user, remote);
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
