import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { messageOf } from '@tiphys/kernel';
import { statusError, type corev1 } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import { readyAddress } from '../subresources/service-address.ts';
import type { RemoteVersion } from './remote-versions.ts';

/** The identity a request has for another server: said in headers that are believed because of our client certificate. */
export function identityHeaders({ username, uid, groups, extra }: UserInfo): Readonly<Record<string, string | string[]>> {
  return {
    'x-remote-user': headerText(username),
    ...(uid === undefined ? {} : { 'x-remote-uid': headerText(uid) }),
    ...(groups.length === 0 ? {} : { 'x-remote-group': groups.map(headerText) }),
    ...Object.fromEntries(Object.entries(extra ?? {}).map(([key, values]) => [`x-remote-extra-${escapeKey(key)}`, values.map(headerText)])),
  };
}

// Node writes a header's characters as bytes; what goes out has to be UTF-8.
function headerText(value: string): string {
  return Buffer.from(value).toString('latin1');
}

// Percent escapes for what the name of a header may not have.
function escapeKey(key: string): string {
  return key
    .toLowerCase()
    .replace(/[^a-z0-9!#$&'*+\-.^_`|~]/gu, (char) => [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
}

// Headers of the client that are about its own connection, or that would let it choose an identity.
const NOT_PASSED =
  /^(:|authorization$|cookie$|host$|connection$|keep-alive$|te$|trailer$|transfer-encoding$|upgrade$|proxy-|content-length$|impersonate-|x-remote-)/;

/** The headers of a client's request that go on to another server. */
export function passedHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Readonly<Record<string, string | string[]>> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined || NOT_PASSED.test(name) ? [] : [[name, value] as const])));
}

/** How to reach a server: address, the name its certificate has to have, and our proof of who we are. Throws 503 when it has no address. */
export function connectionTo(core: Core, remote: RemoteVersion): RequestOptions {
  const { namespace, name, port } = remote.service;
  const entry = core.store.get(`/core/services/${namespace}/${name}`);
  if (entry === undefined)
    throw statusError('ServiceUnavailable', `service ${JSON.stringify(`${namespace}/${name}`)} of APIService ${JSON.stringify(remote.name)} not found`);
  const address = readyAddress(core, namespace, draftAs<corev1.Service>(parseStored(entry.value)), String(port));
  return {
    host: address.host,
    port: address.port,
    servername: `${name}.${namespace}.svc`,
    rejectUnauthorized: !remote.skipsVerification,
    ...(remote.caPem === undefined ? {} : { ca: remote.caPem }),
    cert: core.frontProxy.pair.certPem,
    key: core.frontProxy.pair.keyPem,
  };
}

/** A request to another server. */
export interface RemoteRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Buffer;
  readonly signal: AbortSignal;
}

/** Asks another server. Throws 503 when it cannot be reached. */
export function askRemote(core: Core, remote: RemoteVersion, { method, path, headers, body, signal }: RemoteRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(statusError('ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`));
    const length = body === undefined || body.length === 0 ? {} : { 'content-length': body.length };
    const call = httpsRequest({ ...connectionTo(core, remote), method, path, headers: { ...headers, ...length }, signal, agent: false }, resolve);
    call.once('error', fail);
    call.end(body);
  });
}
