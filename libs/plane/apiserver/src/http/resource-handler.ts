import { coerceObject } from '../registry/coerce.ts';
import { hasKubeProtobuf, schemaNames, schemaByName, statusError } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { asMap, asText, type Draft, type JsonMap } from '../draft.ts';
import { badRequest, methodNotAllowed, noSuchPath } from '../failures.ts';
import { mustGetEntry, readable, readAs } from '../registry/objects.ts';
import { returnsDeletedObject } from '../registry/served.ts';
import { writeScale, getScale } from '../subresources/scale.ts';
import { evictPod } from '../subresources/eviction.ts';
import { bindPod } from '../subresources/pods.ts';
import { proxy } from '../subresources/proxy.ts';
import { readLog } from '../subresources/logs.ts';
import { answerReview, requestToken } from '../subresources/reviews.ts';
import { createObject } from '../verbs/create.ts';
import { deletedStatus, deleteObject, type DeleteRequest } from '../verbs/delete.ts';
import { listObjects } from '../verbs/list.ts';
import { pastRevision } from '../verbs/past.ts';
import { patchObject, type PatchBody } from '../verbs/patch.ts';
import { changeObject, updateObject } from '../verbs/update.ts';
import { watchObjects } from '../verbs/watch.ts';
import { applyMergePatch, applyJsonPatch } from '@tiphys/kube-patch';
import { ALL_ENCODINGS, chooseRepresentation, TEXT_ENCODINGS } from './accept.ts';
import { json, type Answer } from './answer.ts';
import { bodyAsDraft, decodeBody, readBody } from './body.ts';
import { isPretty } from './encode.ts';
import { parseListQuery, parseWriteFlags } from './query.ts';
import { includeObjectOf, showList, showObject, showStored, showWatch, type View } from './represent.ts';
import { header, type Exchange } from './exchange.ts';

