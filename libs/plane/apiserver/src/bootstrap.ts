import { isStatus, type corev1, type KubeObject, type rbacv1 } from '@tiphys/kube-model';
import { SERVER_USER, type Core, type Scope, type WriteFlags } from './core.ts';
import { draftAs, type Draft } from './draft.ts';
import { CRD_PREFIX } from './crd/crd.ts';
import { servedResourcesOf } from './crd/establish.ts';
import { parseStored } from './registry/objects.ts';
import { createObject } from './verbs/create.ts';
import { updateObject } from './verbs/update.ts';

const FLAGS: WriteFlags = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false, warn: () => undefined };

/** Reads back what the store says the server serves and holds: CRDs and the addresses of Services. */
export function restore(core: Core): void {
  for (const entry of core.store.list({ prefix: CRD_PREFIX }).entries) {
    const crd = parseStored(entry.value);
    core.catalog.setCustom(crd.metadata.name ?? '', servedResourcesOf(structuredClone(crd)));
  }
  for (const entry of core.store.list({ prefix: '/core/services/' }).entries) {
    const service = draftAs<corev1.Service>(structuredClone(parseStored(entry.value)));
    core.allocators.allocate(service, `${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}`);
  }
}

/** Creates what every cluster has, where it is missing. */
export async function bootstrap(core: Core, address: { readonly host: string; readonly port: number }): Promise<void> {
  for (const object of initialObjects(core)) await ensure(core, object);
  for (const object of endpointObjects(address)) await replace(core, object);
}

function scopeOf(core: Core, object: KubeObject): Scope {
  const served = core.catalog.findKind(object.apiVersion, object.kind);
  if (served === undefined) throw new Error(`invariant broken: ${object.kind} is served`);
  return { served, namespace: object.metadata.namespace, name: '', subresource: undefined, user: SERVER_USER, userAgent: 'kube-apiserver' };
}

async function ensure(core: Core, object: KubeObject): Promise<void> {
  try {
    // A KubeObject of ours is a draft nobody else holds.
    await createObject(core, scopeOf(core, object), object as unknown as Draft, FLAGS);
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
  }
}

async function replace(core: Core, object: KubeObject): Promise<void> {
  await updateObject(core, { ...scopeOf(core, object), name: object.metadata.name ?? '' }, object as unknown as Draft, FLAGS);
}

function initialObjects(core: Core): readonly KubeObject[] {
  const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const service: KubeObject & Pick<corev1.Service, 'spec'> = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: core.allocators.apiAddress, ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }] },
  };
  const classes = [
    ['system-cluster-critical', 2_000_000_000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'],
    ['system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'],
  ] as const;
  return [
    ...namespaces,
    service,
    ...classes.map(([name, value, description]) => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description })),
    ...roles(),
    ...bindings(),
  ];
}

function endpointObjects({ host, port }: { readonly host: string; readonly port: number }): readonly KubeObject[] {
  const metadata = { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } };
  const slice = { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } };
  return [
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata,
      subsets: [{ addresses: [{ ip: host }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    } as KubeObject,
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: slice,
      addressType: 'IPv4',
      endpoints: [{ addresses: [host], conditions: { ready: true } }],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    } as KubeObject,
  ];
}

type Rule = rbacv1.PolicyRule;
const rule = (apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): Rule => ({ apiGroups, resources, verbs });
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const VIEWED: readonly Rule[] = [
  rule(
    [''],
    [
      'configmaps',
      'endpoints',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status',
      'pods',
      'pods/log',
      'pods/status',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'serviceaccounts',
      'services',
      'services/status',
      'events',
      'limitranges',
      'resourcequotas',
      'namespaces',
      'bindings',
    ],
    READ,
  ),
  rule(
    ['apps'],
    [
      'controllerrevisions',
      'daemonsets',
      'daemonsets/status',
      'deployments',
      'deployments/scale',
      'deployments/status',
      'replicasets',
      'replicasets/scale',
      'replicasets/status',
      'statefulsets',
      'statefulsets/scale',
      'statefulsets/status',
    ],
    READ,
  ),
  rule(['autoscaling'], ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], READ),
  rule(['batch'], ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], READ),
  rule(['networking.k8s.io'], ['ingresses', 'ingresses/status', 'networkpolicies'], READ),
  rule(['policy'], ['poddisruptionbudgets', 'poddisruptionbudgets/status'], READ),
  rule(['discovery.k8s.io'], ['endpointslices'], READ),
];
const EDITED: readonly Rule[] = [
  rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], READ),
  rule(
    [''],
    [
      'configmaps',
      'persistentvolumeclaims',
      'pods',
      'pods/attach',
      'pods/exec',
      'pods/portforward',
      'pods/proxy',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'secrets',
      'serviceaccounts',
      'services',
      'services/proxy',
      'events',
    ],
    WRITE,
  ),
  rule([''], ['pods/eviction', 'serviceaccounts/token'], ['create']),
  rule(
    ['apps'],
    ['daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale', 'replicasets', 'replicasets/scale', 'statefulsets', 'statefulsets/scale'],
    WRITE,
  ),
  rule(['autoscaling'], ['horizontalpodautoscalers'], WRITE),
  rule(['batch'], ['cronjobs', 'jobs'], WRITE),
  rule(['networking.k8s.io'], ['ingresses', 'networkpolicies'], WRITE),
  rule(['policy'], ['poddisruptionbudgets'], WRITE),
];
const ADMINISTERED: readonly Rule[] = [
  rule(['rbac.authorization.k8s.io'], ['rolebindings', 'roles'], [...READ, ...WRITE]),
  rule(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
];

function roles(): readonly KubeObject[] {
  const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
  const role = (name: string, rules: readonly Rule[], aggregateTo?: string): KubeObject =>
    ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name, labels: { ...LABELS, ...(aggregateTo === undefined ? {} : { [`rbac.authorization.k8s.io/aggregate-to-${aggregateTo}`]: 'true' }) } },
      rules,
    }) as KubeObject;
  const parts: Readonly<Record<string, readonly Rule[]>> = { view: VIEWED, edit: EDITED, admin: ADMINISTERED };
  const aggregate = (name: string, from: readonly string[]): KubeObject =>
    ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name, labels: LABELS },
      aggregationRule: { clusterRoleSelectors: from.map((each) => ({ matchLabels: { [`rbac.authorization.k8s.io/aggregate-to-${each}`]: 'true' } })) },
      rules: from.flatMap((each) => parts[each] ?? []),
    }) as KubeObject;
  return [
    role('cluster-admin', [rule(['*'], ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }]),
    role('system:aggregate-to-view', VIEWED, 'view'),
    role('system:aggregate-to-edit', EDITED, 'edit'),
    role('system:aggregate-to-admin', ADMINISTERED, 'admin'),
    aggregate('view', ['view']),
    aggregate('edit', ['edit', 'view']),
    aggregate('admin', ['admin', 'edit', 'view']),
    role('system:basic-user', [
      rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
      rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
    ]),
    role('system:discovery', [
      {
        nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/healthz', '/livez', '/openapi', '/openapi/*', '/readyz', '/version', '/version/'],
        verbs: ['get'],
      },
    ]),
  ];
}

function bindings(): readonly KubeObject[] {
  const bind = (name: string, group: string): KubeObject =>
    ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name, labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
    }) as KubeObject;
  return [bind('cluster-admin', 'system:masters'), bind('system:basic-user', 'system:authenticated'), bind('system:discovery', 'system:authenticated')];
}
