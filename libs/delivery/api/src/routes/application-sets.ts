import { applicationSetType, parseApplicationSet, type ApplicationSet } from '@tiphys/delivery-applicationsets';
import { isStatus, type KubeObject } from '@tiphys/kube-model';
import { Router } from 'express';
import { ApiError } from '../api-error.ts';
import { handle, param, type RouteContext } from '../context.ts';
import { applicationSetBody, generateBody, readBody } from '../requests.ts';

/** ApplicationSets: list, get, create or update, delete, and what one would generate (argo-cd server/applicationset). */
export function applicationSetRoutes(context: RouteContext): Router {
  const { backend } = context;
  const { client, namespace } = backend;
  const router = Router();
  router.get(
    '/',
    handle(context, async (_request, _response, { signal }) => ({ items: (await client.list(applicationSetType, { namespace, signal })).items })),
  );
  router.post(
    '/generate',
    handle(context, async (request, _response, { signal }) => {
      const { applicationSet } = readBody(generateBody, request.body);
      const { wanted, problems } = await backend.previewSet(parsed(applicationSet, namespace), signal);
      return { applications: wanted, problems };
    }),
  );
  router.post(
    '/',
    handle(context, async (request, response, { signal }) => {
      const set = parsed(readBody(applicationSetBody, request.body), namespace);
      const name = set.metadata.name ?? '';
      response.status(201);
      if (request.query['upsert'] !== 'true') return client.create(applicationSetType, set, { signal, fieldManager: 'tiphys-api' });
      const { metadata, spec, apiVersion, kind } = set;
      return client.patch(
        applicationSetType,
        { namespace, name },
        { apiVersion, kind, metadata, spec },
        { type: 'apply', fieldManager: 'tiphys-api', force: true, signal },
      );
    }),
  );
  router.get(
    '/:name',
    handle(context, (request, _response, { signal }) =>
      found(param(request, 'name'), () => client.get(applicationSetType, { namespace, name: param(request, 'name') }, { signal })),
    ),
  );
  router.delete(
    '/:name',
    handle(context, async (request, _response, { signal }) => {
      await found(param(request, 'name'), () => client.delete(applicationSetType, { namespace, name: param(request, 'name') }, { signal }));
      return {};
    }),
  );
  return router;
}

function parsed(object: object, namespace: string): ApplicationSet {
  const given = object as KubeObject;
  const set = parseApplicationSet({ ...given, apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { ...given.metadata, namespace } });
  if (set.kind === 'valid') return set.value;
  throw new ApiError({ code: 'invalid' }, `applicationset ${given.metadata.name ?? ''}: ${set.problems.join('; ')}`);
}

async function found<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isStatus(error, 'NotFound')) throw new ApiError({ code: 'notFound' }, `applicationset ${name}: not found`);
    throw error;
  }
}
