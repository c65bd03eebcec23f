import { afterAll, beforeAll, describe, expect } from 'vitest';
import { checkDiscovery, checkOperations } from './api-operations.ts';
import { createWidgets, deleteWidgets } from './custom-widgets.ts';
import { ladder } from './ladder.ts';
import { startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const AGGREGATED_BETA = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';

// Resources every v1.33 server has, some for each group.
const BUILT_IN: readonly (readonly [string, string, readonly string[]])[] = [
  ['', 'v1', ['namespaces', 'nodes', 'pods', 'services', 'secrets', 'configmaps', 'persistentvolumeclaims', 'events', 'resourcequotas']],
  ['admissionregistration.k8s.io', 'v1', ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'validatingadmissionpolicies']],
  ['apiextensions.k8s.io', 'v1', ['customresourcedefinitions']],
  ['apiregistration.k8s.io', 'v1', ['apiservices']],
  ['apps', 'v1', ['controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets']],
  ['authentication.k8s.io', 'v1', ['tokenreviews', 'selfsubjectreviews']],
  ['authorization.k8s.io', 'v1', ['localsubjectaccessreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'subjectaccessreviews']],
  ['autoscaling', 'v2', ['horizontalpodautoscalers']],
  ['batch', 'v1', ['jobs', 'cronjobs']],
  ['certificates.k8s.io', 'v1', ['certificatesigningrequests']],
  ['coordination.k8s.io', 'v1', ['leases']],
  ['discovery.k8s.io', 'v1', ['endpointslices']],
  ['events.k8s.io', 'v1', ['events']],
  ['flowcontrol.apiserver.k8s.io', 'v1', ['flowschemas', 'prioritylevelconfigurations']],
  ['networking.k8s.io', 'v1', ['ingresses', 'ingressclasses', 'networkpolicies', 'ipaddresses', 'servicecidrs']],
  ['node.k8s.io', 'v1', ['runtimeclasses']],
  ['policy', 'v1', ['poddisruptionbudgets']],
  ['rbac.authorization.k8s.io', 'v1', ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings']],
  ['scheduling.k8s.io', 'v1', ['priorityclasses']],
  ['storage.k8s.io', 'v1', ['csidrivers', 'csinodes', 'csistoragecapacities', 'storageclasses', 'volumeattachments']],
];

function resourcesOf(list: Answer['body'], group: string, version: string): readonly string[] {
  const item = list.items.find((candidate: Answer['body']) => (candidate.metadata.name ?? '') === group);
  return (item?.versions.find((candidate: Answer['body']) => candidate.version === version)?.resources ?? []).map((found: Answer['body']) => found.resource);
}

function expectBuiltIn(core: Answer['body'], groups: Answer['body']): void {
  for (const [group, version, resources] of BUILT_IN)
    expect(resourcesOf(group === '' ? core : groups, group, version)).toEqual(expect.arrayContaining([...resources]));
}

describe('sig-api-machinery: discovery', () => {
  const spec = ladder('A');

  spec('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface', async () => {
    // The order of client-go: the newest form it knows first, plain JSON last.
    const accept = `${AGGREGATED},${AGGREGATED_BETA},application/json`;
    const core = await plane.must(200, 'GET', '/api', { accept });
    const groups = await plane.must(200, 'GET', '/apis', { accept });
    expect([core.kind, groups.kind, groups.apiVersion]).toStrictEqual(['APIGroupDiscoveryList', 'APIGroupDiscoveryList', 'apidiscovery.k8s.io/v2']);
    expectBuiltIn(core, groups);
    const pods = core.items[0].versions[0].resources.find((found: Answer['body']) => found.resource === 'pods');
    expect(pods).toMatchObject({ responseKind: { group: '', version: 'v1', kind: 'Pod' }, scope: 'Namespaced', singularResource: 'pod', shortNames: ['po'] });
    expect(pods.verbs.toSorted()).toStrictEqual(['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']);
    expect(pods.subresources.map((sub: Answer['body']) => sub.subresource)).toEqual(expect.arrayContaining(['status', 'log', 'exec', 'eviction', 'binding']));
  });

  spec('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs', async () => {
    const widgets = await createWidgets(plane, 'aggregated.example.com');
    const groups = await plane.must(200, 'GET', '/apis', { accept: `${AGGREGATED},application/json` });
    expect(resourcesOf(groups, widgets.group, 'v1')).toStrictEqual(['widgets']);
    await deleteWidgets(plane, widgets);
  });

  spec('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers', async () => {
    for (const [accept, version] of [
      [AGGREGATED, 'v2'],
      [AGGREGATED_BETA, 'v2beta1'],
    ] as const) {
      const core = await plane.call('GET', '/api', { accept });
      const groups = await plane.call('GET', '/apis', { accept });
      for (const { headers } of [core, groups]) {
        const parameters = (headers['content-type'] ?? '').split(';').map((part) => part.trim());
        expect(parameters).toEqual(expect.arrayContaining(['application/json', 'g=apidiscovery.k8s.io', `v=${version}`, 'as=APIGroupDiscoveryList']));
      }
      expectBuiltIn(core.body, groups.body);
    }
  });

  spec('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs', async () => {
    const widgets = await createWidgets(plane, 'raw-aggregated.example.com');
    for (const accept of [AGGREGATED, AGGREGATED_BETA]) {
      const groups = await plane.must(200, 'GET', '/apis', { accept });
      const found = groups.items.find((item: Answer['body']) => item.metadata.name === widgets.group).versions[0].resources[0];
      expect(found).toMatchObject({ resource: 'widgets', singularResource: 'widget', scope: 'Namespaced', responseKind: { kind: 'Widget' } });
    }
    await deleteWidgets(plane, widgets);
  });

  spec('[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup', async () => {
    const { groups } = await plane.must(200, 'GET', '/apis');
    expect(groups.length).toBeGreaterThan(15);
    for (const group of groups)
      for (const { groupVersion, version } of group.versions) {
        const list = await plane.must(200, 'GET', `/apis/${groupVersion}`);
        expect([list.kind, list.groupVersion, groupVersion]).toStrictEqual(['APIResourceList', groupVersion, `${group.name}/${version}`]);
        expect(list.resources.length, groupVersion).toBeGreaterThan(0);
        for (const resource of list.resources) expect(resource.name === '' || resource.kind === '').toBe(false);
      }
  });

  spec('[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup', async () => {
    const { groups } = await plane.must(200, 'GET', '/apis');
    for (const group of groups) {
      const { preferredVersion } = await plane.must(200, 'GET', `/apis/${group.name}`);
      expect(preferredVersion).toStrictEqual(group.preferredVersion);
      expect(group.versions).toContainEqual(preferredVersion);
    }
  });

  spec('[sig-api-machinery] server version should find the server version', async () => {
    const { major, minor } = await plane.must(200, 'GET', '/version');
    expect([major, minor].map((part) => /^\d+$/.test(part))).toStrictEqual([true, true]);
  });

  spec('[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata', async () => {
    const answer = await plane.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } },
      },
    });
    expect([answer.code, answer.body.reason]).toStrictEqual([406, 'NotAcceptable']);
  });
});

