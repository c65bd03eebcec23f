import { abortReason, sleep } from '@tiphys/kernel';
import {
  formatApiVersion,
  resourcePath,
  StatusError,
  type KubeList,
  type KubeObject,
  type metav1,
  type ObjectKey,
  type ResourceType,
} from '@tiphys/kube-model';
import type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  ListOptions,
  ListSelection,
  PatchOptions,
  PatchType,
  RawRequest,
  RawResponse,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { ConnectionError, type Connection } from './connection.ts';
import { readLines } from './lines.ts';
import { Transport } from './transport.ts';

/** How much later than it promised a server may end a watch. */
const LATE_MS = 10_000;

const PATCH_CONTENT_TYPE: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** Makes a client of one API server. Nothing is sent before the first call. */
export function createKubeClient(connection: Connection): KubeClient {
  return new RestClient(new Transport(connection));
}

class RestClient implements KubeClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get server(): string {
    return this.#transport.server;
  }

  get<T extends KubeObject>(type: ResourceType, key: ObjectKey, options: CallOptions): Promise<T> {
    return this.#transport.json({ method: 'GET', path: resourcePath(type, key, options.subresource), signal: options.signal });
  }

  async list<T extends KubeObject>(type: ResourceType, options: ListOptions): Promise<KubeList<T>> {
    const list = await this.#transport.json<KubeList<T>>({
      method: 'GET',
      path: resourcePath(type, { namespace: options.namespace }),
      query: {
        ...selectionQuery(options),
        limit: options.limit?.toString(),
        continue: options.continue,
        resourceVersion: options.resourceVersion,
        resourceVersionMatch: options.resourceVersionMatch,
      },
      headers: options.metadataOnly === true ? { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' } : {},
      signal: options.signal,
    });
    // Items of a built-in list carry no type of their own; give it back, so an object always says what it is.
    const apiVersion = formatApiVersion(type.group, type.version);
    return {
      ...list,
      items: (list.items ?? []).map((item) => (options.metadataOnly !== true && item.kind !== undefined ? item : { ...item, apiVersion, kind: type.kind })),
    };
  }

  create<T extends KubeObject>(type: ResourceType, object: T, options: WriteOptions): Promise<T> {
    const { namespace, name } = object.metadata;
    const path =
      options.subresource === undefined ? resourcePath(type, { namespace }) : resourcePath(type, { namespace, name: name ?? '' }, options.subresource);
    return this.#transport.json({ method: 'POST', path, query: writeQuery(options), headers: JSON_BODY, body: JSON.stringify(object), signal: options.signal });
  }

  update<T extends KubeObject>(type: ResourceType, object: T, options: WriteOptions): Promise<T> {
    const { namespace, name = '' } = object.metadata;
    return this.#transport.json({
      method: 'PUT',
      path: resourcePath(type, { namespace, name }, options.subresource),
      query: writeQuery(options),
      headers: JSON_BODY,
      body: JSON.stringify(object),
      signal: options.signal,
    });
  }

  patch<T extends KubeObject>(type: ResourceType, key: ObjectKey, patch: unknown, options: PatchOptions): Promise<T> {
    return this.#transport.json({
      method: 'PATCH',
      path: resourcePath(type, key, options.subresource),
      query: { ...writeQuery(options), ...(options.force === undefined ? {} : { force: String(options.force) }) },
      headers: { 'content-type': PATCH_CONTENT_TYPE[options.type] },
      body: JSON.stringify(patch), // JSON is YAML, so it serves the apply content type too.
      signal: options.signal,
    });
  }

  delete(type: ResourceType, key: ObjectKey, options: DeleteOptions): Promise<KubeObject | metav1.Status> {
    const { propagationPolicy, gracePeriodSeconds, preconditions, dryRun } = options;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(dryRun === true ? { dryRun: ['All'] } : {}),
    };
    return this.#transport.json({
      method: 'DELETE',
      path: resourcePath(type, key, options.subresource),
      headers: JSON_BODY,
      body: JSON.stringify(body),
      signal: options.signal,
    });
  }

  async *watch<T extends KubeObject>(type: ResourceType, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { signal, timeoutSeconds } = options;
    const late = new AbortController();
    const over = AbortSignal.any([signal, late.signal]);
    // A half-open connection says nothing for ever, the end that the server promised included. The sleep rejects when the watch is over.
    if (timeoutSeconds !== undefined)
      void sleep(timeoutSeconds * 1_000 + LATE_MS, over).then(
        () => late.abort(),
        () => undefined,
      );
    try {
      const response = await this.#transport.send({
        method: 'GET',
        path: resourcePath(type, { namespace: options.namespace }),
        query: {
          watch: 'true',
          ...selectionQuery(options),
          resourceVersion: options.resourceVersion,
          timeoutSeconds: timeoutSeconds?.toString(),
          allowWatchBookmarks: options.allowBookmarks === true ? 'true' : undefined,
        },
        headers: options.metadataOnly === true ? { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' } : {},
        signal: over,
      });
      for await (const line of readLines(response.body, this.server)) yield this.#parseEvent<T>(line, type);
    } catch (error) {
      if (over.aborted) return;
      throw error;
    } finally {
      late.abort();
    }
  }

  raw(request: RawRequest): Promise<RawResponse> {
    return this.#transport.send(request);
  }

  impersonate(user: string): KubeClient {
    return new RestClient(this.#transport.impersonating(user));
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #parseEvent<T extends KubeObject>(line: string, type: ResourceType): WatchEvent<T> {
    let event: { readonly type: WatchEvent['type'] | 'ERROR'; readonly object: T };
    try {
      // The wire contract of a watch (metav1.WatchEvent).
      event = JSON.parse(line) as typeof event;
    } catch (cause) {
      throw new ConnectionError({ code: 'invalidAnswer', server: this.server, status: 200 }, `watch of ${type.resource}: an event is not JSON`, { cause });
    }
    // The object of an ERROR event is a Status by the same contract.
    if (event.type === 'ERROR') throw new StatusError(event.object as unknown as metav1.Status);
    return {
      type: event.type,
      object:
        event.object.kind === 'PartialObjectMetadata'
          ? { ...event.object, apiVersion: formatApiVersion(type.group, type.version), kind: type.kind }
          : event.object,
    };
  }
}

const JSON_BODY: Readonly<Record<string, string>> = { 'content-type': 'application/json' };

function selectionQuery({ labelSelector, fieldSelector }: ListSelection): Readonly<Record<string, string | undefined>> {
  return { labelSelector, fieldSelector };
}

function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteOptions): Readonly<Record<string, string | undefined>> {
  return { dryRun: dryRun === true ? 'All' : undefined, fieldManager, fieldValidation };
}

/** All pages of a list, as one list at the first page's revision. Throws StatusError `Expired` when the pages outlived their snapshot. */
export async function listAll<T extends KubeObject>(client: KubeClient, type: ResourceType, options: ListOptions): Promise<KubeList<T>> {
  const items: T[] = [];
  let next: string | undefined;
  for (;;) {
    if (options.signal.aborted) throw abortReason(options.signal);
    // A continued request must not repeat the revision: the token carries it.
    const { resourceVersion: _, resourceVersionMatch: __, ...rest } = options;
    const page: KubeList<T> = await client.list<T>(type, next === undefined ? { limit: 500, ...options } : { limit: 500, ...rest, continue: next });
    items.push(...page.items);
    next = page.metadata.continue;
    if (next === undefined || next === '') return { ...page, items };
  }
}
