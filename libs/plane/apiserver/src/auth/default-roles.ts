import type { KubeObject, rbacv1 } from '@tiphys/kube-model';

/**
 * The roles and bindings every cluster of Kubernetes 1.33 has (rbac bootstrappolicy). A rule is one line:
 * `verbs groups:resources #names`, the core group being empty, or `verbs /path` for a path that is no resource.
 */
const READ = 'get,list,watch';
const WRITE = 'create,delete,deletecollection,patch,update';
const EVENTS = 'create,patch,update ,events.k8s.io:events';
const REVIEWS = ['create authentication.k8s.io:tokenreviews', 'create authorization.k8s.io:subjectaccessreviews'];
const OLD_SCALES = 'replicationcontrollers/scale';
const OLD_WORKLOADS = `daemonsets,deployments,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,${OLD_SCALES}`;
const APPS_SCALED = 'deployments/scale,replicasets/scale,statefulsets/scale';

const VIEW = [
  `${READ} :configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,${OLD_SCALES},serviceaccounts,services,services/status`,
  `${READ} :bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status`,
  `${READ} :namespaces`,
  `${READ} discovery.k8s.io:endpointslices`,
  `${READ} apps:controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/status,replicasets,replicasets/status,statefulsets,statefulsets/status,${APPS_SCALED}`,
  `${READ} autoscaling:horizontalpodautoscalers,horizontalpodautoscalers/status`,
  `${READ} batch:cronjobs,cronjobs/status,jobs,jobs/status`,
  `${READ} extensions:${OLD_WORKLOADS},daemonsets/status,deployments/status,ingresses/status,replicasets/status`,
  `${READ} policy:poddisruptionbudgets,poddisruptionbudgets/status`,
  `${READ} networking.k8s.io:ingresses,ingresses/status,networkpolicies`,
];
const EDIT = [
  `${READ} :pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy`,
  'impersonate :serviceaccounts',
  `${WRITE} :pods,pods/attach,pods/exec,pods/portforward,pods/proxy`,
  'create :pods/eviction',
  `${WRITE} :configmaps,events,persistentvolumeclaims,replicationcontrollers,${OLD_SCALES},secrets,serviceaccounts,services,services/proxy`,
  'create :serviceaccounts/token',
  `${WRITE} apps:daemonsets,deployments,deployments/rollback,replicasets,statefulsets,${APPS_SCALED}`,
  `${WRITE} autoscaling:horizontalpodautoscalers`,
  `${WRITE} batch:cronjobs,jobs`,
  `${WRITE} extensions:${OLD_WORKLOADS},deployments/rollback`,
  `${WRITE} policy:poddisruptionbudgets`,
  `${WRITE} networking.k8s.io:ingresses,networkpolicies`,
  `${READ},${WRITE} coordination.k8s.io:leases`,
];
const ADMIN = ['create authorization.k8s.io:localsubjectaccessreviews', `${READ},${WRITE} rbac.authorization.k8s.io:rolebindings,roles`];
const PUBLIC_PATHS = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

const signer = (verb: string, name: string): string => `${verb} certificates.k8s.io:signers #kubernetes.io/${name}`;
const leader = (name: string): readonly string[] => ['create coordination.k8s.io:leases', `get,update coordination.k8s.io:leases #${name}`];

