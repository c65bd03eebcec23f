import type { flowcontrolv1, KubeObject } from '@tiphys/kube-model';

/** The flow schemas and priority levels every cluster of Kubernetes 1.33 has (apiserver pkg/apis/flowcontrol/bootstrap). */
const API = 'flowcontrol.apiserver.k8s.io/v1';

type Limits = readonly [shares: number, lendablePercent: number, queues: number, handSize: number];

const QUEUE_LENGTH = 50;
const LEVELS: Readonly<Record<string, Limits>> = {
  system: [30, 33, 64, 6],
  'node-high': [40, 25, 64, 6],
  'leader-election': [10, 0, 16, 4],
  'workload-high': [40, 50, 128, 6],
  'workload-low': [100, 90, 128, 6],
  'global-default': [20, 50, 128, 6],
};

const group = (name: string): flowcontrolv1.Subject => ({ kind: 'Group', group: { name } });
const user = (name: string): flowcontrolv1.Subject => ({ kind: 'User', user: { name } });
const account = (name: string): flowcontrolv1.Subject => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } });
const EVERYBODY = [group('system:authenticated'), group('system:unauthenticated')];
const ALL_RESOURCES = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }];
const ALL_PATHS = [{ verbs: ['*'], nonResourceURLs: ['*'] }];
const EVERYTHING = { resourceRules: ALL_RESOURCES, nonResourceRules: ALL_PATHS };
const LEASES = [{ verbs: ['get', 'create', 'update'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] }];

type Rules = Omit<flowcontrolv1.PolicyRulesWithSubjects, 'subjects'>;
type Schema = readonly [
  precedence: number,
  level: string,
  distinguisher: 'ByUser' | 'ByNamespace' | '',
  subjects: readonly flowcontrolv1.Subject[],
  rules: Rules,
];

const SCHEMAS: Readonly<Record<string, Schema>> = {
  exempt: [1, 'exempt', '', [group('system:masters')], EVERYTHING],
  probes: [2, 'exempt', '', EVERYBODY, { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] }],
  'system-leader-election': [
    100,
    'leader-election',
    'ByUser',
    [user('system:kube-controller-manager'), user('system:kube-scheduler')],
    { resourceRules: LEASES },
  ],
  'endpoint-controller': [
    150,
    'workload-high',
    'ByUser',
    [user('system:kube-controller-manager'), account('endpoint-controller'), account('endpointslicemirroring-controller')],
    { resourceRules: [{ verbs: ['get', 'create', 'update'], apiGroups: [''], resources: ['endpoints'], namespaces: ['*'] }] },
  ],
  'workload-leader-election': [200, 'leader-election', 'ByUser', [account('*')], { resourceRules: LEASES }],
  'system-node-high': [
    400,
    'node-high',
    'ByUser',
    [group('system:nodes')],
    {
      resourceRules: [
        { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
        { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
      ],
    },
  ],
  'system-nodes': [500, 'system', 'ByUser', [group('system:nodes')], EVERYTHING],
  'kube-controller-manager': [800, 'workload-high', 'ByNamespace', [user('system:kube-controller-manager')], EVERYTHING],
  'kube-scheduler': [800, 'workload-high', 'ByNamespace', [user('system:kube-scheduler')], EVERYTHING],
  'kube-system-service-accounts': [900, 'workload-high', 'ByNamespace', [account('*')], EVERYTHING],
  'service-accounts': [9_000, 'workload-low', 'ByUser', [group('system:serviceaccounts')], EVERYTHING],
  'global-default': [9_900, 'global-default', 'ByUser', EVERYBODY, EVERYTHING],
  'catch-all': [10_000, 'catch-all', 'ByUser', EVERYBODY, EVERYTHING],
};

/** Every default priority level, then every default flow schema. */
export function defaultFlows(): readonly KubeObject[] {
  const metadata = (name: string): KubeObject['metadata'] => ({ name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } });
  const level = (name: string, spec: object): KubeObject =>
    ({ apiVersion: API, kind: 'PriorityLevelConfiguration', metadata: metadata(name), spec }) as KubeObject; // With the fields of its kind.
  return [
    level('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
    level('catch-all', { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } }),
    ...Object.entries(LEVELS).map(([name, [nominalConcurrencyShares, lendablePercent, queues, handSize]]) =>
      level(name, {
        type: 'Limited',
        limited: { nominalConcurrencyShares, lendablePercent, limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: QUEUE_LENGTH } } },
      }),
    ),
    ...Object.entries(SCHEMAS).map(
      ([name, [matchingPrecedence, levelName, type, subjects, rules]]) =>
        ({
          apiVersion: API,
          kind: 'FlowSchema',
          metadata: metadata(name),
          spec: {
            matchingPrecedence,
            priorityLevelConfiguration: { name: levelName },
            ...(type === '' ? {} : { distinguisherMethod: { type } }),
            rules: [{ subjects, ...rules }],
          },
        }) as KubeObject, // As above.
    ),
  ];
}
