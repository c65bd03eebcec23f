import { returnsDeletedObject, type ServedResource, type ServedSubresource } from '../registry/served.ts';
import { customName } from './openapi-custom.ts';
import { definitionName, NAMES } from './openapi-schemas.ts';

/** A parameter in the query. */
interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer';
}

/** An operation as both dialects say it. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head' | 'options';
  /** `x-kubernetes-action`. */
  readonly action: string;
  readonly operationId: string;
  readonly tag: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly parameters: readonly QueryParameter[];
  /** Definition of the body; undefined when there is none. */
  readonly body?: { readonly name: string; readonly isRequired: boolean; readonly types: readonly string[] };
  /** Definition of the answer; undefined for text. */
  readonly answer: string | undefined;
  readonly codes: readonly number[];
  readonly produces: readonly string[];
}

/** A path with what may be done there. */
export interface PathItem {
  readonly path: string;
  /** Names in the path, in braces there. */
  readonly pathParameters: readonly string[];
  readonly operations: readonly Operation[];
}

/** Path of a version: `api/v1`, `apis/apps/v1`. */
export function versionPath(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

const string = (name: string): QueryParameter => ({ name, type: 'string' });
const integer = (name: string): QueryParameter => ({ name, type: 'integer' });
const boolean = (name: string): QueryParameter => ({ name, type: 'boolean' });
const WRITE = [string('dryRun'), string('fieldManager'), string('fieldValidation')];
const SELECT = [
  string('continue'),
  string('fieldSelector'),
  string('labelSelector'),
  integer('limit'),
  string('resourceVersion'),
  string('resourceVersionMatch'),
  boolean('sendInitialEvents'),
  integer('timeoutSeconds'),
];
const LIST = [boolean('allowWatchBookmarks'), ...SELECT, boolean('watch')];
const DELETE = [string('dryRun'), integer('gracePeriodSeconds'), boolean('orphanDependents'), string('propagationPolicy')];

interface Naming {
  readonly served: ServedResource;
  /** The answer's definition of the resource itself. */
  readonly component: string;
  readonly list: string;
  readonly types: readonly string[];
  /** `CoreV1`, `AppsV1`, `AcmeIoV1`. */
  readonly prefix: string;
  readonly tag: string;
}

/** Every path of a resource. */
export function pathsOf(served: ServedResource): readonly PathItem[] {
  const names = namingOf(served);
  const base = `/${versionPath(served.group, served.version)}`;
  const inNamespace = served.namespaced ? '/namespaces/{namespace}' : '';
  const outer = served.namespaced ? ['namespace'] : [];
  const scope = served.namespaced ? 'Namespaced' : '';
  const collection = `${base}${inNamespace}/${served.resource}`;
  const item = `${collection}/{name}`;
  const watched = `${base}/watch${inNamespace}/${served.resource}`;
  const has = (verb: string): boolean => served.verbs.includes(verb);
  const watch = (path: string, parameters: readonly string[], id: string, action: string): PathItem => ({
    path,
    pathParameters: parameters,
    operations: has('watch')
      ? [operation(names, { method: 'get', action, id: `watch${names.prefix}${id}`, parameters: LIST, answer: NAMES.watchEvent, isWatch: true })]
      : [],
  });
  const everywhere: readonly PathItem[] = served.namespaced
    ? [
        { path: `${base}/${served.resource}`, pathParameters: [], operations: has('list') ? [listOf(names, `${served.kind}ForAllNamespaces`)] : [] },
        watch(`${base}/watch/${served.resource}`, [], `${served.kind}ListForAllNamespaces`, 'watchlist'),
      ]
    : [];
  return [
    ...everywhere,
    { path: collection, pathParameters: outer, operations: collectionOperations(names, scope) },
    { path: item, pathParameters: [...outer, 'name'], operations: itemOperations(names, scope) },
    watch(watched, outer, `${scope}${served.kind}List`, 'watchlist'),
    watch(`${watched}/{name}`, [...outer, 'name'], `${scope}${served.kind}`, 'watch'),
    ...served.subresources.flatMap((sub) => subresourcePaths(names, sub, item, [...outer, 'name'])),
  ].filter(({ operations }) => operations.length > 0);
}

function namingOf(served: ServedResource): Naming {
  const { group, version, kind, listKind } = served;
  const words = (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).split(/[.-]/);
  const camel = words.map((word, index) => (index === 0 ? word : title(word))).join('');
  const own = (name: string): string => (served.custom === undefined ? (definitionName(group, version, name) ?? NAMES.status) : customName(served, name));
  return {
    served,
    component: own(kind),
    list: own(listKind),
    types: served.custom === undefined ? [...TEXTS, 'application/vnd.kubernetes.protobuf'] : TEXTS,
    prefix: `${title(camel)}${title(version)}`,
    tag: `${camel}_${version}`,
  };
}

const TEXTS = ['application/json', 'application/yaml'];
const title = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

interface OperationParts {
  readonly method: Operation['method'];
  readonly action: string;
  readonly id: string;
  readonly parameters?: readonly QueryParameter[];
  readonly body?: Operation['body'];
  readonly answer?: string | undefined;
  readonly codes?: readonly number[];
  readonly kind?: Operation['kind'];
  readonly isWatch?: boolean;
}

function operation(names: Naming, parts: OperationParts): Operation {
  const { served } = names;
  return {
    method: parts.method,
    action: parts.action,
    operationId: parts.id,
    tag: names.tag,
    kind: parts.kind ?? { group: served.group, version: served.version, kind: served.kind },
    parameters: parts.parameters ?? [],
    ...(parts.body === undefined ? {} : { body: parts.body }),
    answer: parts.answer,
    codes: parts.codes ?? [200],
    produces:
      parts.action === 'connect'
        ? ['*/*']
        : parts.isWatch === true
          ? [...names.types, ...names.types.filter((type) => type !== 'application/yaml').map((type) => `${type};stream=watch`)]
          : names.types,
  };
}

function listOf(names: Naming, id: string): Operation {
  return operation(names, { method: 'get', action: 'list', id: `list${names.prefix}${id}`, parameters: LIST, answer: names.list, isWatch: true });
}

const deleteBody = { name: NAMES.deleteOptions, isRequired: false, types: ['*/*'] };

function collectionOperations(names: Naming, scope: string): readonly Operation[] {
  const { served, component, prefix } = names;
  const { kind } = served;
  const has = (verb: string): boolean => served.verbs.includes(verb);
  return [
    ...(has('list') ? [listOf(names, `${scope}${kind}`)] : []),
    ...(has('create')
      ? [
          operation(names, {
            method: 'post',
            action: 'post',
            id: `create${prefix}${scope}${kind}`,
            parameters: WRITE,
            body: required(component),
            answer: component,
            codes: [200, 201, 202],
          }),
        ]
      : []),
    ...(has('deletecollection')
      ? [
          operation(names, {
            method: 'delete',
            action: 'deletecollection',
            id: `delete${prefix}Collection${scope}${kind}`,
            parameters: [...DELETE, ...SELECT],
            body: deleteBody,
            answer: NAMES.status,
          }),
        ]
      : []),
  ];
}

function required(name: string): NonNullable<Operation['body']> {
  return { name, isRequired: true, types: ['*/*'] };
}

function itemOperations(names: Naming, scope: string): readonly Operation[] {
  const { served, component } = names;
  const rest = partOperations(names, { verbs: served.verbs, id: `${scope}${served.kind}`, component });
  if (!served.verbs.includes('delete')) return rest;
  const id = `delete${names.prefix}${scope}${served.kind}`;
  return [
    ...rest,
    operation(names, {
      method: 'delete',
      action: 'delete',
      id,
      parameters: DELETE,
      body: deleteBody,
      answer: returnsDeletedObject(served) ? component : NAMES.status,
      codes: [200, 202],
    }),
  ];
}

interface Part {
  readonly verbs: readonly string[];
  readonly id: string;
  readonly component: string;
  readonly kind?: Operation['kind'];
}

// get, put and patch of an object or of a part of it.
function partOperations(names: Naming, { verbs, id, component, kind }: Part): readonly Operation[] {
  const { prefix } = names;
  const shared = { answer: component, ...(kind === undefined ? {} : { kind }) };
  const patchBody = { name: NAMES.patch, isRequired: true, types: patchTypesOf(names.served) };
  return [
    ...(verbs.includes('get') ? [operation(names, { method: 'get', action: 'get', id: `read${prefix}${id}`, ...shared })] : []),
    ...(verbs.includes('update')
      ? [
          operation(names, {
            method: 'put',
            action: 'put',
            id: `replace${prefix}${id}`,
            parameters: WRITE,
            body: required(component),
            codes: [200, 201],
            ...shared,
          }),
        ]
      : []),
    ...(verbs.includes('patch')
      ? [
          operation(names, {
            method: 'patch',
            action: 'patch',
            id: `patch${prefix}${id}`,
            parameters: [...WRITE, boolean('force')],
            body: patchBody,
            codes: [200, 201],
            ...shared,
          }),
        ]
      : []),
  ];
}

function patchTypesOf(served: ServedResource): readonly string[] {
  return [
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(served.custom === undefined ? ['application/strategic-merge-patch+json'] : []),
    'application/apply-patch+yaml',
  ];
}

function subresourcePaths(names: Naming, sub: ServedSubresource, item: string, pathParameters: readonly string[]): readonly PathItem[] {
  const { served } = names;
  const path = `${item}/${sub.name}`;
  const id = `${served.namespaced ? 'Namespaced' : ''}${served.kind}${title(sub.name)}`;
  if (sub.kind.endsWith('Options')) return connectPaths(names, sub, { path, pathParameters, id });
  const kind = { group: sub.group ?? served.group, version: sub.version ?? served.version, kind: sub.kind };
  const component = sub.kind === served.kind ? names.component : (definitionName(kind.group, kind.version, sub.kind) ?? NAMES.status);
  const isText = served.resource === 'pods' && sub.name === 'log';
  const parts = partOperations(names, { verbs: sub.verbs, id, component, kind });
  const create = sub.verbs.includes('create')
    ? [
        operation(names, {
          method: 'post',
          action: 'post',
          id: `create${names.prefix}${id}`,
          parameters: WRITE,
          body: required(component),
          answer: component,
          codes: [200, 201, 202],
          kind,
        }),
      ]
    : [];
  return [{ path, pathParameters, operations: isText ? parts.map((part) => ({ ...part, answer: undefined })) : [...create, ...parts] }];
}

const CONNECT_METHODS: Readonly<Record<string, readonly Operation['method'][]>> = {
  get: ['get', 'head', 'options'],
  create: ['post'],
  update: ['put'],
  patch: ['patch'],
  delete: ['delete'],
};

function connectPaths(
  names: Naming,
  sub: ServedSubresource,
  at: { readonly path: string; readonly pathParameters: readonly string[]; readonly id: string },
): readonly PathItem[] {
  const isProxy = sub.name === 'proxy';
  const methods = sub.verbs.flatMap((verb) => CONNECT_METHODS[verb] ?? []).filter((method) => isProxy || method === 'get' || method === 'post');
  const kind = { group: names.served.group, version: names.served.version, kind: sub.kind };
  const operations = (suffix: string): readonly Operation[] =>
    methods.map((method) => operation(names, { method, action: 'connect', id: `connect${names.prefix}${title(method)}${at.id}${suffix}`, kind }));
  const plain = { path: at.path, pathParameters: at.pathParameters, operations: operations('') };
  return isProxy ? [plain, { path: `${at.path}/{path}`, pathParameters: [...at.pathParameters, 'path'], operations: operations('WithPath') }] : [plain];
}
