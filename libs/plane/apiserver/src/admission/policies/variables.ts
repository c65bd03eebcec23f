import {
  adapt,
  authorizerValue,
  BOOL,
  declTypeOf,
  DYN,
  NAMED,
  objectDecl,
  resourceCheckValue,
  STRING,
  type Authorize,
  type CelType,
  type CelValue,
  type DeclField,
  type DeclType,
} from '@tiphys/kube-cel';
import { isAllowed, type Attributes } from '../../auth/authorize.ts';
import type { Core, UserInfo } from '../../core.ts';
import type { Draft, JsonMap } from '../../draft.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';
import { requestOf } from '../webhooks/review.ts';

/** Which variables an expression has besides object, oldObject, request and namespaceObject. */
export interface VariableOptions {
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  readonly hasNamespace: boolean;
}

const TEXT: DeclType = { celType: STRING, maxElements: 0, minSize: 2 };
const FLAG: DeclType = { celType: BOOL, maxElements: 0, minSize: 4 };
const ANY: DeclType = { celType: DYN, maxElements: 0, minSize: 1 };
const listOfText = schemaType({ type: 'array', items: { type: 'string' } });
const textMap = schemaType({ type: 'object', additionalProperties: { type: 'string' } });

function schemaType(schema: JsonMap): DeclType {
  return declTypeOf(schema, 'schema', false) ?? ANY;
}

function object(name: string, fields: Readonly<Record<string, DeclType>>): DeclType {
  return objectDecl(name, new Map(Object.entries(fields).map(([field, type]): [string, DeclField] => [field, { name: field, type }])));
}

const KIND = object('kubernetes.GroupVersionKind', { group: TEXT, version: TEXT, kind: TEXT });
const RESOURCE = object('kubernetes.GroupVersionResource', { group: TEXT, version: TEXT, resource: TEXT });
const USER = object('kubernetes.UserInfo', {
  username: TEXT,
  uid: TEXT,
  groups: listOfText,
  extra: schemaType({ type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } }),
});

/** The type of `request` (apiserver plugin/cel/compile.go BuildRequestType). */
const REQUEST: DeclType = object('kubernetes.AdmissionRequest', {
  kind: KIND,
  resource: RESOURCE,
  subResource: TEXT,
  requestKind: KIND,
  requestResource: RESOURCE,
  requestSubResource: TEXT,
  name: TEXT,
  namespace: TEXT,
  operation: TEXT,
  userInfo: USER,
  dryRun: FLAG,
  options: ANY,
});

const time = schemaType({ type: 'string', format: 'date-time' });
const integer = schemaType({ type: 'integer' });

/** The type of `namespaceObject`: what of a Namespace policies may look at (BuildNamespaceType). */
const NAMESPACE: DeclType = object('kubernetes.Namespace', {
  metadata: object('kubernetes.NamespaceMetadata', {
    name: TEXT,
    generateName: TEXT,
    namespace: TEXT,
    labels: textMap,
    annotations: textMap,
    UID: TEXT,
    creationTimestamp: time,
    deletionGracePeriodSeconds: integer,
    deletionTimestamp: time,
    generation: integer,
    resourceVersion: TEXT,
    finalizers: listOfText,
  }),
  spec: object('kubernetes.NamespaceSpec', { finalizers: listOfText }),
  status: object('kubernetes.NamespaceStatus', {
    phase: TEXT,
    conditions: { ...schemaType({ type: 'array', items: { type: 'object', properties: conditionProperties() } }) },
  }),
});

function conditionProperties(): JsonMap {
  const text = { type: 'string' };
  return { type: text, status: text, reason: text, message: text, lastTransitionTime: { type: 'string', format: 'date-time' } };
}

/** The types of the variables of an admission expression. `typed`: what object and params are known to be. */
export function variableTypes(
  options: VariableOptions,
  typed: { readonly object?: CelType | undefined; readonly params?: CelType | undefined } = {},
): Readonly<Record<string, CelType>> {
  return {
    object: typed.object ?? DYN,
    oldObject: typed.object ?? DYN,
    request: REQUEST.celType,
    ...(options.hasNamespace ? { namespaceObject: NAMESPACE.celType } : {}),
    ...(options.hasParams ? { params: typed.params ?? DYN } : {}),
    ...(options.hasAuthorizer ? { authorizer: NAMED['Authorizer'] ?? DYN, 'authorizer.requestResource': NAMED['ResourceCheck'] ?? DYN } : {}),
  };
}

/** What a request gives expressions to look at. */
export interface Inputs {
  readonly request: AdmissionRequest;
  /** The version of the resource that was matched; object and oldObject are in it. */
  readonly version: ServedResource;
  readonly object: Draft | undefined;
  readonly oldObject: Draft | undefined;
  readonly params: Draft | undefined;
  readonly namespace: Draft | undefined;
}

/** The values of the variables, made as they are asked for. */
export function variableValues(core: Core, inputs: Inputs): (name: string) => CelValue | undefined {
  const made = new Map<string, CelValue | undefined>();
  const make = (name: string): CelValue | undefined => {
    switch (name) {
      case 'object':
        return adapt(inputs.object ?? null);
      case 'oldObject':
        return adapt(inputs.oldObject ?? null);
      case 'params':
        return adapt(inputs.params ?? null);
      case 'request':
        return adapt(requestOf(inputs.request, inputs.version), REQUEST);
      case 'namespaceObject':
        return adapt(inputs.namespace ?? null, NAMESPACE);
      case 'authorizer':
        return authorizerValue(authorizeFor(core, inputs.request.scope.user));
      case 'authorizer.requestResource':
        return requestResource(core, inputs.request);
      default:
        return undefined;
    }
  };
  return (name) => {
    if (!made.has(name)) made.set(name, make(name));
    return made.get(name);
  };
}

function requestResource(core: Core, { scope }: AdmissionRequest): CelValue {
  const { served, namespace, name, subresource, user } = scope;
  return resourceCheckValue(authorizeFor(core, user), {
    group: served.group,
    resource: served.resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
  });
}

function authorizeFor(core: Core, user: UserInfo): Authorize {
  return (query, verb) => {
    const { serviceAccount: account } = query;
    const asker = account === undefined ? user : serviceAccountUser(account.namespace, account.name);
    const attributes: Attributes =
      query.path === undefined
        ? {
            kind: 'resource',
            verb,
            group: query.group ?? '',
            resource: query.resource ?? '',
            subresource: query.subresource ?? '',
            namespace: query.namespace ?? '',
            name: query.name ?? '',
          }
        : { kind: 'path', verb, path: query.path };
    return { allowed: isAllowed(core, asker, attributes), reason: '' };
  };
}

function serviceAccountUser(namespace: string, name: string): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
