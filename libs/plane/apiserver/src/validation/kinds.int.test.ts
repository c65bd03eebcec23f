import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { create, podSpec, problemsOf, selector, template, type Json } from './objects.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const CASES: readonly (readonly [what: string, kind: string, fields: Json, problems: readonly string[]])[] = [
  [
    'events of another namespace',
    'Event',
    { involvedObject: { namespace: 'other' } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  [
    'ports of Services',
    'Service',
    { spec: { ports: [{ port: 80 }, { port: 80, nodePort: 30000 }] } },
    ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value', 'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}'],
  ],
  [
    'Services without ports',
    'Service',
    { spec: { type: 'ExternalName', sessionAffinity: 'None', sessionAffinityConfig: { clientIP: {} } } },
    ['spec.externalName: Required value'],
  ],
  [
    'fields of other types of Services',
    'Service',
    { spec: { ports: [{ port: 80 }], loadBalancerClass: 'x', externalTrafficPolicy: 'Local' } },
    [
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
  ],
  [
    'keys of ConfigMaps',
    'ConfigMap',
    { data: { '': 'x', '..': 'y', both: 'z' }, binaryData: { both: 'eg==' } },
    [
      "data[]: Invalid value: \"\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      'data[..]: Invalid value: "..": must not be \'..\'',
      'data[both]: Invalid value: "both": duplicate of key present in binaryData',
    ],
  ],
  ['Secrets by type', 'Secret', { type: 'kubernetes.io/tls', data: { 'tls.crt': 'eA==' } }, ['data[tls.key]: Required value']],
  [
    'Secrets with JSON',
    'Secret',
    { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'not json' } },
    ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid JSON'],
  ],
  [
    'Endpoints',
    'Endpoints',
    { subsets: [{ addresses: [{ ip: '127.0.0.1' }, { ip: 'x' }, { ip: '169.254.1.1' }] }, {}] },
    [
      'subsets[0].addresses[1].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'subsets[0].addresses[2].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`',
    ],
  ],
  [
    'limits that contradict',
    'LimitRange',
    { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
    [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than 1',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": min value 2 is greater than 1',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than 1',
    ],
  ],
  [
    'scopes of quotas',
    'ResourceQuota',
    { spec: { hard: { services: '1', pods: '1.5' }, scopes: ['Terminating', 'NotTerminating'] } },
    [
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.scopes: Invalid value: "Terminating": unsupported scope applied to resource',
      'spec.scopes: Invalid value: "NotTerminating": unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes',
    ],
  ],
  [
    'taints',
    'Node',
    { spec: { taints: [{ key: 'a b', effect: 'Maybe' }] } },
    [
      "spec.taints[0].key: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.taints[0].effect: Unsupported value: "Maybe": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
    ],
  ],
  [
    'volumes of a cluster',
    'PersistentVolume',
    { spec: { accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'], capacity: { storage: '0' } } },
    [
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      'spec.capacity[storage]: Invalid value: "0": must be greater than zero',
      'spec: Required value: must specify a volume type',
    ],
  ],
  [
    'claims',
    'PersistentVolumeClaim',
    { spec: {} },
    ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
  ],
  [
    'selectors of workloads',
    'Deployment',
    { spec: { replicas: -1, selector: { matchLabels: { a: 'other' } }, template: template() } },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'strategies',
    'Deployment',
    { spec: { selector, template: template({ restartPolicy: 'Never' }), strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } } } },
    [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
  ],
  [
    'updates of DaemonSets',
    'DaemonSet',
    { spec: { selector, template: template(), updateStrategy: { rollingUpdate: { maxUnavailable: '200%', maxSurge: 1 } } } },
    [
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "200%": must not be greater than 100%',
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
  ],
  [
    'StatefulSets',
    'StatefulSet',
    { spec: { selector, template: template(), serviceName: 's', podManagementPolicy: 'Any', ordinals: { start: -1 } } },
    [
      'spec.podManagementPolicy: Unsupported value: "Any": supported values: "OrderedReady", "Parallel"',
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  [
    'Jobs',
    'Job',
    { spec: { completionMode: 'Indexed', parallelism: -1, template: { spec: podSpec() } } },
    [
      'spec.parallelism: Invalid value: -1: must be greater than or equal to 0',
      'spec.completions: Required value: when completion mode is Indexed',
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
  ],
  [
    'failure policies',
    'Job',
    {
      spec: {
        podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [2, 0] } }] },
        template: { spec: podSpec({ restartPolicy: 'Never' }) },
      },
    },
    [
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0]: must be ordered',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
    ],
  ],
  [
    'schedules',
    'CronJob',
    { spec: { schedule: '61 * * *', timeZone: 'Nowhere/Town', jobTemplate: { spec: { template: { spec: podSpec({ restartPolicy: 'Never' }) } } } } },
    [
      'spec.schedule: Invalid value: "61 * * *": expected exactly 5 fields, found 4: [61 * * *]',
      'spec.timeZone: Invalid value: "Nowhere/Town": unknown time zone Nowhere/Town',
    ],
  ],
  [
    'autoscalers',
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'x' },
        minReplicas: 3,
        maxReplicas: 2,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 0 } } }],
      },
    },
    [
      'spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`',
      'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
    ],
  ],
  [
    'Ingresses',
    'Ingress',
    { spec: { rules: [{ host: '1.2.3.4', http: { paths: [{ pathType: 'Prefix', path: 'x//y', backend: { service: { name: 'a' } } }] } }] } },
    [
      'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
      'spec.rules[0].http.paths[0].path: Invalid value: "x//y": must be an absolute path',
      'spec.rules[0].http.paths[0].path: Invalid value: "x//y": must not contain \'//\'',
      'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
    ],
  ],
  [
    'policies of networks',
    'NetworkPolicy',
    {
      spec: {
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }, {}], ports: [{ port: 'http', endPort: 90 }] }],
      },
    },
    [
      'spec.ingress[0].ports[0].port: Invalid value: "http": cannot be a named port when endPort is specified',
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      'spec.ingress[0].from[1]: Required value: must specify a peer',
    ],
  ],
  [
    'EndpointSlices',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['fd00::1'] }, { addresses: [] }], ports: [{ name: 'a' }, { name: 'a' }] },
    [
      'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address',
      'endpoints[1].addresses: Required value: must contain at least 1 address',
      'ports[1].name: Duplicate value: "a"',
    ],
  ],
  [
    'budgets',
    'PodDisruptionBudget',
    { spec: { minAvailable: '150%', maxUnavailable: 1 } },
    [
      'spec.minAvailable: Invalid value: "150%": must not be greater than 100%',
      'spec: Invalid value: {"minAvailable":"150%","maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
    ],
  ],
  [
    'roles',
    'Role',
    {
      rules: [
        { verbs: [], resources: ['pods'] },
        { verbs: ['get'], nonResourceURLs: ['/x'] },
      ],
    },
    [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[1].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
    ],
  ],
  [
    'bindings',
    'ClusterRoleBinding',
    {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'ServiceAccount', name: 'a' },
        { kind: 'Robot', name: 'b' },
      ],
    },
    [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
      'subjects[1].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
    ],
  ],
  ['classes', 'PriorityClass', { value: 2_000_000_000 }, ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
  [
    'leases',
    'Lease',
    { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
    ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0', 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'],
  ],
  [
    'APIServices',
    'APIService',
    {
      spec: {
        group: 'x.io',
        version: 'v1',
        groupPriorityMinimum: 30_000,
        versionPriority: 1,
        service: { name: 'x' },
        insecureSkipTLSVerify: true,
        caBundle: 'eA==',
      },
    },
    [
      'spec.groupPriorityMinimum: Invalid value: 30000: must be between 1 and 20000, inclusive',
      'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.x.io"',
      'spec.service.namespace: Required value',
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
    ],
  ],
];

