import { decodeUtf8, encodeUtf8 } from './bytes.ts';

/** An absolute URI, or an absolute path, taken apart as Go's url.ParseRequestURI does. */
export interface ParsedUrl {
  readonly text: string;
  readonly scheme: string;
  /** With the port. */
  readonly host: string;
  readonly escapedPath: string;
  readonly query: readonly (readonly [key: string, value: string])[];
}

const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s;

/** Takes a URI apart; undefined when the text is neither an absolute URI nor an absolute path. */
export function parseUrl(text: string): ParsedUrl | undefined {
  if ([...text].some((char) => char < ' ' || char === '\u007f')) return undefined;
  const [bare = ''] = text.split('#', 1);
  const match = bare.startsWith('/') ? /^()()(\/[^?]*)(?:\?(.*))?$/s.exec(bare) : ABSOLUTE.exec(bare);
  if (match === null) return undefined;
  const [, scheme = '', authority, path = '', query = ''] = match;
  const host = hostOf(authority ?? '');
  if (host === undefined || unescapePercent(path) === undefined) return undefined;
  // Without an authority only rooted paths and opaque parts remain, and Go refuses neither.
  return { text, scheme: scheme.toLowerCase(), host, escapedPath: escapePath(path), query: parseQuery(query) };
}

function hostOf(authority: string): string | undefined {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (/[\s<>"^`{}|\\]/.test(host)) return undefined;
  const match = /^(\[[0-9a-fA-F:.%\w]*\]|[^:[\]]*)(?::(\d*))?$/.exec(host);
  return match === null ? undefined : host;
}

// Characters that may stand in a path as they are; others are escaped where the text did not.
function escapePath(path: string): string {
  return [...path]
    .map((char) =>
      /[A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/.test(char)
        ? char
        : [...encodeUtf8(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
    .join('');
}

function unescapePercent(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < text.length;) {
    if (text[at] === '%') {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 3;
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    bytes.push(...encodeUtf8(char));
    at += char.length;
  }
  return decodeUtf8(Uint8Array.from(bytes)) ?? text;
}

// Pairs that are not well escaped are left out, as url.Query does.
function parseQuery(query: string): ParsedUrl['query'] {
  return query
    .split('&')
    .filter((pair) => pair !== '' && !pair.includes(';'))
    .flatMap((pair) => {
      const equal = pair.indexOf('=');
      const [key, value] = equal < 0 ? [pair, ''] : [pair.slice(0, equal), pair.slice(equal + 1)];
      const [left, right] = [unescapePercent(key.replaceAll('+', ' ')), unescapePercent(value.replaceAll('+', ' '))];
      return left === undefined || right === undefined ? [] : [[left, right] as const];
    });
}
