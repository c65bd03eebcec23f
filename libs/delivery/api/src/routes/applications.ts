import { applicationType, parseApplication, type Application } from '@tiphys/delivery-applications';
import { fieldAt, isJsonObject, type KubeObject, type metav1 } from '@tiphys/kube-model';
import { Router, type Request } from 'express';
import { ApiError } from '../api-error.ts';
import { applicationOf, handle, param, type RouteContext } from '../context.ts';
import { parseListQuery, selectApplications } from '../list-query.ts';
import { patchBody, readBody } from '../requests.ts';
import type { ApplicationListAnswer } from '../wire.ts';

const FIELD_MANAGER = 'tiphys-api';
const FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/** List, read, create, change and delete applications; paths and JSON as Argo CD's. */
export function applicationRoutes(context: RouteContext): Router {
  const { backend } = context;
  const router = Router();
  router.get(
    '/',
    handle(context, (_request, _response, { query }): ApplicationListAnswer => ({
      metadata: { resourceVersion: backend.applications.resourceVersion },
      ...selectApplications(inNamespace(backend.applications.list(), query.get('appNamespace')), parseListQuery(query)),
    })),
  );
  router.get(
    '/:name',
    handle(context, async (request, _response, { query, signal }) => {
      const application = applicationOf(context, request);
      const refresh = query.get('refresh');
      if (refresh !== 'normal' && refresh !== 'hard') return application;
      await backend.refresh(application, refresh === 'hard', signal);
      return applicationOf(context, request);
    }),
  );
  router.post(
    '/',
    handle(context, async (request, response, { query, signal }) => {
      const application = readApplication(request, backend.namespace);
      const live = backend.applications.get(application.metadata.name ?? '', application.metadata.namespace);
      if (live === undefined) {
        response.status(201);
        // An operation has a call and a right of its own (CVE-2023-50726), and the status is the controller's.
        const { operation: _, status: __, ...wanted } = application;
        return backend.client.create<Application>(applicationType, wanted, { signal, fieldManager: FIELD_MANAGER });
      }
      if (JSON.stringify(live.spec) === JSON.stringify(application.spec)) return live;
      if (query.get('upsert') !== 'true')
        throw new ApiError({ code: 'conflict' }, `application ${live.metadata.name ?? ''}: already exists with another spec`, {
          hint: 'use --upsert to replace it',
        });
      return replaceSpec(context, live, application, signal);
    }),
  );
  router.put(
    '/:name',
    handle(context, (request, _response, { signal }) =>
      replaceSpec(context, applicationOf(context, request), readApplication(request, backend.namespace), signal),
    ),
  );
  router.put(
    '/:name/spec',
    handle(context, async (request, _response, { signal }) => {
      const live = applicationOf(context, request);
      const updated = await replaceSpec(context, live, check({ ...live, spec: request.body as unknown } as KubeObject), signal);
      return updated.spec;
    }),
  );
  router.delete(
    '/:name',
    handle(context, async (request, _response, { query, signal }) => {
      const application = applicationOf(context, request);
      const cascade = query.get('cascade') !== 'false';
      await setFinalizer(context, application, finalizerFor(cascade, query.get('propagationPolicy')), signal);
      await backend.client.delete(applicationType, { namespace: application.metadata.namespace, name: param(request, 'name') }, { signal });
      return {};
    }),
  );
  patchRoute(context, router);
  return router;
}

function patchRoute(context: RouteContext, router: Router): void {
  router.patch(
    '/:name',
    handle(context, async (request, _response, { signal }) => {
      const live = applicationOf(context, request);
      const { patch, patchType } = readBody(patchBody, request.body);
      return patchApplication(context, live, parsePatch(patch), patchType === 'json' ? 'json' : 'merge', signal);
    }),
  );
}

function readApplication(request: Request, namespace: string): Application {
  const body: unknown = request.body;
  if (!isJsonObject(body) || !isJsonObject(body['metadata']) || typeof body['metadata']['name'] !== 'string')
    throw new ApiError({ code: 'invalid' }, 'application: "metadata.name" is missing');
  const metadata = body['metadata'] as metav1.ObjectMeta;
  // Everything but the kind and the name's presence is judged by parseApplication and the API server.
  return check({
    ...body,
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { ...metadata, namespace: metadata.namespace ?? namespace },
  } as KubeObject);
}

