import type { AuditTrail } from '../audit/trail.ts';

/** A request as handlers see it, over HTTP/1.1 and HTTP/2 alike. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: AsyncIterable<unknown>;
  readonly socket: unknown;
  /** Aborts when the client goes away or the server closes. */
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
  /** The request's record in the audit log. */
  readonly trail: AuditTrail;
  /** Adds a header to the answer, whatever it will be. */
  readonly setHeader: (name: string, value: string) => void;
}

/** A header's first value. */
export function header(exchange: Pick<Exchange, 'headers'>, name: string): string | undefined {
  const value = exchange.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
