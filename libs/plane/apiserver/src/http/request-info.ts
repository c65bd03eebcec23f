import { isSelectorProblem, parseFieldSelector } from '@tiphys/kube-model';
import { methodNotAllowed } from '../failures.ts';
import { parseApiPath, type ApiPath } from './api-path.ts';
import type { Exchange } from './exchange.ts';

/** What a request wants, as authorisation, flow control and audit know it (apiserver endpoints/request/requestinfo.go). */
export interface RequestInfo {
  /** The path's resource; undefined for a path that names none. */
  readonly target: ApiPath | undefined;
  /** The verb of a resource, or the method in lower case. */
  readonly verb: string;
  /** The object's name: of the path, or the only one a list or watch selects. */
  readonly name: string;
  /** The namespace; of a Namespace object, its own name. */
  readonly namespace: string;
  /** Watches and connections: they are neither timed out nor counted as requests in flight. */
  readonly isLongRunning: boolean;
}

const CONNECTIONS: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

/** Reads what a request wants. Throws 405 for a method no resource has. */
export function requestInfoOf({ method, path, query }: Pick<Exchange, 'method' | 'path' | 'query'>): RequestInfo {
  const target = parseApiPath(path);
  if (target === undefined || target.resource === '') return { target: undefined, verb: method.toLowerCase(), name: '', namespace: '', isLongRunning: false };
  const verb = verbOf(method, query, target);
  const isNamespace = target.group === '' && target.resource === 'namespaces';
  return {
    target,
    verb,
    name: target.name ?? (verb === 'list' || verb === 'watch' || verb === 'deletecollection' ? selectedName(query) : ''),
    namespace: isNamespace ? (target.name ?? '') : (target.namespace ?? ''),
    isLongRunning: verb === 'watch' || (target.subresource !== undefined && CONNECTIONS.has(target.subresource)),
  };
}

function verbOf(method: string, query: URLSearchParams, target: ApiPath): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (target.isWatch || (target.name === undefined && isTrue(query.get('watch')))) return 'watch';
      return target.name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name === undefined ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

// Rules with resourceNames hold for a list or watch of exactly that name.
function selectedName(query: URLSearchParams): string {
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (isSelectorProblem(fields)) return '';
  return fields.find(({ path, operator }) => path === 'metadata.name' && operator === 'Equals')?.value ?? '';
}
