import { statusError } from '@tiphys/kube-model';
import { authenticate } from '../auth/authenticate.ts';
import { isAllowed, type Attributes } from '../auth/authorize.ts';
import type { Core, Scope, UserInfo } from '../core.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/discovery.ts';
import { openApiDocument, openApiIndex, openApiV2, OPENAPI_V2_PROTOBUF } from '../discovery/openapi.ts';
import { forbidden, methodNotAllowed, noSuchPath, qualified } from '../failures.ts';
import { chooseRepresentation } from './accept.ts';
import { json, plainText, type Answer } from './answer.ts';
import { parseApiPath, type ApiPath } from './api-path.ts';
import { header, type Exchange } from './exchange.ts';
import { handleResource } from './resource-handler.ts';

const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/** Answers a request. Failures are thrown as StatusError. */
export async function route(core: Core, exchange: Exchange): Promise<Answer> {
  const { path } = exchange;
  const open = OPEN_PATHS.has(path) || /^\/(healthz|livez|readyz)\//.test(path);
  const user = await authenticate(core, exchange.socket, header(exchange, 'authorization'));
  if (open) return health(core, exchange);
  if (user.groups.includes('system:unauthenticated')) throw statusError('Unauthorized', 'Unauthorized');
  const target = parseApiPath(path);
  if (target === undefined || target.resource === '') {
    authorizePath(core, user, exchange);
    return await documents(core, exchange);
  }
  return await resource(core, exchange, user, target);
}

function health(core: Core, { path, query }: Exchange): Answer {
  if (path.startsWith('/version')) return json(versionInfo(core));
  const verbose = query.has('verbose');
  const [, endpoint = '', check] = path.split('/');
  if (check !== undefined && check !== '') return plainText('ok');
  return plainText(verbose ? `[+]ping ok\n[+]store ok\n[+]poststarthook/bootstrap ok\n${endpoint} check passed\n` : 'ok');
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

const DISCOVERY_PATH = /^\/(api|apis|openapi)(\/|$)|^\/$|^\/\.well-known\/|^\/openid\//;

function authorizePath(core: Core, user: UserInfo, exchange: Exchange): void {
  // Discovery is open to everyone who is somebody (system:discovery).
  if (DISCOVERY_PATH.test(exchange.path) && exchange.method === 'GET') return;
  const verb = exchange.method.toLowerCase();
  if (!isAllowed(core, user, { kind: 'path', verb, path: exchange.path }))
    throw statusError('Forbidden', `User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(exchange.path)}`);
}

async function documents(core: Core, exchange: Exchange): Promise<Answer> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw methodNotAllowed();
  const { catalog } = core;
  const [first = '', second = '', third = ''] = exchange.path.split('/').filter((part) => part !== '');
  if (first === 'openapi') return openApi(core, exchange);
  if (exchange.path === '/metrics') return plainText(core.metrics.format());
  if (exchange.path === '/openid/v1/jwks') return json(await core.tokens.keySet());
  if (exchange.path === '/')
    return json({
      paths: [
        '/api',
        '/api/v1',
        '/apis',
        ...catalog
          .groups()
          .filter((group) => group.name !== '')
          .map((group) => `/apis/${group.name}`),
        '/healthz',
        '/livez',
        '/metrics',
        '/openapi/v2',
        '/openapi/v3',
        '/readyz',
        '/version',
      ],
    });
  const found =
    first === 'api' && second === ''
      ? listing(core, exchange, true)
      : first === 'apis' && second === ''
        ? listing(core, exchange, false)
        : first === 'api' && third === ''
          ? apiResourceList(catalog, '', second)
          : first === 'apis' && third === ''
            ? apiGroup(catalog, second)
            : first === 'apis'
              ? apiResourceList(catalog, second, third)
              : undefined;
  if (found === undefined) throw noSuchPath();
  return isAnswer(found) ? found : json(found);
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'code' in value && 'kind' in value;
}

function listing(core: Core, exchange: Exchange, isCore: boolean): Answer {
  const form = chooseRepresentation(header(exchange, 'accept'), ['object', 'discovery']);
  if (form.as !== 'discovery') return json(isCore ? apiVersions(header(exchange, 'host') ?? header(exchange, ':authority') ?? '') : apiGroupList(core.catalog));
  return {
    kind: 'json',
    code: 200,
    value: aggregatedDiscovery(core.catalog, isCore, form.version),
    contentType: `application/json;g=apidiscovery.k8s.io;v=${form.version};as=APIGroupDiscoveryList`,
  };
}

function openApi(core: Core, exchange: Exchange): Answer {
  const { path } = exchange;
  if (path === '/openapi/v2') {
    if (header(exchange, 'accept')?.includes('com.github.proto-openapi') === true)
      return { kind: 'bytes', code: 200, contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf', chunks: [OPENAPI_V2_PROTOBUF] };
    return json(openApiV2(core.catalog));
  }
  if (path === '/openapi/v3' || path === '/openapi/v3/') return json(openApiIndex(core.catalog));
  const match = /^\/openapi\/v3\/(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  const document = match === null ? undefined : openApiDocument(core.catalog, match[2] ?? '', match[1] ?? match[3] ?? '');
  if (document === undefined) throw noSuchPath();
  return json(document);
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
