import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { redactUrl } from '@tiphys/kernel';
import type { RepositoryAccess } from './repository.ts';
import { SourceError } from './source-error.ts';

type ConnectionAccess = Pick<RepositoryAccess, 'insecure' | 'caCertificates' | 'clientCertificate' | 'proxy' | 'noProxy'>;

/** Connections of one access: its trust, its certificate, its proxy. Undefined where the common pool will do; to be closed by the caller. Throws SourceError. */
export function dispatcherFor(access: ConnectionAccess, url: string): Dispatcher | undefined {
  const tls = {
    ...(access.insecure === true ? { rejectUnauthorized: false } : {}),
    ...(isSet(access.caCertificates) ? { ca: access.caCertificates } : {}),
    ...(access.clientCertificate === undefined ? {} : { cert: access.clientCertificate.certificate, key: access.clientCertificate.key }),
  };
  if (isSet(access.proxy) && !isDirect(new URL(url).hostname, access.noProxy ?? '')) return proxyAgent(access.proxy, tls, url);
  return Object.keys(tls).length === 0 ? undefined : new Agent({ connect: tls });
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function proxyAgent(proxy: string, tls: object, url: string): Dispatcher {
  if (!/^https?:\/\//i.test(proxy)) {
    const remote = redactUrl(url);
    throw new SourceError({ code: 'unreachable', remote }, `repository ${remote}: proxy ${redactUrl(proxy)} is not an HTTP proxy`, {
      hint: 'give a proxy URL that begins with http:// or https://',
    });
  }
  return new ProxyAgent({ uri: proxy, requestTls: tls });
}

// As curl and Go read no_proxy: a name stands for itself and what is below it.
function isDirect(host: string, noProxy: string): boolean {
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || host === entry.replace(/^\./, '') || host.endsWith(`.${entry.replace(/^\*?\./, '')}`));
}
