import { fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';

const LINK_PREFIX = 'link.argocd.argoproj.io/';
const IGNORE_DEFAULTS = 'argocd.argoproj.io/ignore-default-links';
const MAX_URLS = 100;

/** Addresses under which people reach what an application runs: hosts of Ingresses, and links that annotations give. Only http and https. */
export function externalUrls(objects: readonly KubeObject[]): readonly string[] {
  const urls = objects.flatMap((object) => [...ingressUrls(object), ...annotatedLinks(object)]);
  return [...new Set(urls)].toSorted().slice(0, MAX_URLS);
}

function annotatedLinks({ metadata }: KubeObject): readonly string[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([name, value]) => {
    if (!name.startsWith(LINK_PREFIX)) return [];
    // `Title|URL` gives the link a title; a link that could run script is none.
    const url = value.slice(value.lastIndexOf('|') + 1).trim();
    return /^https?:\/\//i.test(url) && URL.canParse(url) ? [value.trim()] : [];
  });
}

function ingressUrls(object: KubeObject): readonly string[] {
  if (object.kind !== 'Ingress' || object.metadata.annotations?.[IGNORE_DEFAULTS] === 'true') return [];
  const secured = tlsHosts(object);
  const addresses = listAt(object, 'status', 'loadBalancer', 'ingress').flatMap((entry) => textAt(entry, 'hostname') ?? textAt(entry, 'ip') ?? []);
  return listAt(object, 'spec', 'rules').flatMap((rule) => {
    const host = textAt(rule, 'host');
    const hosts = host === undefined || host === '' ? addresses : [host];
    const paths = listAt(rule, 'http', 'paths').map((entry) => (textAt(entry, 'path') ?? '').replace(/\*+$/, ''));
    return hosts.flatMap((name) => {
      const scheme = secured.has(name) || secured.has('') ? 'https' : 'http';
      return (paths.length === 0 ? [''] : paths).map((path) => `${scheme}://${name}${path === '/' ? '' : path}`);
    });
  });
}

// An entry without hosts secures all.
function tlsHosts(ingress: KubeObject): ReadonlySet<string> {
  const hosts = listAt(ingress, 'spec', 'tls').flatMap((entry) => {
    const named = listAt(entry, 'hosts').filter((host): host is string => typeof host === 'string');
    return named.length === 0 ? [''] : named;
  });
  return new Set(hosts);
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found: unknown = fieldAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

function textAt(value: unknown, name: string): string | undefined {
  const found: unknown = isJsonObject(value) ? value[name] : undefined;
  return typeof found === 'string' && found !== '' ? found : undefined;
}
