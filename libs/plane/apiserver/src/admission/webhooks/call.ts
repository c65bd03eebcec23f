import { Agent, request as httpsRequest } from 'node:https';
import { messageOf } from '@tiphys/kernel';
import { statusError, type admissionregistrationv1, type corev1, type Mutable } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import { draftAs } from '../../draft.ts';
import { parseStored } from '../../registry/stored.ts';
import { readyAddress, type Address } from '../../subresources/service-address.ts';
import type { AdmissionRequest } from '../chain.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { Hook } from './hooks.ts';
import { makeReview, parseVerdict, type Verdict } from './review.ts';

// Connections are kept between calls; an idle one keeps no process alive.
const agent = new Agent({ keepAlive: true, maxSockets: 100, maxFreeSockets: 10 });
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const DEFAULT_TIMEOUT_SECONDS = 10;

/** Why a webhook could not be asked; whether that refuses the request is the webhook's failurePolicy. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
}

/** Asks a webhook about a request it matches. Throws WebhookCallError. */
export async function callHook(core: Core, { webhook }: Hook, request: AdmissionRequest, version: ServedResource): Promise<Verdict> {
  const review = makeReview(request, version, webhook.admissionReviewVersions);
  const timeoutSeconds = webhook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  try {
    return await callWebhook(core, webhook.clientConfig, review.body, { timeoutSeconds, tellsTimeout: true }, (text) => parseVerdict(review, text));
  } catch (error) {
    throw new WebhookCallError(`failed to call webhook: ${messageOf(error)}`, { cause: error });
  }
}

/** How long a webhook may take, and whether its URL says so. */
export interface CallTime {
  readonly timeoutSeconds: number;
  readonly tellsTimeout: boolean;
}

/** Posts a review to a webhook and reads its answer. Throws an error that names the URL, also for an answer that cannot be read. */
export async function callWebhook<T>(core: Core, client: ClientConfig, review: unknown, time: CallTime, read: (text: string) => T): Promise<T> {
  const url = urlOf(client, time);
  try {
    return read(await post(url, addressOf(core, client, url), client.caBundle, Buffer.from(JSON.stringify(review)), time.timeoutSeconds * 1_000));
  } catch (error) {
    const why = isTimeout(error) ? 'context deadline exceeded' : messageOf(error);
    throw new Error(`Post "${url.href}": ${why}`, { cause: error });
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

type ClientConfig = Mutable<admissionregistrationv1.WebhookClientConfig>;

function urlOf({ url, service }: ClientConfig, { timeoutSeconds, tellsTimeout }: CallTime): URL {
  const parsed = new URL(
    service === undefined ? (url ?? '') : `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}/${(service.path ?? '').replace(/^\//, '')}`,
  );
  if (tellsTimeout) parsed.searchParams.set('timeout', `${timeoutSeconds}s`);
  return parsed;
}

function addressOf(core: Core, { service }: ClientConfig, url: URL): Address {
  if (service === undefined) return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port === '' ? 443 : url.port) };
  const entry = core.store.get(`/core/services/${service.namespace}/${service.name}`);
  if (entry === undefined) throw statusError('NotFound', `service "${service.name}" not found`);
  const found = draftAs<corev1.Service>(parseStored(entry.value));
  const port = service.port ?? 443;
  if (found.spec?.type === 'ExternalName') return { host: found.spec.externalName ?? '', port };
  return readyAddress(core, service.namespace, found, String(port));
}

function post(url: URL, { host, port }: Address, caBundle: string | undefined, body: Buffer, timeoutMs: number): Promise<string> {
  const ca = (caBundle ?? '') === '' ? {} : { ca: Buffer.from(caBundle ?? '', 'base64') };
  // A Service is asked by an address of its pods; its certificate bears the Service's name.
  const isName = !/^[\d.]+$|:/.test(url.hostname);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        agent,
        host,
        port,
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': body.length, host: url.host },
        ...ca,
        ...(isName ? { servername: url.hostname } : {}),
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > MAX_ANSWER_BYTES) request.destroy(new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`));
          else parts.push(part);
        });
        response.once('error', reject);
        response.once('end', () => {
          const code = response.statusCode ?? 0;
          if (code >= 200 && code < 300) resolve(Buffer.concat(parts).toString('utf8'));
          else reject(new Error(`the server answered with status ${code}`));
        });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}