const CLUSTER_ROLES: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['* *:*', '* *'],
  'system:aggregate-to-view': VIEW,
  'system:aggregate-to-edit': EDIT,
  'system:aggregate-to-admin': ADMIN,
  'system:auth-delegator': REVIEWS,
  'system:basic-user': ['create authorization.k8s.io:selfsubjectaccessreviews,selfsubjectrulesreviews', 'create authentication.k8s.io:selfsubjectreviews'],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': ['create certificates.k8s.io:certificatesigningrequests/nodeclient'],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': ['create certificates.k8s.io:certificatesigningrequests/selfnodeclient'],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [signer('approve', 'kube-apiserver-client')],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [signer('approve', 'kube-apiserver-client-kubelet')],
  'system:certificates.k8s.io:kubelet-serving-approver': [signer('approve', 'kubelet-serving')],
  'system:certificates.k8s.io:legacy-unknown-approver': [signer('approve', 'legacy-unknown')],
  'system:discovery': [`get ${['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...PUBLIC_PATHS].toSorted().join(',')}`],
  'system:heapster': [`${READ} :events,namespaces,nodes,pods`, `${READ} extensions:deployments`],
  'system:kube-aggregator': [`${READ} :endpoints,services`],
  'system:kube-controller-manager': [
    EVENTS,
    ...leader('kube-controller-manager'),
    'create :secrets,serviceaccounts',
    'delete :secrets',
    'get :configmaps,namespaces,secrets,serviceaccounts',
    'update :secrets,serviceaccounts',
    ...REVIEWS,
    'list,watch *:*',
    'create :serviceaccounts/token',
  ],
  'system:kube-dns': ['list,watch :endpoints,services'],
  'system:kube-scheduler': [
    EVENTS,
    ...leader('kube-scheduler'),
    `${READ} :nodes`,
    `delete,${READ} :pods`,
    'create :bindings,pods/binding',
    'patch,update :pods/status',
    `${READ} :replicationcontrollers,services`,
    `${READ} apps,extensions:replicasets`,
    `${READ} apps:statefulsets`,
    `${READ} policy:poddisruptionbudgets`,
    `${READ} :persistentvolumeclaims,persistentvolumes`,
    ...REVIEWS,
    `${READ} storage.k8s.io:csinodes`,
    `${READ} :namespaces`,
    `${READ} storage.k8s.io:csidrivers`,
    `${READ} storage.k8s.io:csistoragecapacities`,
  ],
  'system:kubelet-api-admin': [`${READ} :nodes`, 'proxy :nodes', '* :nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,nodes/stats'],
  'system:monitoring': ['get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*'],
  'system:node': [
    'create authentication.k8s.io:tokenreviews',
    'create authorization.k8s.io:localsubjectaccessreviews,subjectaccessreviews',
    `${READ} :services`,
    `create,${READ} :nodes`,
    'patch,update :nodes/status',
    'patch,update :nodes',
    'create,patch,update :events',
    `${READ} :pods`,
    'create,delete :pods',
    'patch,update :pods/status',
    'create :pods/eviction',
    `${READ} :configmaps,secrets`,
    'get :persistentvolumeclaims,persistentvolumes',
    'get :endpoints',
    `create,${READ} certificates.k8s.io:certificatesigningrequests`,
    'create,delete,get,patch,update coordination.k8s.io:leases',
    'get storage.k8s.io:volumeattachments',
    'create :serviceaccounts/token',
    'get,patch,update :persistentvolumeclaims/status',
    `${READ} storage.k8s.io:csidrivers`,
    'create,delete,get,patch,update storage.k8s.io:csinodes',
    `${READ} node.k8s.io:runtimeclasses`,
  ],
  'system:node-bootstrapper': [`create,${READ} certificates.k8s.io:certificatesigningrequests`],
  'system:node-problem-detector': ['get :nodes', 'patch :nodes/status', EVENTS],
  'system:node-proxier': [
    'list,watch :endpoints,services',
    `${READ} :nodes`,
    EVENTS,
    'list,watch discovery.k8s.io:endpointslices',
    'list,watch networking.k8s.io:servicecidrs',
  ],
  'system:persistent-volume-provisioner': [
    `create,delete,${READ} :persistentvolumes`,
    `update,${READ} :persistentvolumeclaims`,
    `${READ} storage.k8s.io:storageclasses`,
    'watch :events',
    EVENTS,
  ],
  'system:public-info-viewer': [`get ${PUBLIC_PATHS.join(',')}`],
  'system:service-account-issuer-discovery': ['get /.well-known/openid-configuration,/openid/v1/jwks'],
  'system:volume-scheduler': [
    `patch,update,${READ} :persistentvolumes`,
    `${READ} storage.k8s.io:storageclasses`,
    `patch,update,${READ} :persistentvolumeclaims`,
  ],
};

const ALL_PODS = 'create,delete,list,patch,watch :pods';