describe('new objects', () => {
  it.each(CASES)('%s', async (_what, kind, fields, problems) => {
    const answer = await create(t, kind, fields);
    expect([answer.code, problemsOf(answer)]).toEqual([422, problems]);
    expect(answer.body).toMatchObject({ reason: 'Invalid', details: { kind, name: 'x' } });
  });

  it('of StatefulSets mount their claims', async () => {
    const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
    const mounts = [{ name: 'data', mountPath: '/data' }];
    const spec = { selector, serviceName: 's', template: template({}, { volumeMounts: mounts }), volumeClaimTemplates: [claim] };
    expect((await create(t, 'StatefulSet', { spec })).code).toBe(201);
  });

  it('without a namespace of their own are put into none', async () => {
    const { code, body } = await create(t, 'StorageClass', { provisioner: 'example.com/x', metadata: { name: 'x', namespace: 'somewhere' } });
    expect([code, body.metadata.namespace]).toEqual([201, undefined]);
  });

  it('have names of their kind', async () => {
    const name = async (kind: string, fields: Json, given: string): Promise<unknown> => problemsOf(await create(t, kind, fields, given))[0] ?? 'fine';
    expect(await name('Service', { spec: { ports: [{ port: 80 }] } }, '1st')).toContain('a DNS-1035 label must consist of');
    expect(await name('ConfigMap', {}, 'Upper')).toContain('a lowercase RFC 1123 subdomain must consist of');
    expect(await name('Role', {}, 'system:anything')).toBe('fine');
    expect(await name('Role', {}, 'a%b')).toBe('metadata.name: Invalid value: "a%b": may not contain \'%\'');
    const cron = { spec: { schedule: '@daily', jobTemplate: { spec: { template: { spec: podSpec({ restartPolicy: 'Never' }) } } } } };
    expect(await name('CronJob', cron, 'c'.repeat(53))).toContain('must be no more than 52 characters');
  });
});
