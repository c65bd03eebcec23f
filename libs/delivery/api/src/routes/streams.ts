import { instanceName } from '@tiphys/delivery-applications';
import { Router, type Response } from 'express';
import { once } from 'node:events';
import { handle, type Call, type RouteContext } from '../context.ts';
import type { NumberedEvent } from '../event-stream.ts';
import type { StreamEvent } from '../wire.ts';

/** Comments sent on a quiet stream, so that proxies and clients see it lives. */
const HEARTBEAT_MS = 15_000;

/** Server-sent events of applications and runs, resumable by `Last-Event-ID`. */
export function streamRoutes(context: RouteContext): Router {
  const router = Router();
  router.get(
    '/applications',
    handle(context, (request, response, call) =>
      streamApplications(context, request.get('last-event-id') ?? call.query.get('lastEventId') ?? undefined, response, call),
    ),
  );
  return router;
}

async function streamApplications(context: RouteContext, lastEventId: string | undefined, response: Response, call: Call): Promise<void> {
  const name = call.query.get('name');
  const wanted =
    name === null
      ? undefined
      : instanceName({ metadata: { name, namespace: call.query.get('appNamespace') ?? context.backend.namespace } }, context.backend.namespace);
  const nameOf = (event: StreamEvent): string => (event.kind === 'run' ? event.run.spec.application : context.backend.nameOf(event.application));
  const { start, client } = context.events.open(lastEventId);
  response.status(200).set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }).flushHeaders();
  const send = async (text: string): Promise<void> => {
    if (!response.write(text)) await once(response, 'drain', { signal: call.signal });
  };
  const isWanted = ({ event }: NumberedEvent): boolean => wanted === undefined || nameOf(event) === wanted;
  const heart = beat(context, call, send);
  if (start.kind === 'snapshot') {
    const items = start.applications.filter((application) => wanted === undefined || context.backend.nameOf(application) === wanted);
    await send(`id: ${start.id}\nevent: snapshot\ndata: ${JSON.stringify({ items })}\n\n`);
  } else for (const event of start.missed) if (isWanted(event)) await send(format(event));
  for await (const event of client.events(call.signal)) if (isWanted(event)) await send(format(event));
  // A client that fell too far behind is cut off and comes back by its last event id.
  response.end();
  await heart;
}

function format({ id, event }: NumberedEvent): string {
  return `id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}

async function beat(context: RouteContext, call: Call, send: (text: string) => Promise<void>): Promise<void> {
  try {
    for (;;) {
      await context.clock.sleep(HEARTBEAT_MS, call.signal);
      await send(': alive\n\n');
    }
  } catch {
    // The stream ended.
  }
}
