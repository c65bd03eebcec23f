import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { container, create, pod, podSpec, problemsOf, type Json } from './objects.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const CASES: readonly (readonly [what: string, kind: string, fields: Json, problems: readonly string[]])[] = [
  [
    'several problems at once',
    'Pod',
    { spec: { containers: [{ image: '' }], restartPolicy: 'Sometimes' } },
    [
      'spec.containers[0].name: Required value',
      'spec.containers[0].image: Required value',
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
    ],
  ],
  ['duplicate names over kinds of containers', 'Pod', pod({ initContainers: [container()] }), ['spec.initContainers[0].name: Duplicate value: "c"']],
  [
    'ports',
    'Pod',
    pod({}, { ports: [{ containerPort: 0 }, { name: 'UPPER', containerPort: 80 }, { containerPort: 80, hostPort: 70000 }] }),
    [
      'spec.containers[0].ports[1].name: Invalid value: "UPPER": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.containers[0].ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[2].hostPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
  ],
  [
    'host ports of host networks',
    'Pod',
    pod({ hostNetwork: true }, { ports: [{ containerPort: 80, hostPort: 81 }] }),
    ['spec.containers[0].ports[0].containerPort: Invalid value: 80: must match `hostPort` when `hostNetwork` is true'],
  ],
  [
    'variables',
    'Pod',
    pod({}, { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'spec.nothing' } } }] }),
    [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.nothing": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
  ],
  [
    'mounts',
    'Pod',
    pod(
      { volumes: [{ name: 'v', emptyDir: {} }], automountServiceAccountToken: false },
      {
        volumeMounts: [
          { name: 'v', mountPath: '/a', subPath: '/b' },
          { name: 'absent', mountPath: '/a' },
        ],
      },
    ),
    [
      'spec.containers[0].volumeMounts[0].subPath: Invalid value: "/b": must be a relative path',
      'spec.containers[0].volumeMounts[1].name: Not found: "absent"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ],
  ],
  [
    'amounts',
    'Pod',
    pod({}, { resources: { requests: { cpu: '2', memory: '-1', 'example.com/x': '1' }, limits: { cpu: '1', gpu: '1' } } }),
    [
      'spec.containers[0].resources.limits: Invalid value: "gpu": must be a standard resource for containers',
      'spec.containers[0].resources.requests: Invalid value: "gpu": must be a standard resource for containers',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
    ],
  ],
  [
    'probes',
    'Pod',
    pod({}, { livenessProbe: { successThreshold: 2, tcpSocket: { port: 'nope!' } }, readinessProbe: { terminationGracePeriodSeconds: 5 } }),
    [
      'spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: "nope!": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe: Required value: must specify a handler type',
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes',
    ],
  ],
  [
    'tolerations',
    'Pod',
    pod({ tolerations: [{ key: 'k', operator: 'Sometimes', effect: 'NoSchedule', tolerationSeconds: 1 }] }),
    [
      'spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
      'spec.tolerations[0].operator: Unsupported value: "Sometimes": supported values: "Equal", "Exists"',
    ],
  ],
  [
    'spread',
    'Pod',
    pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'Never' }] }),
    [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Never": supported values: "DoNotSchedule", "ScheduleAnyway"',
    ],
  ],
  [
    'affinity',
    'Pod',
    pod({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In' }] }] } },
        podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, podAffinityTerm: {} }] },
      },
    }),
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: Required value: can not be empty',
    ],
  ],
  [
    'sysctls',
    'Pod',
    pod({
      securityContext: {
        sysctls: [
          { name: 'foo-', value: '1' },
          { name: 'kernel.shmmax', value: '1' },
          { name: 'bar..', value: '1' },
        ],
      },
    }),
    [
      'spec.securityContext.sysctls[0].name: Invalid value: "foo-": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      'spec.securityContext.sysctls[2].name: Invalid value: "bar..": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
    ],
  ],
  [
    'security contexts',
    'Pod',
    pod({ securityContext: { runAsUser: -1, seccompProfile: { type: 'Localhost' } } }),
    [
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
    ],
  ],
  [
    'volumes',
    'Pod',
    pod({
      volumes: [
        { name: 'two', emptyDir: {}, hostPath: { path: '/x' } },
        { name: 'back', hostPath: { path: '/a/../b' } },
        { name: 'bad', configMap: { name: 'm', items: [{ key: 'k', path: '../x' }] } },
      ],
    }),
    [
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
      'spec.volumes[1].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
      'spec.volumes[2].configMap.items[0].path: Invalid value: "../x": must not contain \'..\'',
    ],
  ],
  [
    'containers of the wrong kind',
    'Pod',
    {
      spec: podSpec(
        { initContainers: [container({ name: 'i', livenessProbe: { tcpSocket: { port: 1 } } })], ephemeralContainers: [container({ name: 'e' })] },
        { restartPolicy: 'Always' },
      ),
    },
    [
      'spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers',
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
    ],
  ],
  [
    'dns',
    'Pod',
    pod({ dnsPolicy: 'None', hostname: 'Upper' }),
    [
      "spec.hostname: Invalid value: \"Upper\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None',
    ],
  ],
];

describe('new pods', () => {
  it.each(CASES)('%s', async (_what, kind, fields, problems) => {
    const answer = await create(t, kind, fields);
    expect([answer.code, problemsOf(answer)]).toEqual([422, problems]);
    expect(answer.body).toMatchObject({ reason: 'Invalid', details: { kind, name: 'x' } });
  });
});
