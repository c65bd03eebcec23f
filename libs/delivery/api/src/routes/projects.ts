import { defaultProject, parseProject, projectType, type AppProject } from '@tiphys/delivery-applications';
import { windowAnswer } from '@tiphys/delivery-controller';
import { isJsonObject, isStatus, type KubeObject, type metav1 } from '@tiphys/kube-model';
import { Router, type Request } from 'express';
import { ApiError } from '../api-error.ts';
import { handle, param, type RouteContext } from '../context.ts';

const FIELD_MANAGER = 'tiphys-api';

/** List, read, create, change and delete projects; paths and JSON as Argo CD's. */
export function projectRoutes(context: RouteContext): Router {
  const { backend } = context;
  const router = Router();
  router.get(
    '/',
    handle(context, () => {
      const stored = backend.projects.list(backend.namespace);
      return { items: stored.some(({ metadata }) => metadata.name === defaultProject.metadata.name) ? stored : [defaultProject, ...stored] };
    }),
  );
  router.get(
    '/:name',
    handle(context, (request) => projectOf(context, request)),
  );
  router.get(
    '/:name/syncwindows',
    handle(context, (request) => {
      const nowMs = context.clock.now();
      return { windows: (projectOf(context, request).spec.syncWindows ?? []).map((window) => windowAnswer(window, nowMs)) };
    }),
  );
  router.post(
    '/',
    handle(context, async (request, response, { signal }) => {
      const body: unknown = request.body;
      const project = readProject(isJsonObject(body) ? body['project'] : undefined, backend.namespace);
      const isUpsert = isJsonObject(body) && body['upsert'] === true;
      try {
        const created = await backend.client.create<AppProject>(projectType, project, { signal, fieldManager: FIELD_MANAGER });
        response.status(201);
        return created;
      } catch (error) {
        if (!isStatus(error, 'AlreadyExists')) throw error;
        if (isUpsert) return replaceProject(context, project, signal);
        throw new ApiError({ code: 'conflict' }, `project ${project.metadata.name ?? ''}: already exists`, { hint: 'use --upsert to replace it' });
      }
    }),
  );
  router.put(
    '/:name',
    handle(context, (request, _response, { signal }) => {
      const body: unknown = request.body;
      const project = readProject(isJsonObject(body) ? body['project'] : undefined, backend.namespace);
      if (project.metadata.name !== param(request, 'name')) throw new ApiError({ code: 'invalid' }, 'project: metadata.name is not the name in the path');
      return replaceProject(context, project, signal);
    }),
  );
  router.delete(
    '/:name',
    handle(context, async (request, _response, { signal }) => {
      const name = param(request, 'name');
      if (name === defaultProject.metadata.name) throw new ApiError({ code: 'invalid' }, 'project default: cannot be deleted');
      const users = backend.applications.list().filter(({ spec }) => spec.project === name).length;
      if (users > 0) throw new ApiError({ code: 'conflict' }, `project ${name}: is used by ${users} applications`);
      await backend.client.delete(projectType, { name, namespace: backend.namespace }, { signal });
      return {};
    }),
  );
  return router;
}

function projectOf({ backend }: RouteContext, request: Request): AppProject {
  const name = param(request, 'name');
  const stored = backend.projects.get(name, backend.namespace);
  if (stored !== undefined) return stored;
  if (name === defaultProject.metadata.name) return defaultProject;
  throw new ApiError({ code: 'notFound' }, `project ${name}: not found`, { hint: '`tiphys proj list` shows those there are' });
}

function readProject(body: unknown, namespace: string): AppProject {
  if (!isJsonObject(body) || !isJsonObject(body['metadata']) || typeof body['metadata']['name'] !== 'string')
    throw new ApiError({ code: 'invalid' }, 'project: "project.metadata.name" is missing');
  const metadata = body['metadata'] as metav1.ObjectMeta;
  // Everything but the kind and the name's presence is judged by parseProject and the API server.
  const object = { ...body, apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { ...metadata, namespace } } as KubeObject;
  const parsed = parseProject(object);
  if (parsed.kind === 'valid') return parsed.value;
  throw new ApiError({ code: 'invalid' }, `project ${metadata.name ?? ''}: ${parsed.problems.join('; ')}`);
}

// A caller that names the version it has read is told when somebody was faster.
async function replaceProject({ backend }: RouteContext, wanted: AppProject, signal: AbortSignal): Promise<AppProject> {
  const { name = '', labels, annotations, resourceVersion } = wanted.metadata;
  const key = { name, namespace: backend.namespace };
  const live = await backend.client.get<AppProject>(projectType, key, { signal });
  const metadata = { ...live.metadata, ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) };
  const next = { ...live, spec: wanted.spec, metadata: { ...metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
  return backend.client.update<AppProject>(projectType, next, { signal, fieldManager: FIELD_MANAGER });
}
