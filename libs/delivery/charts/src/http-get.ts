import { Agent, request, type Dispatcher } from 'undici';
import { isAbortError, messageOf, redactUrl, withTimeout } from '@tiphys/kernel';
import { ChartError } from './chart-error.ts';

/** What opens a chart repository. Values only. */
export interface ChartAccess {
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  readonly insecure?: boolean;
  /** Armored public keys: charts must come with a provenance file signed by one of them. */
  readonly provenanceKeys?: string;
}

/** One request of a chart repository. */
export interface HttpGet {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly limitBytes: number;
  readonly insecure?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** A whole answer, within its limit. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
  /** Where redirects led. */
  readonly url: string;
}

const TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 5;

let trusting: Dispatcher | undefined;

/** Gets a URL with redirects. Credentials stay with the host they were meant for (CVE-2021-32690). Throws ChartError. */
export async function httpGet(call: HttpGet): Promise<HttpAnswer> {
  return withTimeout(`GET ${redactUrl(call.url)}`, TIMEOUT_MS, call.signal, async (signal) => {
    let url = new URL(call.url);
    let headers = call.headers ?? {};
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const answer = await once(url, headers, { ...call, signal });
      const location = answer.headers['location'];
      if (answer.status < 300 || answer.status >= 400 || typeof location !== 'string') return { ...answer, url: url.href };
      const next = new URL(location, url);
      if (next.protocol !== 'http:' && next.protocol !== 'https:') break;
      if (next.host !== url.host) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
      url = next;
    }
    throw new ChartError({ code: 'unreachable', repository: redactUrl(call.url) }, `${redactUrl(call.url)}: redirects lead nowhere`);
  });
}

async function once(url: URL, headers: Readonly<Record<string, string>>, call: HttpGet): Promise<Omit<HttpAnswer, 'url'>> {
  if (call.insecure === true) trusting ??= new Agent({ connect: { rejectUnauthorized: false } });
  const repository = redactUrl(url.href);
  try {
    const answer = await request(url, {
      headers: { 'user-agent': 'tiphys', ...headers },
      signal: call.signal,
      ...(call.insecure === true && trusting !== undefined ? { dispatcher: trusting } : {}),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > call.limitBytes)
        throw new ChartError({ code: 'tooLarge', repository, limitBytes: call.limitBytes }, `${repository}: answer exceeds ${call.limitBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
  } catch (cause) {
    if (cause instanceof ChartError || call.signal.aborted || isAbortError(cause)) throw cause;
    throw new ChartError({ code: 'unreachable', repository }, `${repository}: cannot be reached: ${messageOf(cause)}`, { cause });
  }
}

/** The Authorization header of an access; empty without credentials. */
export function authorization({ username, password, bearerToken }: ChartAccess): Readonly<Record<string, string>> {
  if (bearerToken !== undefined) return { authorization: `Bearer ${bearerToken}` };
  if (username === undefined && password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}` };
}

/** The error of an answer that is no success. */
export function refusal(status: number, repository: string): ChartError {
  if (status === 401 || status === 403)
    return new ChartError({ code: 'authFailed', repository }, `${repository}: access was refused (${status})`, {
      hint: 'add credentials with `tiphys repo add`',
    });
  return new ChartError({ code: 'unreachable', repository }, `${repository}: answered ${status}`);
}
