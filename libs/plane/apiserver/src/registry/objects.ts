import { StoreError, type Entry } from '@tiphys/plane-store';
import { statusError } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { convertDraft } from '../convert/convert.ts';
import { defaultCustom } from '../crd/structural-schema.ts';
import { decodeDraft, encodeDraft, type Draft, type JsonMap } from '../draft.ts';
import { alreadyExists, conflict, notFound } from '../failures.ts';
import { objectKey, type ServedResource } from './served.ts';

// Parsed objects of recent entries, by identity of their bytes. Shared: whoever changes one copies it first.
const MAX_PARSED = 4_000;
const parsed = new Map<Uint8Array, Draft>();

/** The object of stored bytes, as stored. Shared: copy before change. */
export function parseStored(bytes: Uint8Array): Draft {
  const known = parsed.get(bytes);
  if (known !== undefined) return known;
  const draft = decodeDraft(bytes);
  if (parsed.size >= MAX_PARSED) for (const key of [...parsed.keys()].slice(0, MAX_PARSED / 4)) parsed.delete(key);
  parsed.set(bytes, draft);
  return draft;
}

/** Whether stored bytes can be sent as they are in the served version. */
function servesBytes(served: ServedResource): boolean {
  return served.apiVersion === served.storedApiVersion && served.custom === undefined;
}

/** The object in the served version. A copy when it had to be converted, else shared. */
export function readAs(served: ServedResource, bytes: Uint8Array): Draft {
  const stored = parseStored(bytes);
  const needsDefaults = served.custom?.schema.defaultsBelow === true;
  if (stored.apiVersion === served.apiVersion && !needsDefaults) return stored;
  const draft = convertDraft(structuredClone(stored), served.apiVersion);
  // A Draft is a JSON object.
  if (served.custom !== undefined && needsDefaults) defaultCustom(draft as unknown as JsonMap, served.custom.schema);
  return draft;
}

/** The bytes of the object in the served version. */
export function bytesAs(served: ServedResource, bytes: Uint8Array): Uint8Array {
  if (servesBytes(served)) return bytes;
  const draft = readAs(served, bytes);
  return draft === parseStored(bytes) ? bytes : encodeDraft(draft);
}

/** The entry of the scope's object, now or at a revision that is kept. Throws 404. */
export function mustGetEntry(core: Core, scope: Scope, name: string = scope.name, revision?: number): Entry {
  const entry = core.store.get(objectKey(scope.served, scope.namespace, name), revision);
  if (entry === undefined) throw notFound(scope.served, name);
  return entry;
}

/** Writes an object in its stored version and returns it in the served one, with its resourceVersion. */
export async function putObject(core: Core, scope: Scope, draft: Draft, live: Entry | undefined): Promise<Draft> {
  return await write(core, scope, draft, live, 'put');
}

/** Removes an object; `draft` is its last state. */
export async function removeObject(core: Core, scope: Scope, draft: Draft, live: Entry): Promise<Draft> {
  return await write(core, scope, draft, live, 'delete');
}

async function write(core: Core, scope: Scope, draft: Draft, live: Entry | undefined, kind: 'put' | 'delete'): Promise<Draft> {
  const { served } = scope;
  const name = draft.metadata.name ?? '';
  const stored = convertDraft(draft.apiVersion === served.storedApiVersion ? draft : structuredClone(draft), served.storedApiVersion);
  try {
    await core.store.write({
      kind,
      key: objectKey(served, scope.namespace, name),
      expect: live === undefined ? { kind: 'absent' } : { kind: 'revision', revision: live.modRevision },
      encode: (revision) => {
        stored.metadata.resourceVersion = String(revision);
        draft.metadata.resourceVersion = String(revision);
        return encodeDraft(stored);
      },
    });
  } catch (error) {
    throw translate(error, served, name);
  }
  return draft;
}

function translate(error: unknown, served: ServedResource, name: string): unknown {
  if (!(error instanceof StoreError)) return error;
  switch (error.code) {
    case 'exists':
      return alreadyExists(served, name);
    case 'missing':
      return notFound(served, name);
    case 'conflict':
      return conflict(served, name);
    case 'closed':
      return statusError('ServiceUnavailable', 'the server is closing');
    case 'compacted':
    case 'future':
    case 'slowWatcher':
    case 'locked':
    case 'failed':
      return error;
  }
}
