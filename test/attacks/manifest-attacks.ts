import { manifest, type Attack } from './tenants-attack.ts';
import { SERVER } from './tenants-stage.ts';

const NOT_PERMITTED = /is not permitted in project 'team-a'/;
/** Files that are to be refused. */
export const refused = (name: string, files: Readonly<Record<string, string>>, more: Partial<Attack> = {}): Attack => ({
  name,
  files,
  says: NOT_PERMITTED,
  ...more,
});
/** A file that is to be refused. */
export const one = (name: string, text: string, more: Partial<Attack> = {}): Attack => refused(name, { 'a.yaml': text }, more);
export const OK = manifest('ConfigMap', 'harmless');
/** The object of team-b. */
export const foreign = (annotations: object = {}): string => manifest('ConfigMap', 'victim', 'b-shop', { annotations });
const list = (...texts: readonly string[]): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: texts.map((text) => JSON.parse(text.replace('---', '')) as object) })}\n---\n`;
const options = (...values: readonly string[]): object => ({ 'argocd.argoproj.io/sync-options': values.join(',') });

const places: readonly Attack[] = [
  one('the namespace of another team', foreign()),
  one('a new object in it', manifest('ConfigMap', 'new', 'b-shop')),
  ...['argocd', 'default', 'kube-system', 'shop'].map((namespace) => one(`namespace ${namespace}`, manifest('ConfigMap', 'new', namespace))),
  ...['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'PersistentVolume'].map((kind) => one(`cluster-scoped ${kind}`, manifest(kind, 'mine'))),
  one('cluster-scoped, with a namespace of its own', manifest('ClusterRole', 'mine', 'a-shop')),
  one(
    'a definition of a kind and an object of it',
    `${manifest('CustomResourceDefinition', 'things.x.example', undefined, { body: { spec: { group: 'x.example', scope: 'Namespaced', names: { kind: 'Thing', plural: 'things' }, versions: [] } } })}`,
  ),
  one('List', list(OK, foreign())),
  one('List in a List', list(list(foreign()))),
  one('ConfigMapList', `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMapList', items: [{ metadata: { name: 'new', namespace: 'b-shop' } }] })}`, {
    says: /"kind" is missing/,
  }),
  one('generateName', `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'new-', namespace: 'b-shop' } })}`),
  one('a binding to the administrator in another namespace', manifest('RoleBinding', 'mine', 'kube-system')),
  one('a second document with other words for the same object', `${foreign()}${manifest('ConfigMap', 'victim')}`),
  one('namespace in capitals', manifest('ConfigMap', 'victim', 'B-SHOP')),
  one('namespace with a path', manifest('ConfigMap', 'victim', 'a-shop/../../namespaces/b-shop'), { says: /is not permitted|a-shop\/\.\./ }),
  one('name with a path', manifest('ConfigMap', '../../b-shop/configmaps/victim'), { says: /\.\.\// }),
  one('a pattern as namespace', manifest('ConfigMap', 'victim', '*')),
  ...['Application', 'AppProject', 'Secret', 'ConfigMap', 'ApplicationSet'].map((kind) =>
    one(`${kind} in the namespace of the controller`, manifest(kind, kind === 'ConfigMap' ? 'argocd-cm' : 'mine', 'argocd', { body: { spec: {} } })),
  ),
];

const ids: readonly Attack[] = [
  one('the tracking id of the victim', foreign({ 'argocd.argoproj.io/tracking-id': 'victim:/ConfigMap:b-shop/victim' })),
  one(
    'a tracking id and a label of the victim',
    manifest('ConfigMap', 'victim', 'b-shop', { metadata: { labels: { 'app.kubernetes.io/instance': 'victim' } } }),
  ),
  one(
    'an owner elsewhere',
    manifest('ConfigMap', 'new', 'b-shop', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: 'b-shop', uid: 'x' }] } }),
  ),
  one('a finalizer on what others have', manifest('ConfigMap', 'victim', 'b-shop', { metadata: { finalizers: ['x.example/held'] } })),
  one('uid and resourceVersion in the manifest', manifest('ConfigMap', 'victim', 'b-shop', { metadata: { uid: 'x', resourceVersion: '1' } })),
  one('headers of impersonation as annotations', foreign({ 'Impersonate-User': 'system:admin', 'argocd.argoproj.io/impersonate': 'system:admin' })),
];

const waves: readonly Attack[] = [
  refused('an allowed wave before a forbidden one', {
    'a.yaml': OK,
    'b.yaml': manifest('ConfigMap', 'new', 'b-shop', { annotations: { 'argocd.argoproj.io/sync-wave': '5' } }),
  }),
  refused('a kind that is not there yet', {
    'a.yaml': OK,
    'b.yaml': manifest('ConfigMap', 'new', 'b-shop', { annotations: { ...options('SkipDryRunOnMissingResource=true'), 'argocd.argoproj.io/sync-wave': '5' } }),
  }),
  ...['Replace=true', 'Force=true', 'Force=true,Replace=true', 'ServerSideApply=true', 'Validate=false', 'Prune=false', 'ApplyOutOfSyncOnly=true'].map(
    (option) => one(`sync option ${option}`, foreign(options(...option.split(',')))),
  ),
  one('namespace by CreateNamespace', manifest('ConfigMap', 'new'), {
    spec: { destination: { server: SERVER, namespace: 'a-new' }, syncPolicy: { syncOptions: ['CreateNamespace=true'] } },
  }),
  one('labels of a namespace by managedNamespaceMetadata', OK, {
    spec: {
      syncPolicy: { syncOptions: ['CreateNamespace=true'], managedNamespaceMetadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } },
    },
  }),
  one('ignoreDifferences over all of it', foreign(), {
    spec: {
      ignoreDifferences: [{ group: '*', kind: '*', jsonPointers: ['/data', '/metadata'] }],
      syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
    },
  }),
  one('server-side comparison', foreign(), { metadata: { annotations: { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true' } } }),
  one('a Secret of the victim, to be compared', manifest('Secret', 'treasure', 'b-shop')),
  one('selected objects only', `${OK}${foreign()}`, { request: { options: { resources: [{ kind: 'ConfigMap', name: 'victim', namespace: 'b-shop' }] } } }),
  one('a dry run', foreign(), { request: { options: { dryRun: true } } }),
  one('manifests of a request', OK, { request: { options: { manifests: [foreign()] } } }),
  one('a List among manifests of a request', OK, { request: { options: { manifests: [list(OK, foreign())] } } }),
  one('options of a request', foreign(), { request: { options: { force: true, syncOptions: ['Replace=true', 'Validate=false'] } } }),
];

/** Manifests that name what the project does not permit. */
export const manifestAttacks: readonly Attack[] = [...places, ...ids, ...waves];
