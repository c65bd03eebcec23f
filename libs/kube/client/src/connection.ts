import { DomainError } from '@tiphys/kernel';

/** How to reach one API server. Certificates and keys are PEM text. */
export interface Connection {
  readonly server: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  /** A bearer token, or where to get a fresh one before each request (exec plugins, rotating files). */
  readonly token?: string | ((signal: AbortSignal) => Promise<string | undefined>);
  readonly basicAuth?: { readonly username: string; readonly password: string };
  readonly serverName?: string;
  /** Skips the check of the server's certificate; only for what a kubeconfig demands. */
  readonly insecureSkipTlsVerify?: boolean;
  /** URL of an HTTP proxy on the way to the server. */
  readonly proxyUrl?: string;
  readonly userAgent?: string;
  /** The user to act as (header Impersonate-User). */
  readonly impersonate?: string;
}

/** The API server could not be asked, or what came back was not an answer. */
export class ConnectionError extends DomainError<
  | { readonly code: 'unreachable'; readonly server: string }
  | { readonly code: 'invalidAnswer'; readonly server: string; readonly status: number }
  | { readonly code: 'answerTooLarge'; readonly server: string; readonly limitBytes: number }
  | { readonly code: 'invalidKubeconfig'; readonly source: string }
> {
  override readonly name = 'ConnectionError';
}
