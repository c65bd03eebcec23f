import { statusError } from '@tiphys/kube-model';
import type { WriteFlags } from '../core.ts';
import { badRequest } from '../failures.ts';

/** Parameters of lists and watches. */
export interface ListQuery {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
  /** The past to be listed: a revision or an RFC 3339 time; empty for the present. */
  readonly at: string;
}

const isTrue = (text: string | null): boolean => text === 'true' || text === '1';

/** Reads the parameters of a list or watch. Throws 400 and 422 as upstream does. */
export function parseListQuery(query: URLSearchParams, isWatch: boolean = false): ListQuery {
  const sendInitial = query.get('sendInitialEvents');
  const parsed: ListQuery = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: numberOf(query, 'limit') ?? 0,
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    watch: isWatch || isTrue(query.get('watch')),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: sendInitial === null ? undefined : isTrue(sendInitial),
    timeoutSeconds: numberOf(query, 'timeoutSeconds'),
    at: query.get('at') ?? '',
  };
  const wrong = combinationProblem(parsed);
  if (wrong !== undefined) throw statusError('Invalid', `ListOptions.meta.k8s.io "" is invalid: ${wrong}`, { group: 'meta.k8s.io', kind: 'ListOptions' });
  return parsed;
}

function combinationProblem(query: ListQuery): string | undefined {
  const { resourceVersion, resourceVersionMatch: match, watch, sendInitialEvents, continueToken } = query;
  if (query.at !== '' && (watch || resourceVersion !== '' || match !== '')) return 'at: Forbidden: at is forbidden for watch and with resourceVersion';
  if (watch) {
    if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
      return 'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    if (sendInitialEvents === undefined && match !== '')
      return 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    if (sendInitialEvents === true && !query.allowWatchBookmarks) return 'sendInitialEvents: Forbidden: sendInitialEvents requires allowWatchBookmarks';
    return undefined;
  }
  if (sendInitialEvents !== undefined) return 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list';
  if (match === '') return undefined;
  if (match !== 'Exact' && match !== 'NotOlderThan')
    return `resourceVersionMatch: Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`;
  if (continueToken !== '') return 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided';
  if (resourceVersion === '') return 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided';
  if (match === 'Exact' && resourceVersion === '0') return 'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
  return undefined;
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** A resourceVersion as a number. Throws 400. */
export function parseRevision(text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** Reads the parameters of a write. `userAgent` names the manager when the request does not. */
export function parseWriteFlags(query: URLSearchParams, userAgent: string, warn: (text: string) => void, isApply: boolean = false): WriteFlags {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All'))
    throw statusError(
      'Invalid',
      `Invalid value: ${JSON.stringify(dryRun[0])}: dryRun: Unsupported value: ${JSON.stringify(dryRun[0])}: supported values: "All"`,
    );
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(validation))
    throw statusError('Invalid', `fieldValidation: Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Strict", "Warn"`);
  const manager = query.get('fieldManager') ?? '';
  if (isApply && manager === '')
    throw statusError('Invalid', 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch', {
      group: 'meta.k8s.io',
      kind: 'PatchOptions',
    });
  if (manager.length > 128) throw statusError('Invalid', 'fieldManager: Too long: may not be more than 128 bytes');
  return {
    dryRun: dryRun.length > 0,
    fieldManager: manager === '' ? (userAgent.split('/')[0] ?? 'unknown').slice(0, 128) || 'unknown' : manager,
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    force: isTrue(query.get('force')),
    warn,
  };
}
