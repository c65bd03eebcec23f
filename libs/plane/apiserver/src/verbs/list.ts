import { StoreError, type Entry } from '@tiphys/plane-store';
import { statusError } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { badRequest, tooLarge } from '../failures.ts';
import { parseRevision, type ListQuery } from '../http/query.ts';
import { readable, readAs } from '../registry/objects.ts';
import { isSelected, parseSelection, selectedName } from '../registry/selection.ts';
import { listPrefix, objectKey } from '../registry/served.ts';
import { pastRevision } from './past.ts';

/** A page of a collection. */
export interface ListPage {
  readonly entries: readonly Entry[];
  readonly resourceVersion: string;
  readonly continueToken: string;
  readonly remainingItemCount: number | undefined;
}

interface Token {
  readonly rv: number;
  readonly start: string;
}

/** Lists a collection at one revision. Throws 400, 410 and 504. */
export async function listObjects(core: Core, scope: Scope, query: ListQuery): Promise<ListPage> {
  const selection = parseSelection(scope.served, query.labelSelector, query.fieldSelector);
  const prefix = listPrefix(scope.served, scope.namespace);
  const token = query.continueToken === '' ? undefined : decodeToken(query);
  const revision = token === undefined ? requestedRevision(core, query) : token.rv > 0 ? token.rv : undefined;
  const limit = query.limit > 0 ? query.limit : Infinity;
  try {
    const result = core.store.list({
      prefix,
      ...(token === undefined ? {} : { after: prefix + token.start.slice(0, -1) }),
      ...(revision === undefined ? {} : { revision }),
      ...(selection.isEmpty && limit !== Infinity ? { limit } : {}),
    });
    const waiting = readable(
      core,
      scope.served,
      result.entries.map((entry) => entry.value),
    );
    if (waiting !== undefined) await waiting;
    if (selection.isEmpty) return page(prefix, result.entries, result.revision, result.remaining);
    const name = selectedName(selection);
    const candidates =
      name === undefined || scope.namespace === undefined
        ? result.entries
        : result.entries.filter((entry) => entry.key === objectKey(scope.served, scope.namespace, name));
    const found: Entry[] = [];
    for (const entry of candidates) {
      if (!isSelected(selection, readAs(scope.served, entry.value))) continue;
      if (found.length === limit) return { ...page(prefix, found, result.revision, 1), remainingItemCount: undefined };
      found.push(entry);
    }
    return page(prefix, found, result.revision, 0);
  } catch (error) {
    throw translate(core, error, token, prefix);
  }
}

function page(prefix: string, entries: readonly Entry[], revision: number, remaining: number): ListPage {
  const last = entries.at(-1);
  const more = remaining > 0 && last !== undefined;
  return {
    entries,
    resourceVersion: String(revision),
    continueToken: more ? encodeToken({ rv: revision, start: `${last.key.slice(prefix.length)}\0` }) : '',
    remainingItemCount: more ? remaining : undefined,
  };
}

// Everything is served at the latest revision, which is never older than one asked for; only Exact reads the past.
function requestedRevision(core: Core, query: ListQuery): number | undefined {
  if (query.at !== '') return pastRevision(core, query.at);
  if (query.resourceVersion === '' || query.resourceVersion === '0') return undefined;
  const revision = parseRevision(query.resourceVersion);
  if (revision > core.store.revision) throw tooLarge(revision, core.store.revision);
  return query.resourceVersionMatch === 'Exact' ? revision : undefined;
}

function encodeToken({ rv, start }: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url');
}

function decodeToken(query: ListQuery): Token {
  if (query.resourceVersion !== '' && query.resourceVersion !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  try {
    const value: unknown = JSON.parse(Buffer.from(query.continueToken, 'base64url').toString());
    if (
      typeof value === 'object' &&
      value !== null &&
      'v' in value &&
      value.v === 'meta.k8s.io/v1' &&
      'rv' in value &&
      typeof value.rv === 'number' &&
      'start' in value &&
      typeof value.start === 'string' &&
      !value.start.startsWith('/')
    ) {
      return { rv: value.rv, start: value.start };
    }
  } catch {
    // Not a token of ours: answered below.
  }
  throw badRequest('continue key is not valid: invalid token');
}

function translate(core: Core, error: unknown, token: Token | undefined, _prefix: string): unknown {
  if (!(error instanceof StoreError)) return error;
  if (error.code === 'future') return tooLarge(error.detail.code === 'future' ? error.detail.revision : 0, core.store.revision);
  if (error.code !== 'compacted') return error;
  const message =
    token === undefined
      ? `The resourceVersion for the provided list is too old.`
      : 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  const failure = statusError('Expired', message);
  return token === undefined
    ? failure
    : Object.assign(statusError('Expired', message), { status: { ...failure.status, metadata: { continue: encodeToken({ rv: -1, start: token.start }) } } });
}
