import { createHash } from 'node:crypto';
import { normalizeRepoUrl } from '@tiphys/delivery-applications';
import { redactUrl } from '@tiphys/kernel';
import { builtin, isStatus, type corev1 } from '@tiphys/kube-model';
import { Router } from 'express';
import { ApiError } from '../api-error.ts';
import { handle, param, type RouteContext } from '../context.ts';
import { clusterBody, readBody, repositoryBody } from '../requests.ts';

const secretType = builtin('v1', 'Secret');
const SECRET_TYPE_LABEL = 'argocd.argoproj.io/secret-type';

/** Repositories and clusters. Credentials go in and never come out. */
export function settingsRoutes(context: RouteContext): Router {
  const { backend } = context;
  const router = Router();
  router.get(
    '/repositories',
    handle(context, () => ({ items: backend.repositories() })),
  );
  router.post(
    '/repositories',
    handle(context, async (request, response, { signal }) => {
      const { repo, username, password, bearerToken, project } = readBody(repositoryBody, request.body);
      if (/\/\/[^/@]*:[^/@]*@/.test(repo))
        throw new ApiError({ code: 'invalid' }, `repository ${redactUrl(repo)}: credentials do not belong in the URL`, { hint: 'give username and password' });
      const data = { type: 'git', url: repo, username, password, bearerToken, project };
      await putSecret(context, 'repository', `repo-${digest(normalizeRepoUrl(repo))}`, data, signal);
      response.status(201);
      return { repo };
    }),
  );
  router.delete(
    '/repositories/:url',
    handle(context, async (request, _response, { signal }) => {
      await deleteSecret(context, `repo-${digest(normalizeRepoUrl(param(request, 'url')))}`, signal);
      return {};
    }),
  );
  router.get(
    '/clusters',
    handle(context, () => ({ items: backend.clusters() })),
  );
  router.post(
    '/clusters',
    handle(context, async (request, response, { signal }) => {
      const { name, server, config, project, namespaces, clusterResources } = readBody(clusterBody, request.body);
      const scope = { project, namespaces: namespaces?.join(','), clusterResources: clusterResources === true ? 'true' : undefined };
      await putSecret(context, 'cluster', `cluster-${digest(server)}`, { name, server, config: JSON.stringify(config), ...scope }, signal);
      response.status(201);
      return { name, server };
    }),
  );
  router.delete(
    '/clusters/:server',
    handle(context, async (request, _response, { signal }) => {
      await deleteSecret(context, `cluster-${digest(param(request, 'server'))}`, signal);
      return {};
    }),
  );
  return router;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

async function putSecret(
  context: RouteContext,
  kind: string,
  name: string,
  fields: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context.backend;
  const stringData = Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[key, value]])));
  const secret: corev1.Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { [SECRET_TYPE_LABEL]: kind } },
    type: 'Opaque',
    stringData,
  };
  try {
    await client.create(secretType, secret, { signal, fieldManager: 'tiphys-api' });
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
    await client.delete(secretType, { namespace, name }, { signal });
    await client.create(secretType, secret, { signal, fieldManager: 'tiphys-api' });
  }
}

async function deleteSecret(context: RouteContext, name: string, signal: AbortSignal): Promise<void> {
  const { client, namespace } = context.backend;
  try {
    await client.delete(secretType, { namespace, name }, { signal });
  } catch (error) {
    if (isStatus(error, 'NotFound')) throw new ApiError({ code: 'notFound' }, 'no such entry is registered here');
    throw error;
  }
}
