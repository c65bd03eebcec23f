import { parseWebhook, type WebhookRefusal } from '@tiphys/delivery-git';
import { LIMITS } from '@tiphys/kernel';
import express, { Router } from 'express';
import { handle, type RouteContext } from '../context.ts';

const REFUSED_STATUS: Readonly<Record<WebhookRefusal, number>> = { noSecret: 403, noSignature: 401, badSignature: 401, tooLarge: 413, malformed: 400 };

/** Push webhooks: checked over the raw bytes before anything is parsed, and only a hint to look now. */
export function webhookRoutes(context: RouteContext): Router {
  const router = Router();
  router.post(
    '/',
    express.raw({ type: () => true, limit: LIMITS.webhookBodyBytes }),
    handle(context, async (request, response, { signal }) => {
      const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const result = parseWebhook({ rawBody, headers: request.headers, secrets: await context.backend.webhookSecrets(signal) });
      if (result.kind === 'refused') {
        context.logger.warn({ reason: result.reason, address: request.ip }, 'webhook refused');
        response.status(REFUSED_STATUS[result.reason]);
        return { error: result.message, message: result.message, code: REFUSED_STATUS[result.reason], reason: result.reason };
      }
      if (result.kind === 'ignored') return { status: 'ignored', event: result.event };
      const repositories = [...new Set(result.urls)].reduce((sum, url) => sum + context.backend.hint(url), 0);
      return { status: 'accepted', repositories };
    }),
  );
  return router;
}
