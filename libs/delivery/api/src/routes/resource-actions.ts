import type { ObjectRef } from '@tiphys/kube-model';
import { Router } from 'express';
import { z } from 'zod';
import { applicationOf, handle, type RouteContext } from '../context.ts';
import { readBody } from '../requests.ts';
import type { ResourceActionsAnswer } from '../wire.ts';

const kubernetesName = z.string().min(1).max(253);
const place = z.looseObject({
  group: z.string().max(253).optional(),
  version: z.string().max(63).optional(),
  kind: z.string().min(1).max(63),
  namespace: z.string().max(253).optional(),
  resourceName: kubernetesName,
});
const parameters = z.array(z.looseObject({ name: z.string().max(253), value: z.string().max(10_000) })).max(100);
// Argo CD's second form; its first has the name of the action alone, and the place in the query.
const request = place.extend({ action: kubernetesName, resourceActionParameters: parameters.nullish() });

/** What can be done with one object of an application, and doing it (Argo CD's ListResourceActions, RunResourceAction and its V2). */
export function resourceActionRoutes(context: RouteContext): Router {
  const { backend } = context;
  const router = Router();
  router.get(
    '/:name/resource/actions',
    handle(context, async (call, _response, { query, signal }): Promise<ResourceActionsAnswer> => {
      const ref = refOfPlace(readBody(place, Object.fromEntries(query)));
      return { actions: await backend.resourceActions(applicationOf(context, call), ref, signal) };
    }),
  );
  router.post(
    ['/:name/resource/actions', '/:name/resource/actions/v2'],
    handle(context, async (call, _response, { query, caller, signal }) => {
      const sent: unknown = call.body;
      const wanted = readBody(request, typeof sent === 'string' ? { ...Object.fromEntries(query), action: sent } : sent);
      const values = Object.fromEntries((wanted.resourceActionParameters ?? []).map(({ name, value }) => [name, value]));
      const { action } = wanted;
      await backend.runResourceAction(applicationOf(context, call), { ref: refOfPlace(wanted), action, parameters: values, actor: caller.name }, signal);
      return {};
    }),
  );
  return router;
}

function refOfPlace({ group = '', version = '', kind, namespace, resourceName }: z.infer<typeof place>): ObjectRef {
  return { group, version, kind, name: resourceName, ...(namespace === undefined || namespace === '' ? {} : { namespace }) };
}
