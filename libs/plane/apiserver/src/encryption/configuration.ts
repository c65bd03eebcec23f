import { DomainError } from '@tiphys/kernel';
import { isJsonObject, type JsonObject } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import { KEY_BYTES, type NamedKey, type ProviderKind } from './providers.ts';

/** One way to keep bytes; `identity` keeps them as they are. */
export type Provider = { readonly kind: 'identity' } | { readonly kind: ProviderKind; readonly keys: readonly NamedKey[] };

/** Which resources are kept how: the first provider writes, with its first key; all of them read. */
export interface EncryptionConfiguration {
  readonly resources: readonly { readonly resources: readonly string[]; readonly providers: readonly Provider[] }[];
}

/** A configuration that cannot be used. No key is ever part of the message. */
class EncryptionConfigurationError extends DomainError<{ readonly code: 'invalid'; readonly field: string }> {
  override readonly name = 'EncryptionConfigurationError';
}

/** Reads an EncryptionConfiguration of apiserver.config.k8s.io/v1. Throws EncryptionConfigurationError, which names the field. */
export function parseEncryptionConfiguration(text: string): EncryptionConfiguration {
  const { values, problems } = parseDocuments(text, { source: 'encryption configuration' });
  // The text has keys in it: the parser's own words might show them.
  if (problems.length > 0) throw invalid('', `is no YAML: see line ${problems[0]?.line ?? 1}`);
  const document = values[0]?.value;
  if (!isJsonObject(document) || values.length > 1) throw invalid('', 'must be one document');
  if (document['kind'] !== 'EncryptionConfiguration' || document['apiVersion'] !== 'apiserver.config.k8s.io/v1')
    throw invalid('kind', 'must be EncryptionConfiguration of apiserver.config.k8s.io/v1');
  const resources = listOf(document, 'resources', '').map((entry, index) => {
    const at = `resources[${index}]`;
    if (!isJsonObject(entry)) throw invalid(at, 'must be an object');
    const names = listOf(entry, 'resources', at).map((name, position) => {
      if (typeof name !== 'string' || name === '') throw invalid(`${at}.resources[${position}]`, 'must be a resource, such as secrets or widgets.acme.io');
      return name;
    });
    return { resources: names, providers: listOf(entry, 'providers', at).map((provider, position) => providerOf(provider, `${at}.providers[${position}]`)) };
  });
  return { resources };
}

function providerOf(value: unknown, at: string): Provider {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  const [only] = entries;
  if (only === undefined || entries.length > 1) throw invalid(at, 'must have exactly one provider');
  const [kind, options] = only;
  if (kind === 'identity') return { kind };
  if (kind !== 'aesgcm' && kind !== 'aescbc' && kind !== 'secretbox')
    throw invalid(`${at}.${kind}`, 'is not supported: use aesgcm, secretbox, aescbc or identity');
  if (!isJsonObject(options)) throw invalid(`${at}.${kind}`, 'must be an object');
  const keys = listOf(options, 'keys', `${at}.${kind}`).map((key, index) => keyOf(kind, key, `${at}.${kind}.keys[${index}]`));
  if (new Set(keys.map(({ name }) => name)).size < keys.length) throw invalid(`${at}.${kind}.keys`, 'must have different names');
  return { kind, keys };
}

function keyOf(kind: ProviderKind, value: unknown, at: string): NamedKey {
  const { name, secret } = isJsonObject(value) ? value : {};
  if (typeof name !== 'string' || !/^[^:\s]+$/.test(name)) throw invalid(`${at}.name`, 'must be text without colons');
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'base64') : Buffer.alloc(0);
  if (!KEY_BYTES[kind].includes(bytes.length)) throw invalid(`${at}.secret`, `must be ${KEY_BYTES[kind].join(', ')} bytes in base64`);
  return { name, secret: bytes };
}

function listOf(map: JsonObject, field: string, at: string): readonly unknown[] {
  const value = map[field];
  const where = at === '' ? field : `${at}.${field}`;
  if (!Array.isArray(value) || value.length === 0) throw invalid(where, 'must be a list with at least one item');
  return value;
}

function invalid(field: string, why: string): EncryptionConfigurationError {
  return new EncryptionConfigurationError({ code: 'invalid', field }, `encryption configuration: ${field === '' ? '' : `${field}: `}${why}`);
}
