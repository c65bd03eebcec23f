import { statusError } from '@tiphys/kube-model';
import {
  StoreError,
  type Entry,
  type ListRequest,
  type ListResult,
  type Store,
  type StoreEvent,
  type WatchBatch,
  type WatchRequest,
  type WriteRequest,
} from '@tiphys/plane-store';
import { decodeDraft, encodeDraft } from '../draft.ts';
import type { EncryptionConfiguration, Provider } from './configuration.ts';
import { cipherOf } from './providers.ts';

const PREFIX = 'k8s:enc:';

/** A store that seals the values of some resources before they reach the one below, and opens them on the way back. */
export class SealedStore implements Store {
  readonly #below: Store;
  readonly #providers: (key: string) => readonly Provider[] | undefined;
  // Opened bytes by the identity of the sealed ones: each is opened once, and what is parsed of it stays known too.
  readonly #opened = new WeakMap<Uint8Array, Uint8Array>();

  constructor(below: Store, configuration: EncryptionConfiguration) {
    this.#below = below;
    this.#providers = providersByKey(configuration);
  }

  get revision(): number {
    return this.#below.revision;
  }

  get compactRevision(): number {
    return this.#below.compactRevision;
  }

  get(key: string, revision?: number): Entry | undefined {
    const entry = this.#below.get(key, revision);
    return entry === undefined ? undefined : this.#openEntry(entry);
  }

  list(request: ListRequest): ListResult {
    const result = this.#below.list(request);
    return { ...result, entries: result.entries.map((entry) => this.#openEntry(entry)) };
  }

  revisionAt(timeMs: number): number {
    return this.#below.revisionAt(timeMs);
  }

  count(prefix: string): number {
    return this.#below.count(prefix);
  }

  async write(request: WriteRequest): Promise<Entry> {
    const written = await this.#below.write({
      ...request,
      encode: (revision, current) => {
        const plain = request.encode(revision, current === undefined ? undefined : this.#openEntry(current));
        const sealed = this.#seal(request.key, plain);
        this.#opened.set(sealed, plain);
        return sealed;
      },
    });
    return this.#openEntry(written);
  }

  async *watch(request: WatchRequest): AsyncGenerator<WatchBatch> {
    for await (const batch of this.#below.watch(request)) yield { ...batch, events: batch.events.map((event) => this.#openEvent(event)) };
  }

  compact(revision: number): void {
    this.#below.compact(revision);
  }

  close(): Promise<void> {
    return this.#below.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Writes everything again that is not kept as a new write would be: how keys are changed. Returns how many objects that were. */
  async rewriteStale(signal: AbortSignal): Promise<number> {
    let count = 0;
    for (const { key, value, modRevision } of this.#below.list({ prefix: '/' }).entries) {
      if (signal.aborted) return count;
      const providers = this.#providers(key);
      if (!isStale(providers?.[0], value)) continue;
      try {
        await this.write({
          kind: 'put',
          key,
          expect: { kind: 'revision', revision: modRevision },
          encode: (revision, current) => renumber(current?.value ?? value, revision),
        });
        count += 1;
      } catch (error) {
        // Written or deleted in the meantime, and then it is not stale any more.
        if (!(error instanceof StoreError && (error.code === 'conflict' || error.code === 'missing'))) throw error;
      }
    }
    return count;
  }

  #seal(key: string, plain: Uint8Array): Uint8Array {
    const provider = this.#providers(key)?.[0];
    if (provider === undefined || provider.kind === 'identity') return plain;
    const [first] = provider.keys;
    if (first === undefined) return plain;
    return Buffer.concat([Buffer.from(labelOf(provider.kind, first.name)), cipherOf(provider.kind, first).seal(plain, key)]);
  }

  // Opened when looked at: one object that cannot be opened harms nobody who does not want it.
  #openEntry(entry: Entry): Entry {
    if (!isSealed(entry.value)) return entry;
    const open = (): Uint8Array => this.#open(entry.key, entry.value);
    const { key, createRevision, modRevision } = entry;
    return {
      key,
      createRevision,
      modRevision,
      get value() {
        return open();
      },
    };
  }

  #openEvent(event: StoreEvent): StoreEvent {
    const previous = event.previous === undefined ? undefined : this.#openEntry(event.previous);
    if (!isSealed(event.value)) return previous === event.previous ? event : { ...event, previous };
    const open = (): Uint8Array => this.#open(event.key, event.value);
    const { kind, key, revision, createRevision, atMs } = event;
    return {
      kind,
      key,
      revision,
      createRevision,
      atMs,
      previous,
      get value() {
        return open();
      },
    };
  }