/** Roles of the controllers, each bound to the service account of its name in kube-system. */
const CONTROLLERS: Readonly<Record<string, readonly string[]>> = {
  'attachdetach-controller': [
    'list,watch :persistentvolumeclaims,persistentvolumes',
    `${READ} :nodes`,
    'patch,update :nodes/status',
    'list,watch :pods',
    EVENTS,
    `create,delete,${READ} storage.k8s.io:volumeattachments`,
    `${READ} storage.k8s.io:csidrivers`,
    `${READ} storage.k8s.io:csinodes`,
  ],
  'certificate-controller': [
    `delete,${READ} certificates.k8s.io:certificatesigningrequests`,
    'update certificates.k8s.io:certificatesigningrequests/approval,certificatesigningrequests/status',
    signer('approve', 'kube-apiserver-client-kubelet'),
    `${signer('sign', 'kube-apiserver-client')},kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown`,
    'create authorization.k8s.io:subjectaccessreviews',
    EVENTS,
  ],
  'clusterrole-aggregation-controller': [`escalate,patch,update,${READ} rbac.authorization.k8s.io:clusterroles`],
  'cronjob-controller': [
    `update,${READ} batch:cronjobs`,
    `create,delete,patch,update,${READ} batch:jobs`,
    'update batch:cronjobs/status',
    'update batch:cronjobs/finalizers',
    'delete,list :pods',
    EVENTS,
  ],
  'daemon-set-controller': [
    `${READ} apps,extensions:daemonsets`,
    'update apps,extensions:daemonsets/status',
    'update apps,extensions:daemonsets/finalizers',
    'list,watch :nodes',
    ALL_PODS,
    'create :pods/binding',
    `create,delete,patch,update,${READ} apps:controllerrevisions`,
    EVENTS,
  ],
  'deployment-controller': [
    `update,${READ} apps,extensions:deployments`,
    'update apps,extensions:deployments/status',
    'update apps,extensions:deployments/finalizers',
    `create,delete,patch,update,${READ} apps,extensions:replicasets`,
    `update,${READ} :pods`,
    EVENTS,
  ],
  'disruption-controller': [
    `${READ} apps,extensions:deployments`,
    `${READ} apps,extensions:replicasets`,
    `${READ} :replicationcontrollers`,
    `${READ} policy:poddisruptionbudgets`,
    `${READ} apps:statefulsets`,
    'update policy:poddisruptionbudgets/status',
    'patch,update :pods/status',
    'get *:*/scale',
    EVENTS,
  ],
  'endpoint-controller': [`${READ} :pods,services`, 'create,delete,get,list,update :endpoints', 'create :endpoints/restricted', EVENTS],
  'endpointslice-controller': [
    `${READ} :nodes,pods,services`,
    'update :services/finalizers',
    'create,delete,get,list,update discovery.k8s.io:endpointslices',
    EVENTS,
  ],
  'endpointslicemirroring-controller': [
    `${READ} :endpoints,services`,
    'update :services/finalizers',
    'update :endpoints/finalizers',
    'create,delete,get,list,update discovery.k8s.io:endpointslices',
    EVENTS,
  ],
  'ephemeral-volume-controller': [`${READ} :pods`, 'update :pods/finalizers', `create,${READ} :persistentvolumeclaims`, EVENTS],
  'expand-controller': [
    `patch,update,${READ} :persistentvolumes`,
    'patch,update :persistentvolumeclaims/status',
    `${READ} :persistentvolumeclaims`,
    EVENTS,
    'get :services',
  ],
  'generic-garbage-collector': [`delete,patch,update,${READ} *:*`, EVENTS],
  'horizontal-pod-autoscaler': [
    `${READ} autoscaling:horizontalpodautoscalers`,
    'update autoscaling:horizontalpodautoscalers/status',
    'get,update *:*/scale',
    'list :pods',
    'list metrics.k8s.io:pods',
    'get,list custom.metrics.k8s.io:*',
    'get,list external.metrics.k8s.io:*',
    EVENTS,
  ],
  'job-controller': [`patch,update,${READ} batch:jobs`, 'update batch:jobs/status', 'update batch:jobs/finalizers', ALL_PODS, EVENTS],
  'legacy-service-account-token-cleaner': ['get :configmaps #kube-apiserver-legacy-service-account-token-tracking', 'delete,patch :secrets'],
  'namespace-controller': [`delete,${READ} :namespaces`, 'update :namespaces/finalize,namespaces/status', 'delete,deletecollection,get,list *:*'],
  'node-controller': ['delete,get,list,patch,update :nodes', 'patch,update :nodes/status', 'patch,update :pods/status', 'delete,get,list :pods', EVENTS],
  'persistent-volume-binder': [
    `create,delete,update,${READ} :persistentvolumes`,
    'update :persistentvolumes/status',
    `update,${READ} :persistentvolumeclaims`,
    'update :persistentvolumeclaims/status',
    `create,delete,${READ} :pods`,
    `${READ} storage.k8s.io:storageclasses`,
    'list,watch :nodes',
    EVENTS,
    'watch :events',
    'get :services',
  ],
  'pod-garbage-collector': ['delete,list,watch :pods', 'get,list :nodes', 'patch :pods/status'],
  'pv-protection-controller': [`update,${READ} :persistentvolumes`, EVENTS],
  'pvc-protection-controller': [`update,${READ} :persistentvolumeclaims`, `${READ} :pods`, EVENTS],
  'replicaset-controller': [
    `update,${READ} apps,extensions:replicasets`,
    'update apps,extensions:replicasets/status',
    'update apps,extensions:replicasets/finalizers',
    ALL_PODS,
    EVENTS,
  ],
  'replication-controller': [
    `update,${READ} :replicationcontrollers`,
    'update :replicationcontrollers/status',
    'update :replicationcontrollers/finalizers',
    ALL_PODS,
    EVENTS,
  ],
  'resourcequota-controller': ['list,watch *:*', 'update :resourcequotas/status', EVENTS],
  'root-ca-cert-publisher': ['create,update :configmaps', EVENTS],
  'route-controller': ['list,watch :nodes', 'patch :nodes/status', EVENTS],
  'service-account-controller': ['create :serviceaccounts', EVENTS],
  'service-cidrs-controller': [
    `patch,update,${READ} networking.k8s.io:servicecidrs`,
    'patch,update networking.k8s.io:servicecidrs/finalizers',
    'patch,update networking.k8s.io:servicecidrs/status',
    `${READ} networking.k8s.io:ipaddresses`,
    EVENTS,
  ],
  'service-controller': [`${READ} :services`, 'patch,update :services/status', 'list,watch :nodes', EVENTS],
  'statefulset-controller': [
    'list,watch :pods',
    `${READ} apps:statefulsets`,
    'update apps:statefulsets/status',
    'update apps:statefulsets/finalizers',
    'create,delete,get,patch,update :pods',
    `create,delete,patch,update,${READ} apps:controllerrevisions`,
    `create,${READ} :persistentvolumeclaims`,
    EVENTS,
    'delete,update :persistentvolumeclaims',
    'update :pods/finalizers',
  ],
  'ttl-after-finished-controller': [`delete,${READ} batch:jobs`, EVENTS],
  'ttl-controller': ['list,patch,update,watch :nodes', EVENTS],
  'validatingadmissionpolicy-status-controller': [
    `${READ} admissionregistration.k8s.io:validatingadmissionpolicies`,
    'get,patch,update admissionregistration.k8s.io:validatingadmissionpolicies/status',
    EVENTS,
  ],
};

