import { afterAll, beforeAll, describe, expect } from 'vitest';
import { checkDiscovery, checkOperations, checkStatus, type Operations } from './api-operations.ts';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

async function support(operations: Operations, inNamespace: boolean = true): Promise<void> {
  await checkDiscovery(plane, operations);
  await checkOperations(plane, inNamespace ? { ...operations, namespace: await plane.namespace() } : operations);
}

const POD_SPEC = { containers: [{ name: 'web', image: 'registry.example.com/web:1' }] };

describe('sig-apps', () => {
  const spec = ladder('A');

  spec('[sig-apps] CronJob should support CronJob API operations', () =>
    support({
      group: 'batch',
      version: 'v1',
      resource: 'cronjobs',
      kind: 'CronJob',
      subresources: ['status'],
      make: () => ({
        spec: { schedule: '* */1 * * ?', suspend: true, jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', ...POD_SPEC } } } } },
      }),
      status: { patch: { lastScheduleTime: '2030-01-02T03:04:05Z' }, update: { lastScheduleTime: '2030-01-02T04:04:05Z' } },
    }),
  );

  const budget = (name: string, rest: object = {}): unknown => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, labels: { foo: 'bar' } },
    spec: { selector: { matchLabels: { foo: 'bar' } }, minAvailable: '10%', ...rest },
  });
  const budgets = (namespace: string): string => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;

  spec('[sig-apps] DisruptionController should create a PodDisruptionBudget', async () => {
    const path = budgets(await plane.namespace());
    await plane.must(201, 'POST', path, { body: budget('sample') });
    const live = await plane.must(200, 'GET', `${path}/sample`);
    expect(live.spec.minAvailable).toBe('10%');
    expect((await plane.edit(`${path}/sample`, (object) => void (object.spec.minAvailable = 2))).spec.minAvailable).toBe(2);
    const patched = await plane.must(200, 'PATCH', `${path}/sample`, { body: { spec: { minAvailable: '3%' } }, contentType: PATCH.strategic });
    expect(patched.spec.minAvailable).toBe('3%');
    await plane.must(200, 'DELETE', `${path}/sample`);
    expect((await plane.call('GET', `${path}/sample`)).code).toBe(404);
  });

  spec(
    '[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets',
    async () => {
      const [first, second] = [budgets(await plane.namespace()), budgets(await plane.namespace())];
      for (const [path, name] of [
        [first, 'one'],
        [first, 'two'],
        [second, 'one'],
      ] as const)
        await plane.must(201, 'POST', path, { body: budget(name) });
      expect((await plane.must(200, 'GET', '/apis/policy/v1/poddisruptionbudgets?labelSelector=foo=bar')).items).toHaveLength(3);
      await plane.must(200, 'DELETE', `${first}?labelSelector=foo=bar`);
      expect((await plane.must(200, 'GET', first)).items).toStrictEqual([]);
      expect((await plane.must(200, 'GET', second)).items).toHaveLength(1);
    },
  );

  spec('[sig-apps] DisruptionController should update/patch PodDisruptionBudget status', async () => {
    const path = budgets(await plane.namespace());
    await plane.must(201, 'POST', path, { body: budget('sample') });
    await checkStatus(plane, `${path}/sample`, {
      patch: {
        disruptedPods: { pod: '2030-01-02T03:04:05Z' },
        observedGeneration: 1,
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
      },
      update: { disruptedPods: { pod: '2030-01-02T03:04:05Z', 'pod-2': '2030-01-02T03:04:05Z' } },
    });
  });
});

