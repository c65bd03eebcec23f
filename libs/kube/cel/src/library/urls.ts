import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { parseUrl, type ParsedUrl } from '../url.ts';
import { CelList, CelLiteralMap, type CelOpaque, type CelValue } from '../value.ts';
import { constantCost, traversal } from './cost-rules.ts';

class CelUrl implements CelOpaque {
  readonly typeName = 'kubernetes.URL';
  readonly url: ParsedUrl;

  constructor(url: ParsedUrl) {
    this.url = url;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelUrl && other.url.text === this.url.text;
  }
}

function read(text: CelValue | undefined): ParsedUrl {
  const url = parseUrl(String(text));
  if (url === undefined) throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);
  return url;
}

function must(value: CelValue | undefined): ParsedUrl {
  if (!(value instanceof CelUrl)) throw noSuchOverload();
  return value.url;
}

const one = (run: OverloadBody['run']): OverloadBody => ({ ...constantCost(1), run });

/** Kubernetes' functions of URLs (apiserver pkg/cel/library/urls.go). */
export const URLS: readonly Overload[] = [
  ...overloads('url', ['(string): URL'], { ...traversal(0, 1, true), run: ([text]) => new CelUrl(read(text)) }),
  ...overloads('isURL', ['(string): bool'], ([text]) => parseUrl(String(text)) !== undefined),
  ...overloads(
    'getScheme',
    ['URL.(): string'],
    one(([url]) => must(url).scheme),
  ),
  ...overloads(
    'getHost',
    ['URL.(): string'],
    one(([url]) => must(url).host),
  ),
  ...overloads(
    'getHostname',
    ['URL.(): string'],
    one(([url]) => hostOf(must(url).host).replace(/^\[(.*)\]$/, '$1')),
  ),
  ...overloads(
    'getPort',
    ['URL.(): string'],
    one(([url]) => must(url).host.slice(hostOf(must(url).host).length + 1)),
  ),
  ...overloads(
    'getEscapedPath',
    ['URL.(): string'],
    one(([url]) => must(url).escapedPath),
  ),
  ...overloads(
    'getQuery',
    ['URL.(): map(string, list(string))'],
    one(([url]) => queryOf(must(url))),
  ),
];

// The host without its port.
function hostOf(host: string): string {
  return host.replace(/:\d*$/, '');
}

function queryOf({ query }: ParsedUrl): CelLiteralMap {
  const values = new Map<string, CelValue[]>();
  for (const [key, value] of query) {
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  const map = new CelLiteralMap();
  for (const [key, list] of values) map.insert(key, new CelList(list));
  return map;
}