const SYSTEM = 'kube-system';
const ROLES: readonly (readonly [namespace: string, name: string, rules: readonly string[]])[] = [
  ['kube-public', 'system:controller:bootstrap-signer', [`${READ} :configmaps`, 'update :configmaps #cluster-info', EVENTS]],
  [SYSTEM, 'extension-apiserver-authentication-reader', [`${READ} :configmaps #extension-apiserver-authentication`]],
  [SYSTEM, 'system::leader-locking-kube-controller-manager', ['watch :configmaps', 'get,update :configmaps #kube-controller-manager']],
  [SYSTEM, 'system::leader-locking-kube-scheduler', ['watch :configmaps', 'get,update :configmaps #kube-scheduler']],
  [SYSTEM, 'system:controller:bootstrap-signer', [`${READ} :secrets`]],
  [SYSTEM, 'system:controller:cloud-provider', ['create,get,list,watch :configmaps']],
  [SYSTEM, 'system:controller:token-cleaner', [`delete,${READ} :secrets`, EVENTS]],
];

const group = (name: string): rbacv1.Subject => ({ kind: 'Group', apiGroup: GROUP, name });
const user = (name: string): rbacv1.Subject => ({ kind: 'User', apiGroup: GROUP, name });
const account = (name: string): rbacv1.Subject => ({ kind: 'ServiceAccount', name, namespace: SYSTEM });
const GROUP = 'rbac.authorization.k8s.io';

const CLUSTER_BINDINGS: Readonly<Record<string, readonly rbacv1.Subject[]>> = {
  'cluster-admin': [group('system:masters')],
  'system:basic-user': [group('system:authenticated')],
  'system:discovery': [group('system:authenticated')],
  'system:kube-controller-manager': [user('system:kube-controller-manager')],
  'system:kube-dns': [account('kube-dns')],
  'system:kube-scheduler': [user('system:kube-scheduler')],
  'system:monitoring': [group('system:monitoring')],
  'system:node': [],
  'system:node-proxier': [user('system:kube-proxy')],
  'system:public-info-viewer': [group('system:authenticated'), group('system:unauthenticated')],
  'system:service-account-issuer-discovery': [group('system:serviceaccounts')],
  'system:volume-scheduler': [user('system:kube-scheduler')],
};

