import { applicationType, parseApplication, type Application } from '@tiphys/delivery-applications';
import { isJsonObject, type KubeObject, type metav1 } from '@tiphys/kube-model';
import { Router, type Request } from 'express';
import { ApiError } from '../api-error.ts';
import { applicationOf, handle, param, type RouteContext } from '../context.ts';
import { parseListQuery, selectApplications } from '../list-query.ts';
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
      ...selectApplications(backend.applications.list(backend.namespace), parseListQuery(query)),
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
        return backend.client.create<Application>(applicationType, application, { signal, fieldManager: FIELD_MANAGER });
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
      await setFinalizer(context, application, cascade, signal);
      await backend.client.delete(applicationType, { namespace: application.metadata.namespace, name: param(request, 'name') }, { signal });
      return {};
    }),
  );
  return router;
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

async function setFinalizer(context: RouteContext, application: Application, cascade: boolean, signal: AbortSignal): Promise<void> {
  const finalizers = application.metadata.finalizers ?? [];
  const others = finalizers.filter((finalizer) => !finalizer.startsWith(FINALIZER));
  const wanted = cascade ? [...others, finalizers.find((finalizer) => finalizer.startsWith(FINALIZER)) ?? FINALIZER] : others;
  if (wanted.length === finalizers.length) return;
  await context.backend.client.patch(
    applicationType,
    { namespace: application.metadata.namespace, name: application.metadata.name ?? '' },
    { metadata: { finalizers: wanted, resourceVersion: application.metadata.resourceVersion } },
    { type: 'merge', signal, fieldManager: FIELD_MANAGER },
  );
}
