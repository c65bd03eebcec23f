import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { checkDiscovery, checkOperations } from './api-operations.ts';
import { ladder } from './ladder.ts';
import { startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

const GROUP = { group: 'admissionregistration.k8s.io', version: 'v1' };
const ROOT = '/apis/admissionregistration.k8s.io/v1';
const DEPLOYMENTS = { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }] };

const deployment = (name: string, replicas: number): unknown => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1' }] } },
  },
});

/** A policy over Deployments of one namespace, at work. */
async function policed(name: string, spec: object): Promise<string> {
  const namespace = await plane.namespace();
  await plane.must(200, 'PATCH', `/api/v1/namespaces/${namespace}`, {
    body: { metadata: { labels: { policy: name } } },
    contentType: 'application/merge-patch+json',
  });
  await plane.must(201, 'POST', `${ROOT}/validatingadmissionpolicies`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: { matchConstraints: DEPLOYMENTS, ...spec },
    },
  });
  await eventually(
    'the policy has been checked',
    () => plane.must(200, 'GET', `${ROOT}/validatingadmissionpolicies/${name}`),
    ({ status }) => status?.typeChecking !== undefined,
  );
  await plane.must(201, 'POST', `${ROOT}/validatingadmissionpolicybindings`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'], matchResources: { namespaceSelector: { matchLabels: { policy: name } } } },
    },
  });
  return `/apis/apps/v1/namespaces/${namespace}/deployments`;
}

function expectDenied(answer: Answer, text: string): void {
  expect([answer.code, answer.body.reason]).toStrictEqual([422, 'Invalid']);
  expect(answer.body.message).toContain(text);
}

describe('sig-api-machinery: validating admission policies', () => {
  const spec = ladder('A');
  const prefix = '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin]';

  spec(`${prefix} should validate against a Deployment`, async () => {
    const path = await policed('replicas', {
      validations: [
        { expression: 'object.spec.replicas > 1', messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)" },
        { expression: 'namespaceObject.metadata.name.startsWith("conformance-")', message: 'only in namespaces of the suite' },
      ],
    });
    await plane.must(201, 'POST', path, { body: deployment('enough', 2) });
    expectDenied(
      await plane.call('POST', path, { body: deployment('few', 1) }),
      "ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: wants replicas > 1, got 1",
    );
  });

  spec(`${prefix} should allow expressions to refer variables.`, async () => {
    const path = await policed('variables', {
      variables: [
        { name: 'replicas', expression: 'object.spec.replicas' },
        { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
      ],
      validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
    });
    await plane.must(201, 'POST', path, { body: deployment('odd', 3) });
    expectDenied(await plane.call('POST', path, { body: deployment('few', 1) }), 'failed expression: variables.replicas > 1');
    expectDenied(await plane.call('POST', path, { body: deployment('even', 4) }), 'failed expression: variables.oddReplicas');
  });

  const inert = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothing-of-ours'] };

  spec(`${prefix} should support ValidatingAdmissionPolicy API operations`, async () => {
    const operations = { ...GROUP, resource: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', subresources: ['status'] };
    await checkDiscovery(plane, operations);
    await checkOperations(plane, {
      ...operations,
      make: () => ({ spec: { matchConstraints: { resourceRules: [inert] }, validations: [{ expression: 'object.spec.replicas <= 100' }] } }),
      status: {
        patch: {
          conditions: [{ type: 'PatchStatusFailed', status: 'False', reason: 'Patched', message: 'by patch', lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
        update: {
          conditions: [{ type: 'StatusUpdateFailed', status: 'False', reason: 'Updated', message: 'by update', lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
      },
    });
  });

  spec(`${prefix} should support ValidatingAdmissionPolicyBinding API operations`, async () => {
    const operations = { ...GROUP, resource: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding' };
    await checkDiscovery(plane, operations);
    await checkOperations(plane, { ...operations, make: () => ({ spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] } }) });
  });
});
