import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from '../test-server.test-suite.ts';
import { apiVersionOf, PATHS, podSpec, problemsOf, selector, template } from './objects.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

describe('changes', () => {
  const patch = (path: string, body: object): Promise<TestAnswer> => t.call('PATCH', path, { contentType: 'application/merge-patch+json', body });

  it.each([
    [
      'Deployment',
      { spec: { selector, template: template() } },
      { spec: { selector: { matchLabels: { c: 'd' } }, template: { metadata: { labels: { c: 'd' } } } } },
      'spec.selector: Invalid value: {"matchLabels":{"a":"b","c":"d"}}: field is immutable',
    ],
    ['Secret', { type: 'a/b' }, { type: 'c/d' }, 'type: Invalid value: "c/d": field is immutable'],
    ['ConfigMap', { immutable: true, data: { a: '1' } }, { data: { a: '2' } }, 'data: Forbidden: field is immutable when `immutable` is set'],
    ['StorageClass', { provisioner: 'example.com/x' }, { parameters: { a: 'b' } }, 'parameters: Forbidden: updates to parameters are forbidden.'],
    [
      'Service',
      { spec: { ports: [{ port: 80 }] } },
      { spec: { clusterIP: '127.96.200.200', clusterIPs: ['127.96.200.200'] } },
      'spec.clusterIPs[0]: Invalid value: ["127.96.200.200"]: may not change once set',
    ],
    [
      'StatefulSet',
      { spec: { selector, template: template(), serviceName: 's' } },
      { spec: { serviceName: 'other' } },
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
    [
      'ClusterRoleBinding',
      { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' } },
      { roleRef: { name: 'admin' } },
      'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"admin"}: cannot change roleRef',
    ],
    ['PriorityClass', { value: 5 }, { value: 6 }, 'value: Forbidden: may not be changed in an update.'],
  ] as const)('of a %s keep what is fixed', async (kind, fields, change, problem) => {
    await t.call('POST', PATHS[kind] ?? '', { body: { apiVersion: apiVersionOf(kind), kind, metadata: { name: 'fixed' }, ...fields } });
    const answer = await patch(`${PATHS[kind]}/fixed`, change);
    expect([answer.code, problemsOf(answer)]).toEqual([422, [problem]]);
  });

  it('of a pod leave nearly all of it alone', async () => {
    const path = `${PATHS['Pod']}/steady`;
    await t.call('POST', PATHS['Pod'] ?? '', {
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'steady' }, spec: podSpec({ activeDeadlineSeconds: 100 }) },
    });
    expect((await patch(path, { metadata: { labels: { a: 'b' } }, spec: { activeDeadlineSeconds: 50 } })).code).toBe(200);
    expect(problemsOf(await patch(path, { spec: { activeDeadlineSeconds: 60 } }))).toEqual([
      'spec.activeDeadlineSeconds: Invalid value: 60: must be less than or equal to previous value',
    ]);
    expect(problemsOf(await patch(path, { spec: { hostname: 'other' } }))[0]).toContain('spec: Forbidden: pod updates may not change fields other than');
    const image = await t.call('PATCH', path, {
      contentType: 'application/strategic-merge-patch+json',
      body: { spec: { containers: [{ name: 'c', image: 'y' }] } },
    });
    expect([image.code, image.body.spec.containers[0].image]).toEqual([200, 'y']);
  });

  it('of a pod by its subresources touch only their part', async () => {
    const path = `${PATHS['Pod']}/parts`;
    await t.call('POST', PATHS['Pod'] ?? '', {
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'parts' },
        spec: podSpec({}, { resources: { requests: { cpu: '1' }, limits: { memory: '2Gi' } } }),
      },
    });
    const strategic = (sub: string, body: object): Promise<TestAnswer> =>
      t.call('PATCH', `${path}/${sub}`, { contentType: 'application/strategic-merge-patch+json', body });
    const debug = await strategic('ephemeralcontainers', {
      metadata: { labels: { no: 'no' } },
      spec: { ephemeralContainers: [{ name: 'debug', image: 'x' }] },
    });
    expect(debug.code).toBe(200);
    expect(debug.body.spec.ephemeralContainers[0]).toMatchObject({ name: 'debug', imagePullPolicy: 'Always' });
    expect(debug.body.metadata.labels).toBeUndefined();
    const probed = await strategic('ephemeralcontainers', { spec: { ephemeralContainers: [{ name: 'two', image: 'x', ports: [{ containerPort: 1 }] }] } });
    expect(problemsOf(probed)).toEqual(['spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container']);
    const bigger = await strategic('resize', { spec: { containers: [{ name: 'c', image: 'ignored', resources: { requests: { cpu: '2' } } }] } });
    expect([bigger.code, bigger.body.spec.containers[0].image, bigger.body.spec.containers[0].resources.requests.cpu]).toEqual([200, 'x', '2']);
    const less = await strategic('resize', { spec: { containers: [{ name: 'c', resources: { limits: { memory: '1Gi' }, requests: { memory: '1Gi' } } }] } });
    expect(problemsOf(less)).toContain(
      'spec.containers[0].resources.limits: Forbidden: memory limits cannot be decreased unless resizePolicy is RestartContainer',
    );
    const more = await strategic('resize', { spec: { containers: [{ name: 'c', resources: { requests: { 'ephemeral-storage': '1' } } }] } });
    expect(problemsOf(more)).toEqual(['spec.containers[0].resources.requests: Forbidden: only cpu and memory resources are mutable']);
  });

  it('of a Service drop what only its old type has', async () => {
    const path = `${PATHS['Service']}/typed`;
    await t.call('POST', PATHS['Service'] ?? '', {
      body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'typed' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
    });
    const inside = await patch(path, { spec: { type: 'ClusterIP' } });
    expect([inside.code, inside.body.spec.allocateLoadBalancerNodePorts, inside.body.spec.externalTrafficPolicy, inside.body.spec.ports[0].nodePort]).toEqual([
      200,
      undefined,
      undefined,
      undefined,
    ]);
    const name = await patch(path, { spec: { type: 'ExternalName', externalName: 'example.com' } });
    expect([name.code, name.body.spec.clusterIP]).toEqual([200, undefined]);
  });

  it('of what is being deleted are checked too, unless only its metadata changes', async () => {
    const schemas = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas';
    const rules = [{ subjects: [{ kind: 'User', user: { name: 'amy' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }];
    const spec = { matchingPrecedence: 9_000, priorityLevelConfiguration: { name: 'global-default' }, rules };
    const body = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: 'going', finalizers: ['example.com/f'] }, spec };
    await t.call('POST', schemas, { body });
    await t.call('DELETE', `${schemas}/going`);
    const worse = await patch(`${schemas}/going`, { spec: { rules: [{ nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }] } });
    expect([worse.code, problemsOf(worse)]).toEqual([422, ['spec.rules[0].subjects: Required value']]);
    expect((await patch(`${schemas}/going`, { metadata: { finalizers: null } })).code).toBe(200);
    expect((await t.call('GET', `${schemas}/going`)).code).toBe(404);
  });
});