  #open(key: string, value: Uint8Array): Uint8Array {
    if (!isSealed(value)) return value;
    const known = this.#opened.get(value);
    if (known !== undefined) return known;
    const plain = openWith(this.#providers(key) ?? [], key, value);
    this.#opened.set(value, plain);
    return plain;
  }
}

function labelOf(kind: string, name: string): string {
  return `${PREFIX}${kind}:v1:${name}:`;
}

// Plain values are JSON, which begins with a brace.
function isSealed(value: Uint8Array): boolean {
  return value[0] === PREFIX.charCodeAt(0) && Buffer.from(value.buffer, value.byteOffset, PREFIX.length).toString() === PREFIX;
}

function isStale(first: Provider | undefined, value: Uint8Array): boolean {
  if (first === undefined || first.kind === 'identity') return isSealed(value) && first !== undefined;
  const label = labelOf(first.kind, first.keys[0]?.name ?? '');
  return Buffer.from(value.buffer, value.byteOffset, Math.min(label.length, value.length)).toString() !== label;
}

function openWith(providers: readonly Provider[], key: string, value: Uint8Array): Uint8Array {
  const start = Buffer.from(value.buffer, value.byteOffset, Math.min(512, value.length)).toString('latin1');
  for (const provider of providers) {
    if (provider.kind === 'identity') continue;
    const named = provider.keys.find(({ name }) => start.startsWith(labelOf(provider.kind, name)));
    if (named === undefined) continue;
    try {
      return cipherOf(provider.kind, named).open(value.subarray(labelOf(provider.kind, named.name).length), key);
    } catch (error) {
      throw unreadable(key, `key ${JSON.stringify(named.name)} does not open it`, error);
    }
  }
  throw unreadable(key, `its key ${JSON.stringify(start.split(':')[4] ?? '')} is not in the encryption configuration`);
}

function unreadable(key: string, why: string, cause?: unknown): Error {
  return Object.assign(
    statusError('InternalError', `Internal error occurred: ${key.slice(1)}: cannot be decrypted: ${why}`),
    cause === undefined ? {} : { cause },
  );
}

function renumber(bytes: Uint8Array, revision: number): Buffer {
  const draft = decodeDraft(bytes);
  draft.metadata.resourceVersion = String(revision);
  return encodeDraft(draft);
}

// `/core/secrets/…` is `secrets`, `/apps/deployments/…` is `deployments.apps`; patterns are `*.`, `*.<group>` and `*.*`.
function providersByKey({ resources }: EncryptionConfiguration): (key: string) => readonly Provider[] | undefined {
  const known = new Map<string, readonly Provider[] | undefined>();
  return (key) => {
    const [, group = '', resource = ''] = key.split('/', 3);
    const id = `${group}/${resource}`;
    if (!known.has(id))
      known.set(id, resources.find((entry) => entry.resources.some((pattern) => matches(pattern, group === 'core' ? '' : group, resource)))?.providers);
    return known.get(id);
  };
}

function matches(pattern: string, group: string, resource: string): boolean {
  if (pattern === '*.*') return true;
  if (pattern.startsWith('*.')) return pattern.slice(2) === group;
  return pattern === (group === '' ? resource : `${resource}.${group}`) || (group === '' && pattern === `${resource}.`);
}
