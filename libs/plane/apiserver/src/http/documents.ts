import { statusError } from '@tiphys/kube-model';
import { ISSUER } from '../auth/tokens.ts';
import type { Core } from '../core.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/discovery.ts';
import { encodeGnostic } from '../discovery/openapi-gnostic.ts';
import { openApiV2 } from '../discovery/openapi-v2.ts';
import { documentHash, openApiIndex, openApiV3, openApiV3Path, versionHash } from '../discovery/openapi-v3.ts';
import { methodNotAllowed, noSuchPath } from '../failures.ts';
import { ALL_ENCODINGS, chooseRepresentation } from './accept.ts';
import { json, plainText, type Answer } from './answer.ts';
import { withETag } from './conditional.ts';
import { header, type Exchange } from './exchange.ts';

/** Answers what is no resource: discovery, OpenAPI, metrics, keys. Throws 404 and 405. */
export async function answerDocument(core: Core, exchange: Exchange): Promise<Answer> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw methodNotAllowed();
  const { catalog } = core;
  const [first = '', second = '', third = '', ...more] = exchange.path.split('/').filter((part) => part !== '');
  if (first === 'openapi') return openApi(core, exchange);
  if (more.length > 0) throw noSuchPath();
  if (exchange.path === '/metrics') return plainText(core.metrics.format());
  if (first === 'openid' && second === 'v1' && third === 'jwks')
    return { kind: 'json', code: 200, value: await core.tokens.keySet(), contentType: 'application/jwk-set+json', headers: FOR_AN_HOUR };
  if (first === '.well-known' && second === 'openid-configuration') return { ...json(issuerConfiguration(exchange)), headers: FOR_AN_HOUR };
  if (exchange.path === '/') return json({ paths: indexPaths(core) });
  if ((first === 'api' || first === 'apis') && second === '') return listing(core, exchange, first === 'api');
  const found =
    first === 'api' && third === ''
      ? apiResourceList(catalog, '', second)
      : first === 'apis' && third === ''
        ? apiGroup(core, second)
        : first === 'apis'
          ? apiResourceList(catalog, second, third)
          : undefined;
  if (found === undefined) throw noSuchPath();
  return json(found);
}

function indexPaths({ catalog }: Core): readonly string[] {
  const groups = catalog.groups().filter((group) => group.name !== '');
  return [
    '/.well-known/openid-configuration',
    '/api',
    '/api/v1',
    '/apis',
    ...groups.flatMap((group) => [`/apis/${group.name}`, ...group.versions.map((version) => `/apis/${group.name}/${version}`)]),
    '/healthz',
    '/livez',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/openid/v1/jwks',
    '/readyz',
    '/version',
  ].toSorted();
}

function listing(core: Core, exchange: Exchange, isCore: boolean): Answer {
  const form = chooseRepresentation(header(exchange, 'accept'), { forms: ['object', 'discovery'], encodings: ALL_ENCODINGS });
  if (form.as !== 'discovery') return json(isCore ? apiVersions(header(exchange, 'host') ?? header(exchange, ':authority') ?? '') : apiGroupList(core));
  const bytes = cached(core, `discovery ${isCore} ${form.version}`, () => Buffer.from(JSON.stringify(aggregatedDiscovery(core, isCore, form.version))));
  return withETag(exchange, { bytes, contentType: `application/json;g=apidiscovery.k8s.io;v=${form.version};as=APIGroupDiscoveryList` }, PUBLIC);
}

const FOR_AN_HOUR = { 'cache-control': 'public, max-age=3600' };

// What others need to check tokens of service accounts (KEP-1393).
function issuerConfiguration(exchange: Exchange): unknown {
  const address = header(exchange, 'host') ?? header(exchange, ':authority') ?? '';
  return {
    issuer: ISSUER,
    jwks_uri: `https://${address}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

const PUBLIC = { 'cache-control': 'public' };
const GNOSTIC = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const YEAR_SECONDS = 31_536_000;

function openApi(core: Core, exchange: Exchange): Answer {
  const { path } = exchange;
  if (path === '/openapi/v2') return openApi2(core, exchange);
  if (path === '/openapi/v3' || path === '/openapi/v3/') {
    const bytes = cached(core, 'openapi v3', () => Buffer.from(JSON.stringify(openApiIndex(core.catalog, core.remotes, core.gitVersion))));
    return withETag(exchange, { bytes, contentType: 'application/json' });
  }
  return openApi3(core, exchange, path.slice('/openapi/v3/'.length).replace(/\/$/, ''));
}

function openApi3(core: Core, exchange: Exchange, name: string): Answer {
  const { catalog, gitVersion } = core;
  const [, group = '', version = ''] = /^(?:api|apis\/([^/]+))\/([^/]+)$/.exec(name) ?? [];
  const isVersion = catalog.resourcesOf(group, version).length > 0;
  const make = (): unknown => (isVersion ? openApiV3(catalog, group, version, gitVersion) : openApiV3Path(catalog, name, gitVersion));
  const hash = isVersion ? versionHash(catalog, group, version, gitVersion) : documentHash(name, gitVersion);
  if (!isVersion && make() === undefined) throw noSuchPath();
  const asked = exchange.query.get('hash') ?? '';
  // What lies under an old name is not what the client wants: it goes to the new one.
  if (asked !== '' && asked !== hash)
    return { kind: 'bytes', code: 301, contentType: 'text/plain', chunks: [], headers: { location: `${exchange.path}?hash=${hash}` } };
  chooseRepresentation(header(exchange, 'accept'), { forms: ['object'], encodings: ['json'] });
  const bytes = cached(core, `openapi v3 ${name} ${hash}`, () => Buffer.from(JSON.stringify(make())));
  const forever = { 'cache-control': 'public, immutable', expires: new Date(core.clock.now() + YEAR_SECONDS * 1_000).toUTCString() };
  return withETag(exchange, { bytes, contentType: 'application/json' }, asked === '' ? {} : forever);
}

function openApi2(core: Core, exchange: Exchange): Answer {
  const accept = header(exchange, 'accept') ?? '';
  const text = (): Buffer => cached(core, 'openapi v2', () => Buffer.from(JSON.stringify(openApiV2(core.catalog, core.gitVersion))));
  if (/application\/com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/.test(accept)) {
    const bytes = cached(core, 'openapi v2 protobuf', () => Buffer.from(encodeGnostic(openApiV2(core.catalog, core.gitVersion))));
    return withETag(exchange, { bytes, contentType: GNOSTIC });
  }
  if (accept !== '' && !/application\/(json|\*)|\*\/\*/.test(accept))
    throw statusError('NotAcceptable', `only the following media types are accepted: application/json, ${GNOSTIC}`);
  return withETag(exchange, { bytes: text(), contentType: 'application/json' });
}

// Documents of the catalog as it is now; all go with its next change.
const documents = new WeakMap<object, { readonly generation: string; readonly byName: Map<string, Buffer> }>();

function cached({ catalog, remotes }: Core, name: string, make: () => Buffer): Buffer {
  let held = documents.get(catalog);
  const generation = `${catalog.generation}/${remotes.generation}`;
  if (held === undefined || held.generation !== generation) held = { generation, byName: new Map() };
  documents.set(catalog, held);
  const bytes = held.byName.get(name) ?? make();
  held.byName.set(name, bytes);
  return bytes;
}