/** Answers a request for a resource; who asks has been allowed to. */
export async function handleResource(core: Core, exchange: Exchange, scope: Scope, verb: string, rest: string): Promise<Answer> {
  const { served, subresource } = scope;
  if (served.namespaced && scope.namespace === undefined && verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection' && !isQuestion(scope))
    throw noSuchPath();
  if (subresource !== undefined && subresource !== 'status') return await handleSubresource(core, exchange, scope, verb, rest);
  if (subresource === 'status' && !served.subresources.some((sub) => sub.name === 'status')) throw noSuchPath();
  if (!served.verbs.includes(verb)) throw methodNotAllowed();
  switch (verb) {
    case 'get':
      return await get(core, exchange, scope);
    case 'list':
    case 'watch':
      return await collection(core, exchange, scope, verb);
    case 'create':
      return await create(core, exchange, scope);
    case 'update':
      return await update(core, exchange, scope);
    case 'patch':
      return await patch(core, exchange, scope);
    case 'delete':
      return await remove(core, exchange, scope);
    case 'deletecollection':
      return await removeCollection(core, exchange, scope);
    default:
      throw methodNotAllowed();
  }
}

function isQuestion(scope: Scope): boolean {
  return !scope.served.verbs.includes('get');
}

function viewOf(core: Core, exchange: Exchange, scope: Scope): View {
  return {
    core,
    scope,
    form: chooseRepresentation(header(exchange, 'accept'), {
      // A question is no object that a table could be made of.
      forms: isQuestion(scope) ? ['object'] : ['object', 'table', 'metadata'],
      encodings: hasKubeProtobuf(scope.served.apiVersion, scope.served.kind) ? ALL_ENCODINGS : TEXT_ENCODINGS,
    }),
    includeObject: includeObjectOf(exchange.query),
    isPretty: isPretty(exchange.query, header(exchange, 'user-agent')),
  };
}

async function get(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const view = viewOf(core, exchange, scope);
  const at = exchange.query.get('at') ?? '';
  const { value } = mustGetEntry(core, scope, scope.name, at === '' ? undefined : pastRevision(core, at));
  await readable(core, scope.served, [value]);
  return showStored(view, value);
}

async function collection(core: Core, exchange: Exchange, scope: Scope, verb: string): Promise<Answer> {
  const asked = parseListQuery(exchange.query, verb === 'watch');
  // A watch of one object by its path is a watch of those with its name.
  const query =
    scope.name === '' ? asked : { ...asked, fieldSelector: [asked.fieldSelector, `metadata.name=${scope.name}`].filter((text) => text !== '').join(',') };
  const view = viewOf(core, exchange, scope);
  return query.watch ? showWatch(view, watchObjects(core, scope, query, exchange.signal)) : showList(view, await listObjects(core, scope, query));
}

function flagsOf(exchange: Exchange, scope: Scope): WriteFlags {
  const flags = parseWriteFlags(exchange.query, scope.userAgent, exchange.warn, header(exchange, 'content-type')?.includes('apply-patch') === true);
  return { ...flags, annotate: exchange.trail.annotate.bind(exchange.trail) };
}

interface DraftBody {
  readonly draft: Draft;
  readonly duplicates: readonly string[];
}

async function draftOf(exchange: Exchange, apiVersion: string, kind: string): Promise<DraftBody> {
  const { value, duplicates } = decodeBody(await readBody(exchange.body), header(exchange, 'content-type'));
  return { draft: bodyAsDraft(value, apiVersion, kind), duplicates };
}

async function create(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const view = viewOf(core, exchange, scope);
  const { draft, duplicates } = await draftOf(exchange, scope.served.apiVersion, scope.served.kind);
  if (isQuestion(scope)) {
    if (scope.served.resource === 'bindings')
      return json(await bindPod(core, { ...podScope(core, scope), name: draft.metadata.name ?? '' }, draft, flagsOf(exchange, scope)), 201);
    const answer = await answerReview(core, scope, draft);
    if (answer === undefined) throw methodNotAllowed();
    return json(answer, 201);
  }
  return showObject(view, await createObject(core, scope, draft, flagsOf(exchange, scope), duplicates), 201);
}

function podScope(core: Core, scope: Scope): Scope {
  const served = core.catalog.find('', 'v1', 'pods');
  if (served === undefined) throw noSuchPath();
  return { ...scope, served };
}

async function update(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const view = viewOf(core, exchange, scope);
  const { draft, duplicates } = await draftOf(exchange, scope.served.apiVersion, scope.served.kind);
  const { object, created } = await updateObject(core, scope, draft, flagsOf(exchange, scope), duplicates);
  return showObject(view, object, created ? 201 : 200);
}

async function patchBody(exchange: Exchange): Promise<PatchBody> {
  const contentType = header(exchange, 'content-type')?.split(';')[0]?.trim() ?? '';
  const { value, duplicates } = decodeBody(await readBody(exchange.body), contentType);
  return { contentType, value, duplicates };
}

async function patch(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const view = viewOf(core, exchange, scope);
  const flags = flagsOf(exchange, scope);
  const { object, created } = await patchObject(core, scope, await patchBody(exchange), flags);
  return showObject(view, object, created ? 201 : 200);
}

async function deleteRequestOf(exchange: Exchange): Promise<DeleteRequest> {
  const bytes = await readBody(exchange.body);
  const body = bytes.length === 0 ? {} : (asMap(decodeBody(bytes, header(exchange, 'content-type')).value) ?? {});
  return toDeleteRequest(body, exchange);
}

function toDeleteRequest(body: JsonMap, { query, warn, trail }: Pick<Exchange, 'query' | 'warn' | 'trail'>): DeleteRequest {
  const preconditions = asMap(body['preconditions']);
  const [uid, resourceVersion] = [asText(preconditions?.['uid']), asText(preconditions?.['resourceVersion'])];
  const grace = body['gracePeriodSeconds'] ?? (query.get('gracePeriodSeconds') === null ? undefined : Number(query.get('gracePeriodSeconds')));
  const orphan = body['orphanDependents'];
  const policy =
    asText(body['propagationPolicy']) ?? query.get('propagationPolicy') ?? (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined);
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy))
    throw statusError(
      'Invalid',
      `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`,
    );
  const dryRun = Array.isArray(body['dryRun']) ? body['dryRun'].length > 0 : query.getAll('dryRun').includes('All');
  return {
    dryRun,
    notes: { warn, annotate: trail.annotate.bind(trail) },
    propagationPolicy: policy,
    gracePeriodSeconds: typeof grace === 'number' && Number.isFinite(grace) ? grace : undefined,
    preconditions:
      preconditions === undefined ? undefined : { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  };
}

async function remove(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const view = viewOf(core, exchange, scope);
  const deletion = await deleteObject(core, scope, await deleteRequestOf(exchange));
  if (deletion.kind === 'waiting' || returnsDeletedObject(scope.served)) return showObject(view, deletion.object);
  return json(deletedStatus(scope, deletion.object));
}

