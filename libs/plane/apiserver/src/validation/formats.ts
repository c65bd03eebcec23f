import { isIP } from 'node:net';
import { isDnsLabel, isDnsSubdomain } from '@tiphys/kube-model';

/** A format of text: why a value is not of it, in upstream's words; undefined when it is. */
export type Format = (text: string) => string | undefined;

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const CONFIG_KEY =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const ENV_NAME = "a valid environment variable name must consist only of printable ASCII characters other than '='";
const HEADER_NAME = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
const IP_DETAIL = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const CIDR_DETAIL = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

const tooLong = (text: string, max: number): string | undefined => (text.length > max ? `must be no more than ${max} characters` : undefined);

export const dnsLabel: Format = (text) => tooLong(text, 63) ?? (isDnsLabel(text) ? undefined : LABEL);
export const dnsSubdomain: Format = (text) => tooLong(text, 253) ?? (isDnsSubdomain(text) ? undefined : SUBDOMAIN);
export const dnsLabel1035: Format = (text) => tooLong(text, 63) ?? (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text) ? undefined : LABEL_1035);
export const wildcardSubdomain: Format = (text) => tooLong(text, 253) ?? (text.startsWith('*.') && isDnsSubdomain(text.slice(2)) ? undefined : WILDCARD);
export const labelValue: Format = (text) =>
  text.length > 63 ? 'must be no more than 63 characters' : /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(text) ? undefined : LABEL_VALUE;
export const envName: Format = (text) => (/^[ -<>-~]+$/.test(text) ? undefined : ENV_NAME);
export const headerName: Format = (text) => (/^[-A-Za-z0-9]+$/.test(text) ? undefined : HEADER_NAME);
export const ipAddress: Format = (text) => (isIP(text) === 0 ? IP_DETAIL : undefined);

/** Keys of labels, annotations, taints, conditions and the like. */
export const qualifiedName: Format = (text) => {
  const slash = text.indexOf('/');
  if (slash === 0) return 'prefix part must be non-empty';
  const name = text.slice(slash + 1);
  if (slash > 0) {
    if (name.includes('/'))
      return `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
    const detail = dnsSubdomain(text.slice(0, slash));
    if (detail !== undefined) return `prefix part ${detail}`;
  }
  if (name === '') return `name part must be non-empty`;
  if (name.length > 63) return 'name part must be no more than 63 characters';
  return /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name) ? undefined : QUALIFIED;
};

/** Keys of ConfigMaps and Secrets. */
export const configKey: Format = (text) => {
  if (text.length > 253) return 'must be no more than 253 characters';
  if (!/^[-._a-zA-Z0-9]+$/.test(text)) return CONFIG_KEY;
  if (text === '.' || text === '..') return `must not be '${text}'`;
  return text.startsWith('..') ? "must not start with '..'" : undefined;
};

/** One step of a URL's path: names of RBAC objects. */
export const pathSegment: Format = (text) => {
  if (text === '.' || text === '..') return `may not be '${text}'`;
  const found = ['/', '%'].find((char) => text.includes(char));
  return found === undefined ? undefined : `may not contain '${found}'`;
};

/** Names of ports. */
export const portName: Format = (text) => {
  if (text.length > 15) return 'must be no more than 15 characters';
  if (!/^[-a-z0-9]+$/.test(text)) return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
  if (!/[a-z]/.test(text)) return 'must contain at least one letter (a-z)';
  if (text.includes('--')) return 'must not contain consecutive hyphens';
  return text.startsWith('-') || text.endsWith('-') ? 'must not begin or end with a hyphen' : undefined;
};

/** A range of addresses. */
export const cidr: Format = (text) => {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  return rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128) ? undefined : CIDR_DETAIL;
};

/** A name of somebody's domain: `example.com/name`. */
export const domainPath: Format = (text) => {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) return `must be a domain-prefixed path (such as "acme.io/foo")`;
  const detail = dnsSubdomain(text.slice(0, slash));
  return detail ?? (/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(text.slice(slash + 1)) ? undefined : 'must be a domain-prefixed path (such as "acme.io/foo")');
};

/** Address families, as ipFamilies and address types name them. */
export function familyOf(address: string): 'IPv4' | 'IPv6' | undefined {
  const family = isIP(address.split('/')[0] ?? '');
  return family === 4 ? 'IPv4' : family === 6 ? 'IPv6' : undefined;
}
