import { StoreError, type Entry } from '@tiphys/plane-store';
import { statusError } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { convertDraft } from '../convert/convert.ts';
import { ensureConverted, readCustom, toStoredVersion } from '../crd/read-custom.ts';
import { encodeDraft, type Draft } from '../draft.ts';
import { alreadyExists, conflict, notFound } from '../failures.ts';
import { objectKey, type ServedResource } from './served.ts';
import { parseStored } from './stored.ts';

export { parseStored };

/** Whether stored bytes can be sent as they are in the served version. */
function servesBytes(served: ServedResource): boolean {
  return served.apiVersion === served.storedApiVersion && served.custom === undefined;
}

/** The object in the served version. A copy when it had to be converted, else shared. */
export function readAs(served: ServedResource, bytes: Uint8Array): Draft {
  const stored = parseStored(bytes);
  if (served.custom !== undefined) return readCustom(served.custom, stored, bytes);
  return stored.apiVersion === served.apiVersion ? stored : convertDraft(structuredClone(stored), served.apiVersion);
}

/** Waits until stored objects can be read in the served version; undefined when they can. Whoever calls `readAs` for objects that may be custom waits first. */
export function readable(core: Core, served: ServedResource, values: readonly Uint8Array[]): Promise<void> | undefined {
  return ensureConverted(core, served, values, parseStored);
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
  const stored = await inStoredVersion(core, served, draft);
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

async function inStoredVersion(core: Core, served: ServedResource, draft: Draft): Promise<Draft> {
  if (draft.apiVersion === served.storedApiVersion) return draft;
  if (served.custom !== undefined) return await toStoredVersion(core, served.custom, draft);
  return convertDraft(structuredClone(draft), served.storedApiVersion);
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