async function removeCollection(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const query = parseListQuery(exchange.query);
  const request = await deleteRequestOf(exchange);
  const page = await listObjects(core, scope, query);
  const items: Draft[] = [];
  for (const entry of page.entries) {
    const object = readAs(scope.served, entry.value);
    try {
      items.push((await deleteObject(core, { ...scope, name: object.metadata.name ?? '', namespace: object.metadata.namespace }, request)).object);
    } catch (error) {
      // Gone already: somebody else deleted it.
      if (!(error instanceof Error && 'code' in error && error.code === 'NotFound')) throw error;
    }
  }
  return json({ kind: scope.served.listKind, apiVersion: scope.served.apiVersion, metadata: { resourceVersion: String(core.store.revision) }, items });
}

async function handleSubresource(core: Core, exchange: Exchange, scope: Scope, verb: string, rest: string): Promise<Answer> {
  const { served, subresource = '' } = scope;
  const row = served.subresources.find((sub) => sub.name === subresource);
  if (row === undefined) throw noSuchPath();
  if (!row.verbs.includes(verb)) throw methodNotAllowed();
  switch (`${served.resource}/${subresource}`) {
    case 'pods/log':
      return await readLog(core, scope, exchange.query, exchange.signal);
    case 'pods/binding':
      return json(await bindPod(core, scope, (await draftOf(exchange, 'v1', 'Binding')).draft, flagsOf(exchange, scope)), 201);
    case 'pods/eviction':
      return await evict(core, exchange, scope);
    case 'serviceaccounts/token':
      return json(await requestToken(core, scope, await tokenRequest(exchange), flagsOf(exchange, scope)), 201);
    case 'pods/proxy':
    case 'services/proxy':
      return await proxy(core, exchange, scope, rest);
    case 'namespaces/finalize':
      return await finalize(core, exchange, scope);
    default:
      if (subresource === 'scale') return await scale(core, exchange, scope, verb);
      if (row.kind === served.kind && (verb === 'get' || verb === 'update' || verb === 'patch')) return await partOf(core, exchange, scope, verb);
      throw statusError('BadRequest', `${served.resource}/${subresource} needs a connection upgrade`);
  }
}

// ephemeralcontainers, resize, approval: writes of the object under another name.
async function partOf(core: Core, exchange: Exchange, scope: Scope, verb: string): Promise<Answer> {
  const whole = scope;
  return verb === 'get' ? get(core, exchange, whole) : verb === 'update' ? await update(core, exchange, whole) : await patch(core, exchange, whole);
}

async function evict(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const { draft } = await draftOf(exchange, 'policy/v1', 'Eviction');
  const options = asMap((draft as unknown as JsonMap)['deleteOptions']) ?? {}; // A Draft is a JSON object.
  return json(await evictPod(core, scope, draft, toDeleteRequest(options, exchange)), 201);
}

async function tokenRequest(exchange: Exchange): Promise<Draft> {
  const { draft } = await draftOf(exchange, 'authentication.k8s.io/v1', 'TokenRequest');
  const schema = schemaByName(schemaNames().find((name) => name.endsWith('authentication.v1.TokenRequest')) ?? '');
  if (schema !== undefined) coerceObject(draft as unknown as JsonMap, schema, 'authentication.k8s.io/v1', 'TokenRequest'); // A Draft is a JSON object.
  return draft;
}

async function finalize(core: Core, exchange: Exchange, scope: Scope): Promise<Answer> {
  const { draft } = await draftOf(exchange, 'v1', 'Namespace');
  const finalizers = asMap(draft.spec)?.['finalizers'] ?? [];
  const object = await changeObject(
    core,
    scope,
    (live) => {
      live.spec = { ...asMap(live.spec), finalizers };
      if (draft.metadata.resourceVersion !== undefined) live.metadata.resourceVersion = draft.metadata.resourceVersion;
      return live;
    },
    flagsOf(exchange, scope),
  );
  return showObject(viewOf(core, exchange, scope), object);
}

async function scale(core: Core, exchange: Exchange, scope: Scope, verb: string): Promise<Answer> {
  if (verb === 'get') return json(await getScale(core, scope));
  const flags = flagsOf(exchange, scope);
  if (verb === 'update') {
    const { draft } = await draftOf(exchange, 'autoscaling/v1', 'Scale');
    return json(await writeScale(core, scope, () => draft, flags));
  }
  const { contentType, value } = await patchBody(exchange);
  const patched = (live: Draft): Draft => {
    const result = contentType === 'application/json-patch+json' ? applyJsonPatch(live, value) : applyMergePatch(live, value);
    if (asMap(result) === undefined) throw badRequest('the patch does not leave an object');
    return { ...live, ...(structuredClone(result) as Draft) }; // A Scale that was patched; writeScale checks replicas.
  };
  return json(await writeScale(core, scope, patched, flags));
}