describe('sig-api-machinery: objects of the API server itself', () => {
  const spec = ladder('A');

  spec('[sig-api-machinery] API priority and fairness should support FlowSchema API operations', async () => {
    const operations = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas', kind: 'FlowSchema', subresources: ['status'] };
    await checkDiscovery(plane, operations);
    await checkOperations(plane, {
      ...operations,
      make: () => ({
        spec: {
          matchingPrecedence: 10_000,
          priorityLevelConfiguration: { name: 'global-default' },
          distinguisherMethod: { type: 'ByUser' },
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }],
              nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
            },
          ],
        },
      }),
      status: {
        dropsMetadata: true,
        patch: {
          conditions: [{ type: 'PatchStatusFailed', status: 'False', reason: 'Patched', message: 'by patch', lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
        update: {
          conditions: [{ type: 'StatusUpdateFailed', status: 'False', reason: 'Updated', message: 'by update', lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
      },
    });
  });

  spec('[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations', async () => {
    const operations = {
      group: 'flowcontrol.apiserver.k8s.io',
      version: 'v1',
      resource: 'prioritylevelconfigurations',
      kind: 'PriorityLevelConfiguration',
      subresources: ['status'],
    };
    await checkDiscovery(plane, operations);
    await checkOperations(plane, {
      ...operations,
      make: () => ({ spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } } }),
      status: {
        dropsMetadata: true,
        patch: {
          conditions: [{ type: 'PatchStatusFailed', status: 'False', reason: 'Patched', message: 'by patch', lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
        update: {
          conditions: [{ type: 'StatusUpdateFailed', status: 'False', reason: 'Updated', message: 'by update', lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
      },
    });
  });
});
