import type {
  ApplicationListAnswer,
  ClusterAnswer,
  ErrorAnswer,
  LogLine,
  ManagedResourcesAnswer,
  PlanAnswer,
  RepositoryAnswer,
  ResourceTreeAnswer,
  RunsAnswer,
} from '@tiphys/delivery-api';
import type { Application, SyncRun } from '@tiphys/delivery-applications';

/** An answer of the API that says no, in the API's own words. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

async function send(method: string, path: string, query: Query = {}, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') parameters.set(key, String(value));
  const response = await fetch(`${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`, {
    method,
    credentials: 'same-origin',
    ...(method === 'GET' ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.ok) return response;
  const answer = (await response.json().catch(() => undefined)) as ErrorAnswer | undefined;
  throw new ApiFailure(response.status, answer?.message ?? `${response.status} ${response.statusText}`, answer?.hint);
}

async function json<T>(method: string, path: string, query?: Query, body?: unknown): Promise<T> {
  const response = await send(method, path, query, body);
  return (await response.json()) as T; // The path promises the type.
}

const application = (name: string): string => `/api/v1/applications/${encodeURIComponent(name)}`;

export interface SyncChoice {
  readonly revision?: string;
  readonly prune: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly plan?: string;
}

/** Every call the console makes. */
export const api = {
  userInfo: () => json<{ readonly loggedIn: boolean; readonly username: string }>('GET', '/api/v1/session/userinfo'),
  login: (token: string) => json<{ readonly username: string }>('POST', '/api/v1/session', {}, { token }),
  logout: () => json<unknown>('DELETE', '/api/v1/session'),
  applications: (query: Query) => json<ApplicationListAnswer>('GET', '/api/v1/applications', query),
  application: (name: string) => json<Application>('GET', application(name)),
  refresh: (name: string) => json<Application>('GET', application(name), { refresh: 'normal' }),
  tree: (name: string) => json<ResourceTreeAnswer>('GET', `${application(name)}/resource-tree`),
  managed: (name: string) => json<ManagedResourcesAnswer>('GET', `${application(name)}/managed-resources`),
  plan: (name: string, query: Query) => json<PlanAnswer>('GET', `${application(name)}/plan`, query),
  runs: (name: string) => json<RunsAnswer>('GET', `${application(name)}/runs`),
  events: (name: string) => json<{ readonly items: readonly KubeEvent[] }>('GET', `${application(name)}/events`),
  sync: (name: string, choice: SyncChoice) => json<SyncRun>('POST', `${application(name)}/sync`, {}, choice),
  rollback: (name: string, body: { readonly id: number; readonly reason: string }) => json<SyncRun>('POST', `${application(name)}/rollback`, {}, body),
  unpin: (name: string) => json<unknown>('DELETE', `${application(name)}/pin`),
  terminate: (name: string) => json<unknown>('DELETE', `${application(name)}/operation`),
  repositories: () => json<{ readonly items: readonly RepositoryAnswer[] }>('GET', '/api/v1/repositories'),
  clusters: () => json<{ readonly items: readonly ClusterAnswer[] }>('GET', '/api/v1/clusters'),
};

/** A Kubernetes event, as far as it is shown. */
export interface KubeEvent {
  readonly metadata: { readonly uid?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

/** Lines of a log as they arrive, until the signal aborts. */
export async function* logLines(name: string, query: Query, signal: AbortSignal): AsyncGenerator<LogLine> {
  const response = await send('GET', `${application(name)}/logs`, query, undefined, signal);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  let pending = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    pending += value;
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield (JSON.parse(line) as { readonly result: LogLine }).result;
  }
}
