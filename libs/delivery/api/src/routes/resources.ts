import { Router } from 'express';
import { applicationOf, handle, type RouteContext } from '../context.ts';
import { streamLogs } from '../log-stream.ts';
import { builtin, type corev1 } from '@tiphys/kube-model';

const eventType = builtin('v1', 'Event');
const MAX_EVENTS = 500;

/** What an application consists of: tree, comparison, manifests, events and logs. */
export function resourceRoutes(context: RouteContext): Router {
  const { backend } = context;
  const router = Router();
  router.get(
    '/:name/resource-tree',
    handle(context, (request, _response, { signal }) => backend.resourceTree(applicationOf(context, request), signal)),
  );
  router.get(
    '/:name/managed-resources',
    handle(context, (request, _response, { signal }) => backend.managedResources(applicationOf(context, request), signal)),
  );
  router.get(
    '/:name/manifests',
    handle(context, (request, _response, { query, signal }) => backend.manifests(applicationOf(context, request), query.get('revision') ?? undefined, signal)),
  );
  router.get(
    '/:name/events',
    handle(context, async (request, _response, { query, signal }) => {
      const application = applicationOf(context, request);
      const tree = await backend.resourceTree(application, signal);
      const uid = query.get('resourceUID');
      const uids = new Set(uid === null || uid === '' ? tree.nodes.map((node) => node.uid) : [uid]);
      const client = await backend.targetClient(application, signal);
      const namespaces = new Set(tree.nodes.map((node) => node.namespace ?? 'default'));
      const lists = await Promise.all(
        [...namespaces].slice(0, 20).map((namespace) => client.list<corev1.Event>(eventType, { namespace, limit: 5_000, signal })),
      );
      const items = lists.flatMap((list) => list.items).filter((event) => uids.has(event.involvedObject?.uid ?? ''));
      return { metadata: {}, items: items.toSorted((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1)).slice(0, MAX_EVENTS) };
    }),
  );
  router.get(
    '/:name/logs',
    handle(context, (request, response, call) => streamLogs(context, applicationOf(context, request), response, call)),
  );
  return router;
}

function timeOf(event: corev1.Event): string {
  return event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '';
}