describe('sig-network', () => {
  const spec = ladder('A');
  const networking = { group: 'networking.k8s.io', version: 'v1' };

  spec('[sig-network] EndpointSlice should support creating EndpointSlice API operations', () =>
    support({
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
      kind: 'EndpointSlice',
      make: (index) => ({ addressType: 'IPv4', endpoints: [{ addresses: [`10.1.2.${index + 3}`] }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
    }),
  );

  spec('[sig-network] EndpointSlice should have Endpoints and EndpointSlices pointing to API Server', async () => {
    await checkDiscovery(plane, { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' });
    const service = await plane.must(200, 'GET', '/api/v1/namespaces/default/services/kubernetes');
    expect(service.spec.ports[0]).toMatchObject({ name: 'https', port: 443 });
    const { subsets } = await plane.must(200, 'GET', '/api/v1/namespaces/default/endpoints/kubernetes');
    const { items } = await plane.must(
      200,
      'GET',
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=kubernetes',
    );
    expect(items[0].endpoints[0].addresses).toStrictEqual([subsets[0].addresses[0].ip]);
    expect([items[0].ports[0].port, subsets[0].ports[0].port]).toStrictEqual([plane.server.port, plane.server.port]);
  });

  spec('[sig-network] Ingress API should support creating Ingress API operations', () =>
    support({
      ...networking,
      resource: 'ingresses',
      kind: 'Ingress',
      subresources: ['status'],
      make: () => ({
        spec: {
          defaultBackend: { service: { name: 'default-backend', port: { number: 8080 } } },
          rules: [
            {
              host: 'foo.bar.com',
              http: { paths: [{ path: '/', pathType: 'ImplementationSpecific', backend: { service: { name: 'test-backend', port: { number: 8080 } } } }] },
            },
          ],
        },
      }),
      status: { patch: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } }, update: { loadBalancer: { ingress: [{ ip: '169.1.1.2' }] } } },
    }),
  );

  spec('[sig-network] IngressClass API should support creating IngressClass API operations', () =>
    support({ ...networking, resource: 'ingressclasses', kind: 'IngressClass', make: () => ({ spec: { controller: 'example.com/controller' } }) }, false),
  );

  spec('[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations', () =>
    support(
      {
        ...networking,
        resource: 'ipaddresses',
        kind: 'IPAddress',
        nameOf: (index) => `192.168.1.${index + 1}`,
        make: () => ({ spec: { parentRef: { group: '', resource: 'services', name: 'ipaddress-test', namespace: 'default' } } }),
      },
      false,
    ),
  );

  spec('[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations', () =>
    support(
      {
        ...networking,
        resource: 'servicecidrs',
        kind: 'ServiceCIDR',
        subresources: ['status'],
        make: (index) => ({ spec: { cidrs: [`10.10.${index}.0/24`] } }),
        status: {
          patch: {
            conditions: [{ type: 'PatchStatusFailed', status: 'False', reason: 'Patched', message: 'by patch', lastTransitionTime: '2030-01-01T00:00:00Z' }],
          },
          update: {
            conditions: [{ type: 'StatusUpdateFailed', status: 'False', reason: 'Updated', message: 'by update', lastTransitionTime: '2030-01-01T00:00:00Z' }],
          },
        },
      },
      false,
    ),
  );

  const serviceOf = (name: string, labels: Record<string, string> = {}): unknown => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { type: 'ClusterIP', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }] },
  });

  spec('[sig-network] Services should provide secure master service', async () => {
    const service = await plane.must(200, 'GET', '/api/v1/namespaces/default/services/kubernetes');
    expect(service.spec).toMatchObject({ type: 'ClusterIP', sessionAffinity: 'None', ports: [{ name: 'https', protocol: 'TCP', port: 443 }] });
  });

  spec('[sig-network] Services should find a service from listing all namespaces', async () => {
    const { items } = await plane.must(200, 'GET', '/api/v1/services');
    expect(items.map(({ metadata }: { metadata: { name: string; namespace: string } }) => `${metadata.namespace}/${metadata.name}`)).toContain(
      'default/kubernetes',
    );
  });

  spec('[sig-network] Services should complete a service status lifecycle', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/services`;
    await plane.must(201, 'POST', path, { body: serviceOf('test-service', { 'test-service-static': 'true' }) });
    expect((await plane.must(200, 'GET', `${path}/test-service/status`)).status).toStrictEqual({ loadBalancer: {} });
    await checkStatus(plane, `${path}/test-service`, {
      patch: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
      update: { conditions: [{ type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'set', lastTransitionTime: '2030-01-01T00:00:00Z' }] },
    });
    const patched = await plane.must(200, 'PATCH', `${path}/test-service`, {
      body: { metadata: { labels: { 'test-service': 'patched' } } },
      contentType: PATCH.strategic,
    });
    expect(patched.metadata.labels).toStrictEqual({ 'test-service-static': 'true', 'test-service': 'patched' });
    const watch = await plane.watch(`${path}?resourceVersion=${patched.metadata.resourceVersion}`);
    await plane.must(200, 'DELETE', `${path}/test-service`);
    await watch.until('the deletion', ({ type }) => type === 'DELETED');
    watch.close();
  });

  spec('[sig-network] Services should delete a collection of services', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/services`;
    for (const [name, labels] of [
      ['one', { e2e: 'collection' }],
      ['two', { e2e: 'collection' }],
      ['three', { e2e: 'other' }],
    ] as const)
      await plane.must(201, 'POST', path, { body: serviceOf(`e2e-svc-${name}`, labels) });
    expect((await plane.must(200, 'GET', path)).items).toHaveLength(3);
    await plane.must(200, 'DELETE', `${path}?labelSelector=e2e=collection`);
    expect((await plane.must(200, 'GET', path)).items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toStrictEqual(['e2e-svc-three']);
  });

  spec('[sig-network] Services should test the lifecycle of an Endpoint', async () => {
    const namespace = await plane.namespace();
    const path = `/api/v1/namespaces/${namespace}/endpoints`;
    const watch = await plane.watch(`${path}?labelSelector=test-endpoint-static=true`);
    await plane.must(201, 'POST', path, {
      body: {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name: 'testservice', labels: { 'test-endpoint-static': 'true' } },
        subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
      },
    });
    const added = await watch.until('the creation', ({ type }) => type === 'ADDED');
    added.object.metadata.labels['test-service'] = 'updated';
    await plane.must(200, 'PUT', `${path}/testservice`, { body: added.object });
    await watch.until('the update', ({ type, object }) => type === 'MODIFIED' && object.metadata.labels['test-service'] === 'updated');
    await plane.must(200, 'PATCH', `${path}/testservice`, {
      body: {
        metadata: { labels: { 'test-service': 'patched' } },
        subsets: [{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] }],
      },
      contentType: PATCH.strategic,
    });
    const { subsets } = await plane.must(200, 'GET', `${path}/testservice`);
    expect(subsets).toStrictEqual([{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] }]);
    await plane.must(200, 'DELETE', `${path}?labelSelector=test-endpoint-static=true`);
    await watch.until('the deletion', ({ type }) => type === 'DELETED');
    watch.close();
  });
});