const ROLE_BINDINGS: readonly (readonly [namespace: string, name: string, role: string, subjects: readonly rbacv1.Subject[]])[] = [
  ['kube-public', 'system:controller:bootstrap-signer', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]],
  [
    SYSTEM,
    'system::extension-apiserver-authentication-reader',
    'extension-apiserver-authentication-reader',
    [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  ],
  [
    SYSTEM,
    'system::leader-locking-kube-controller-manager',
    'system::leader-locking-kube-controller-manager',
    [user('system:kube-controller-manager'), account('kube-controller-manager')],
  ],
  [SYSTEM, 'system::leader-locking-kube-scheduler', 'system::leader-locking-kube-scheduler', [user('system:kube-scheduler'), account('kube-scheduler')]],
  [SYSTEM, 'system:controller:bootstrap-signer', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]],
  [SYSTEM, 'system:controller:cloud-provider', 'system:controller:cloud-provider', [account('cloud-provider')]],
  [SYSTEM, 'system:controller:token-cleaner', 'system:controller:token-cleaner', [account('token-cleaner')]],
];

/** Reads a rule of the tables above. */
function parseRule(line: string): rbacv1.PolicyRule {
  const [verbs = '', target = '', names] = line.split(' ');
  const list = (text: string): string[] => text.split(',');
  if (target === '*' || target.startsWith('/')) return { nonResourceURLs: list(target), verbs: list(verbs) };
  const colon = target.indexOf(':');
  return {
    apiGroups: list(target.slice(0, colon)),
    resources: list(target.slice(colon + 1)),
    verbs: list(verbs),
    ...(names === undefined ? {} : { resourceNames: list(names.slice(1)) }),
  };
}

const AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-';
const metadata = (name: string, labels: object = {}): object => ({
  name,
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
});

/** Every default role and binding; the object of each kind is complete but for what the server gives it. */
export function defaultRoles(): readonly KubeObject[] {
  const apiVersion = `${GROUP}/v1`;
  const object = (kind: string, meta: object, rest: object): KubeObject => ({ apiVersion, kind, metadata: meta, ...rest });
  const into = (name: string): object => ({ [`${AGGREGATE}${name}`]: 'true' });
  const parts: Readonly<Record<string, object>> = {
    'system:aggregate-to-view': into('view'),
    'system:aggregate-to-edit': into('edit'),
    'system:aggregate-to-admin': into('admin'),
  };
  const aggregate = (name: string, labels: object): KubeObject =>
    object('ClusterRole', metadata(name, labels), { aggregationRule: { clusterRoleSelectors: [{ matchLabels: into(name) }] }, rules: [] });
  const roleRef = (kind: string, name: string): object => ({ apiGroup: GROUP, kind, name });
  const controllers = Object.entries(CONTROLLERS).map(([name, rules]) => [`system:controller:${name}`, rules, account(name)] as const);
  return [
    ...Object.entries(CLUSTER_ROLES).map(([name, rules]) => object('ClusterRole', metadata(name, parts[name]), { rules: rules.map(parseRule) })),
    aggregate('admin', {}),
    aggregate('edit', into('admin')),
    aggregate('view', into('edit')),
    ...controllers.map(([name, rules]) => object('ClusterRole', metadata(name), { rules: rules.map(parseRule) })),
    ...Object.entries(CLUSTER_BINDINGS).map(([name, subjects]) =>
      object('ClusterRoleBinding', metadata(name), { roleRef: roleRef('ClusterRole', name), subjects }),
    ),
    ...controllers.map(([name, , subject]) => object('ClusterRoleBinding', metadata(name), { roleRef: roleRef('ClusterRole', name), subjects: [subject] })),
    ...ROLES.map(([namespace, name, rules]) => object('Role', { ...metadata(name), namespace }, { rules: rules.map(parseRule) })),
    ...ROLE_BINDINGS.map(([namespace, name, role, subjects]) =>
      object('RoleBinding', { ...metadata(name), namespace }, { roleRef: roleRef('Role', role), subjects }),
    ),
  ];
}
