import type { ErrorAnswer, StreamEvent } from '@tiphys/delivery-api';
import { isAbortError, messageOf } from '@tiphys/kernel';
import { parseApplicationName } from './application-name.ts';
import { CliError } from './cli-error.ts';
import type { ApiContext } from './contexts.ts';

/** One call of the API. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** Calls the delivery API on behalf of a command. */
export class ApiClient {
  readonly #context: ApiContext;
  readonly #signal: AbortSignal;

  constructor(context: ApiContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  /** Sends a call and reads its JSON. Throws CliError with the server's own sentence. */
  async call<T>(call: ApiCall): Promise<T> {
    const response = await this.#send(call);
    // The path promises the type; the server is ours.
    return (await response.json()) as T;
  }

  /** The lines of a streamed answer. */
  async *lines(call: ApiCall): AsyncGenerator<string> {
    const response = await this.#send(call);
    const decoder = new TextDecoder();
    let pending = '';
    for await (const chunk of response.body ?? []) {
      pending += decoder.decode(chunk, { stream: true });
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      yield* lines;
    }
  }

  /** Changes of one application and its runs, from now on; reconnects where it left off until the signal aborts. */
  async *events(application: string, signal: AbortSignal): AsyncGenerator<StreamEvent | { readonly kind: 'open' }> {
    const client = new ApiClient(this.#context, signal);
    let id: string | undefined;
    while (!signal.aborted) {
      try {
        let event = '';
        for await (const line of client.lines({ path: '/api/v1/stream/applications', query: { ...parseApplicationName(application), lastEventId: id } })) {
          if (line.startsWith('id: ')) id = line.slice(4);
          else if (line.startsWith('event: ')) event = line.slice(7);
          else if (line.startsWith('data: ') && event === 'snapshot') yield { kind: 'open' };
          else if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as StreamEvent; // The stream's own format.
        }
      } catch (error) {
        if (signal.aborted || isAbortError(error)) return;
        if (!(error instanceof CliError) || error.code !== 'unreachable') throw error;
        await new Promise((resolve) => setTimeout(resolve, 500).unref());
      }
    }
  }

  async #send({ method = 'GET', path, query = {}, body }: ApiCall): Promise<Response> {
    const parameters = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) parameters.set(key, String(value));
    const url = `${this.#context.server}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`;
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        signal: this.#signal,
        headers: { authorization: `Bearer ${this.#context.token}`, ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) },
        ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
      });
    } catch (cause) {
      if (isAbortError(cause)) throw cause;
      throw new CliError(
        { code: 'unreachable' },
        `${this.#context.server}: cannot be reached: ${messageOf(cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause)}`,
        { cause, hint: 'is `tiphys up` running?' },
      );
    }
    if (response.ok) return response;
    const answer = (await response.json().catch(() => undefined)) as ErrorAnswer | undefined; // A proxy may answer with anything.
    throw new CliError({ code: 'refused' }, answer?.message ?? `${path}: answered ${response.status}`, answer?.hint === undefined ? {} : { hint: answer.hint });
  }
}
