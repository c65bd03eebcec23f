/** The parts of a resource path. */
export interface ApiPath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource: the path given to a proxy. */
  readonly rest: string;
  /** A path behind `/watch/`, the way before the parameter of that name. */
  readonly isWatch: boolean;
}

// Subresources of the namespace object itself; anything else behind a namespace is a resource in it.
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Reads `/api/v1/…` and `/apis/<group>/<version>/…`; undefined when the path names no resource. */
export function parseApiPath(pathname: string): ApiPath | undefined {
  const segments = decodeSegments(pathname);
  if (segments === undefined) return undefined;
  const isCore = segments[0] === 'api';
  if (!isCore && segments[0] !== 'apis') return undefined;
  const [group = '', version = ''] = isCore ? ['', segments[1]] : [segments[1], segments[2]];
  const behind = segments.slice(isCore ? 2 : 3);
  const isWatch = behind[0] === 'watch' && behind.length > 1;
  const tail = isWatch ? behind.slice(1) : behind;
  if (version === '' || tail.length === 0) return undefined;
  if (tail[0] === 'namespaces' && tail.length >= 3 && !(isCore && NAMESPACE_SUBRESOURCES.has(tail[2] ?? '') && tail.length === 3)) {
    return { group, version, namespace: tail[1], isWatch, ...partsOf(tail.slice(2)) };
  }
  return { group, version, namespace: undefined, isWatch, ...partsOf(tail) };
}

function partsOf(tail: readonly string[]): Pick<ApiPath, 'resource' | 'name' | 'subresource' | 'rest'> {
  const [resource = '', name, subresource, ...rest] = tail;
  return { resource, name, subresource, rest: rest.join('/') };
}

function decodeSegments(pathname: string): readonly string[] | undefined {
  try {
    return pathname
      .split('/')
      .filter((segment, index, all) => index > 0 && !(segment === '' && index === all.length - 1))
      .map(decodeURIComponent);
  } catch {
    // A malformed escape names no resource.
    return undefined;
  }
}