function check(object: KubeObject): Application {
  const parsed = parseApplication(object);
  if (parsed.kind === 'valid') return parsed.value;
  throw new ApiError({ code: 'invalid' }, `application ${object.metadata.name ?? ''}: ${parsed.problems.join('; ')}`);
}

// Only what a user declares is replaced; status and operation stay the controller's.
function replaceSpec(context: RouteContext, live: Application, wanted: Application, signal: AbortSignal): Promise<Application> {
  const { labels, annotations } = wanted.metadata;
  const patch = [
    { op: 'test', path: '/metadata/uid', value: live.metadata.uid },
    { op: 'replace', path: '/spec', value: wanted.spec },
    ...(labels === undefined ? [] : [{ op: 'add', path: '/metadata/labels', value: labels }]),
    ...(annotations === undefined ? [] : [{ op: 'add', path: '/metadata/annotations', value: { ...live.metadata.annotations, ...annotations } }]),
  ];
  return context.backend.client.patch<Application>(applicationType, { namespace: live.metadata.namespace, name: live.metadata.name ?? '' }, patch, {
    type: 'json',
    signal,
    fieldManager: FIELD_MANAGER,
  });
}

function inNamespace(applications: readonly Application[], namespace: string | null): readonly Application[] {
  return namespace === null || namespace === '' ? applications : applications.filter(({ metadata }) => metadata.namespace === namespace);
}

function parsePatch(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError({ code: 'invalid' }, 'patch: is not JSON');
  }
}

// An operation has a call of its own, and the status is the controller's.
function mustLeaveAlone(patch: unknown): void {
  const operations: readonly unknown[] = Array.isArray(patch) ? patch : [];
  const places = operations.flatMap((entry) => [fieldAt(entry, 'path'), fieldAt(entry, 'from')]).filter((place) => typeof place === 'string');
  const touched = [...places.map((place) => place.split('/')[1] ?? ''), ...(isJsonObject(patch) ? Object.keys(patch) : [])];
  if (!touched.some((field) => ['', 'operation', 'status'].includes(field))) return;
  throw new ApiError({ code: 'invalid' }, 'patch: may change spec and metadata only', { hint: 'an operation is started by a sync' });
}

// The API server is asked first what the patch would make: what is no application is never stored.
async function patchApplication(context: RouteContext, live: Application, patch: unknown, type: 'json' | 'merge', signal: AbortSignal): Promise<Application> {
  mustLeaveAlone(patch);
  const key = { namespace: live.metadata.namespace, name: live.metadata.name ?? '' };
  const options = { type, fieldManager: FIELD_MANAGER, signal } as const;
  const { client } = context.backend;
  check(await client.patch<Application>(applicationType, key, patch, { ...options, dryRun: true }));
  return client.patch<Application>(applicationType, key, patch, options);
}

// Without a word about how, an application keeps the finalizer it has.
function finalizerFor(cascade: boolean, policy: string | null): { readonly cascade: boolean; readonly name: string | undefined } {
  if (policy === null || policy === '') return { cascade, name: undefined };
  if (policy !== 'foreground' && policy !== 'background')
    throw new ApiError({ code: 'invalid' }, `propagationPolicy: "${policy}" is neither foreground nor background`, {
      hint: 'cascade=false leaves the resources',
    });
  return { cascade, name: policy === 'background' ? `${FINALIZER}/background` : FINALIZER };
}

async function setFinalizer(
  context: RouteContext,
  application: Application,
  { cascade, name }: ReturnType<typeof finalizerFor>,
  signal: AbortSignal,
): Promise<void> {
  const finalizers = application.metadata.finalizers ?? [];
  const others = finalizers.filter((finalizer) => !finalizer.startsWith(FINALIZER));
  const wanted = cascade ? [...others, name ?? finalizers.find((finalizer) => finalizer.startsWith(FINALIZER)) ?? FINALIZER] : others;
  if (wanted.length === finalizers.length && wanted.every((finalizer) => finalizers.includes(finalizer))) return;
  await context.backend.client.patch(
    applicationType,
    { namespace: application.metadata.namespace, name: application.metadata.name ?? '' },
    { metadata: { finalizers: wanted, resourceVersion: application.metadata.resourceVersion } },
    { type: 'merge', signal, fieldManager: FIELD_MANAGER },
  );
}
