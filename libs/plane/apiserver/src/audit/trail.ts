import { randomUUID } from 'node:crypto';
import { toMicroTimestamp, type Clock } from '@tiphys/kernel';
import type { UserInfo } from '../core.ts';
import type { Identity } from '../auth/identify.ts';
import { asMap, type JsonMap } from '../draft.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { AuditBackend } from './file-backend.ts';
import { matchRule, type AuditLevel, type AuditPolicy, type AuditRule, type AuditStage } from './policy.ts';

/** What of a request the audit log needs before anybody has looked at it. */
interface AuditedRequest {
  readonly uri: string;
  readonly path: string;
  readonly userAgent: string;
  readonly sourceAddress: string | undefined;
  /** The identifier the client gave the request. */
  readonly auditId: string | undefined;
}

/** How a request ended. */
interface AuditedAnswer {
  readonly code: number;
  /** The Status of a failure. */
  readonly status: unknown;
  /** The bodies as values; only asked for where the level wants them. */
  readonly requestObject: () => unknown;
  readonly responseObject: () => unknown;
}

/** The record of one request. */
export interface AuditTrail {
  readonly auditId: string;
  /** Says who asks for what: from here on the level is known. */
  begin(info: RequestInfo, identity: Identity): void;
  /** Whether bodies have to be kept for it. */
  readonly level: AuditLevel;
  annotate(key: string, value: string): void;
  /** The answer's head went out, and more will follow. */
  started(code: number): void;
  complete(answer: AuditedAnswer): void;
}

/** The audit log of a server. */
export interface AuditLog {
  open(request: AuditedRequest): AuditTrail;
}

const ID = /^[\w.-]{1,64}$/;

/** An audit log by a policy; without one, trails only name their requests. */
export function createAuditLog(clock: Clock, sink: { readonly policy: AuditPolicy; readonly backend: AuditBackend } | undefined): AuditLog {
  return {
    open(request) {
      const auditId = request.auditId !== undefined && ID.test(request.auditId) ? request.auditId : randomUUID();
      return sink === undefined ? silentTrail(auditId) : new Trail(request, auditId, clock, sink);
    },
  };
}

function silentTrail(auditId: string): AuditTrail {
  const nothing = (): void => undefined;
  return { auditId, level: 'None', begin: nothing, annotate: nothing, started: nothing, complete: nothing };
}

class Trail implements AuditTrail {
  readonly auditId: string;
  readonly #request: AuditedRequest;
  readonly #clock: Clock;
  readonly #sink: { readonly policy: AuditPolicy; readonly backend: AuditBackend };
  readonly #receivedAt: string;
  readonly #annotations: Record<string, string> = {};
  #rule: AuditRule | undefined;
  #level: AuditLevel = 'None';
  #about: JsonMap = {};

  constructor(request: AuditedRequest, auditId: string, clock: Clock, sink: { readonly policy: AuditPolicy; readonly backend: AuditBackend }) {
    this.#request = request;
    this.auditId = auditId;
    this.#clock = clock;
    this.#sink = sink;
    this.#receivedAt = toMicroTimestamp(clock.now());
  }

  get level(): AuditLevel {
    return this.#level;
  }

  begin(info: RequestInfo, { user, realUser }: Identity): void {
    const { target, verb, namespace, name } = info;
    const resource =
      target === undefined ? undefined : { group: target.group, resource: target.resource, subresource: target.subresource ?? '', namespace, name };
    this.#rule = matchRule(this.#sink.policy, { username: realUser.username, groups: realUser.groups, verb, path: this.#request.path, resource });
    this.#level = bounded(this.#rule?.level ?? 'None', resource);
    this.#about = {
      verb,
      user: userOf(realUser),
      ...(user === realUser ? {} : { impersonatedUser: userOf(user) }),
      ...(target === undefined
        ? {}
        : { objectRef: { ...objectRefOf(info), apiVersion: target.version, ...(target.group === '' ? {} : { apiGroup: target.group }) } }),
    };
    this.#emit('RequestReceived', {});
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  started(code: number): void {
    this.#emit('ResponseStarted', { responseStatus: { metadata: {}, code } });
  }

  complete({ code, status, requestObject, responseObject }: AuditedAnswer): void {
    if (this.#level === 'None') return;
    const withRequest = this.#level === 'Request' || this.#level === 'RequestResponse';
    this.#emit('ResponseComplete', {
      responseStatus: { metadata: {}, ...statusOf(status), code },
      ...(withRequest ? bodyField('requestObject', this.#shown(requestObject())) : {}),
      ...(this.#level === 'RequestResponse' ? bodyField('responseObject', this.#shown(responseObject())) : {}),
    });
  }

  #shown(value: unknown): unknown {
    const metadata = asMap(asMap(value)?.['metadata']);
    if (this.#rule?.omitManagedFields !== true || metadata?.['managedFields'] === undefined) return value;
    const { managedFields: _managedFields, ...rest } = metadata;
    return { ...asMap(value), metadata: rest };
  }

  #emit(stage: AuditStage, more: JsonMap): void {
    if (this.#level === 'None' || this.#rule?.omitStages.includes(stage) === true) return;
    const { uri, sourceAddress, userAgent } = this.#request;
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: this.#level,
      auditID: this.auditId,
      stage,
      requestURI: uri,
      ...this.#about,
      ...(sourceAddress === undefined ? {} : { sourceIPs: [sourceAddress] }),
      ...(userAgent === '' ? {} : { userAgent }),
      ...more,
      requestReceivedTimestamp: this.#receivedAt,
      stageTimestamp: toMicroTimestamp(this.#clock.now()),
      ...(Object.keys(this.#annotations).length === 0 ? {} : { annotations: this.#annotations }),
    };
    this.#sink.backend.write(JSON.stringify(event));
  }
}

// Bodies of these carry secrets: whatever the policy says, only who and what is recorded.
const SECRET_BODIES: ReadonlySet<string> = new Set([
  '/secrets',
  '/serviceaccounts/token',
  'authentication.k8s.io/tokenreviews',
  'authentication.k8s.io/tokenrequests',
]);

function bounded(level: AuditLevel, resource: { readonly group: string; readonly resource: string; readonly subresource: string } | undefined): AuditLevel {
  if (resource === undefined || level === 'None') return level;
  const { group, resource: name, subresource } = resource;
  const isSecret = SECRET_BODIES.has(`${group}/${name}`) || SECRET_BODIES.has(`${group}/${name}/${subresource}`);
  return isSecret ? 'Metadata' : level;
}

function userOf({ username, uid, groups, extra }: UserInfo): JsonMap {
  return { username, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

function objectRefOf({ target, namespace, name }: RequestInfo): JsonMap {
  return {
    resource: target?.resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(target?.subresource === undefined ? {} : { subresource: target.subresource }),
  };
}

function statusOf(status: unknown): JsonMap {
  const { status: outcome, message, reason } = asMap(status) ?? {};
  return { ...(outcome === undefined ? {} : { status: outcome }), ...(message === undefined ? {} : { message }), ...(reason === undefined ? {} : { reason }) };
}

function bodyField(name: string, value: unknown): JsonMap {
  return value === undefined ? {} : { [name]: value };
}
