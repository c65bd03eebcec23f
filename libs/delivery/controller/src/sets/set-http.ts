import { Agent, fetch } from 'undici';
import { GenerateError, type HttpAnswer, type HttpCall } from '@tiphys/delivery-applicationsets';
import { globOrRegexMatches } from '@tiphys/delivery-applications';
import { isAbortError, messageOf, redactUrl, withTimeout } from '@tiphys/kernel';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * Calls forges and services for generators: within a time and a size, without following redirects, and only where `allowed` has a pattern for the
 * address (no patterns allow every one). Throws GenerateError.
 */
export async function callHttp(call: HttpCall, allowed: readonly string[], signal: AbortSignal): Promise<HttpAnswer> {
  const place = redactUrl(call.url);
  if (!/^https?:\/\//.test(call.url)) throw new GenerateError({ code: 'notAllowed' }, `${place}: is neither http nor https`);
  const { origin } = new URL(call.url);
  if (allowed.length > 0 && !allowed.some((pattern) => globOrRegexMatches(pattern, origin) || call.url.startsWith(pattern)))
    throw new GenerateError({ code: 'notAllowed' }, `${origin}: generators may not call this address`, { hint: 'an operator allows it with --generator-urls' });
  try {
    return await withTimeout(`call ${place}`, TIMEOUT_MS, signal, (inner) => exchange(call, inner));
  } catch (error) {
    if (error instanceof GenerateError || isAbortError(error)) throw error;
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
    throw new GenerateError({ code: 'source' }, `${place}: ${redactUrl(reason)}`, { cause: error });
  }
}

async function exchange({ url, method = 'GET', headers = {}, body, insecure, caCertificates }: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
  const connect = { ...(insecure === true ? { rejectUnauthorized: false } : {}), ...(caCertificates === undefined ? {} : { ca: caCertificates }) };
  const dispatcher = Object.keys(connect).length === 0 ? undefined : new Agent({ connect });
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > MAX_BYTES) throw new GenerateError({ code: 'tooMany' }, `${redactUrl(url)}: answer exceeds ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: response.status, headers: Object.fromEntries(response.headers), body: parsed(Buffer.concat(chunks).toString()) };
  } finally {
    await dispatcher?.close();
  }
}

// What is no JSON has no fields: whoever reads them says what is missing.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
