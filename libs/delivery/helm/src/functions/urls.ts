import { quote } from '../go/strconv.ts';
import { fromBytes, toBytes } from '../go/text.ts';
import { kindOf } from '../go/type-names.ts';
import { goMap, type GoMap } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import { asMap, define, ofString, type FunctionGroup } from './define.ts';

interface Url {
  readonly scheme: string;
  readonly opaque: string;
  readonly userinfo: string | undefined;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

/** Go's net/url as maps. */
export const urls: FunctionGroup = {
  urlParse: ofString((text) => {
    try {
      return toMap(parseUrl(text));
    } catch (error) {
      throw new GoError(`unable to parse url: parse ${quote(text)}: ${error instanceof Error ? error.message : ''}`);
    }
  }),
  urlJoin: define('map', ([map]) => joinUrl(asMap(map))),
};

function parseUrl(text: string): Url {
  if (/[\x00-\x1f\x7f]/.test(text)) throw new GoError('net/url: invalid control character in URL'); // eslint-disable-line no-control-regex
  const [beforeFragment = '', ...fragment] = text.split('#');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(beforeFragment)?.[1] ?? '';
  if (scheme === '' && beforeFragment.startsWith(':')) throw new GoError('missing protocol scheme');
  const afterScheme = scheme === '' ? beforeFragment : beforeFragment.slice(scheme.length + 1);
  const question = afterScheme.indexOf('?');
  const rest = question < 0 ? afterScheme : afterScheme.slice(0, question);
  const common = { scheme: scheme.toLowerCase(), query: question < 0 ? '' : afterScheme.slice(question + 1), fragment: unescape(fragment.join('#')) };
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...common, opaque: rest, userinfo: undefined, host: '', path: '' };
    if ((rest.split('/')[0] ?? '').includes(':')) throw new GoError('first path segment in URL cannot contain colon');
  }
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///')))
    return { ...common, opaque: '', userinfo: undefined, host: '', path: unescape(rest) };
  const slash = rest.indexOf('/', 2);
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port)) throw new GoError(`invalid port ${quote(`:${port}`)} after host`);
  return {
    ...common,
    opaque: '',
    userinfo: at < 0 ? undefined : authority.slice(0, at),
    host: unescape(host),
    path: slash < 0 ? '' : unescape(rest.slice(slash)),
  };
}

function unescape(text: string): string {
  if (!text.includes('%')) return text;
  const bad = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(text)?.[0];
  if (bad !== undefined) throw new GoError(`invalid URL escape ${quote(bad)}`);
  const parts = text.split(/(%[0-9A-Fa-f]{2})/).map((part) => (/^%[0-9A-Fa-f]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : toBytes(part)));
  return fromBytes(Buffer.concat(parts));
}

function escapeWith(text: string, plain: RegExp): string {
  return [...toBytes(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return byte < 0x80 && plain.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function toMap(url: Url): GoMap {
  return goMap([
    ['scheme', url.scheme],
    ['host', url.host],
    ['hostname', url.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')],
    ['path', url.path],
    ['query', url.query],
    ['opaque', url.opaque],
    ['fragment', url.fragment],
    ['userinfo', url.userinfo ?? ''],
  ]);
}

function joinUrl(parts: GoMap): string {
  const part = (key: string): string => {
    const value = parts.entries.get(key);
    if (value === undefined) return '';
    if (typeof value === 'string') return value;
    throw new GoError(`unable to parse ${key} key, must be of type string, but ${kindOf(value)} found`);
  };
  const [scheme, host, path, query, opaque, fragment, userinfo] = ['scheme', 'host', 'path', 'query', 'opaque', 'fragment', 'userinfo'].map(part);
  let out = scheme === '' ? '' : `${scheme}:`;
  if (opaque !== '') out += opaque;
  else {
    if (scheme !== '' || host !== '' || userinfo !== '') out += host !== '' || path !== '' || userinfo !== '' ? '//' : '';
    if (userinfo !== '') out += `${userinfo}@`;
    out += escapeWith(host ?? '', /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/);
    const escaped = escapeWith(path ?? '', /[A-Za-z0-9\-_.~$&+,/:;=@!'()*]/);
    if (escaped !== '' && !escaped.startsWith('/') && host !== '') out += '/';
    out += escaped;
  }
  if (query !== '') out += `?${query}`;
  if (fragment !== '') out += `#${escapeWith(fragment ?? '', /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/)}`;
  return out;
}
