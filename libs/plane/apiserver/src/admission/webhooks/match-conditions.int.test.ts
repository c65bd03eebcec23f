import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from '../../test-server.test-suite.ts';

let t: TestServer;
beforeAll(async () => {
  t = await startTestServer();
});
afterAll(async () => await t[Symbol.asyncDispose]());

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

/** Creates a ConfigMap past a webhook that nothing listens for: asking it fails. */
async function ask(conditions: readonly object[], failurePolicy: string = 'Fail'): Promise<TestAnswer> {
  await t.call('DELETE', CONFIGURATIONS);
  const made = await t.call('POST', CONFIGURATIONS, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'hooks' },
      webhooks: [
        {
          name: 'gone.example.com',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          failurePolicy,
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
          matchConditions: conditions,
        },
      ],
    },
  });
  expect(made.code, made.text).toBe(201);
  return await t.call('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', {
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'asked', labels: { a: 'b' } } },
  });
}

it('asks a webhook only when all its conditions hold', async () => {
  const named = { name: 'named', expression: "object.metadata.labels.a == 'b' && request.operation == 'CREATE'" };
  expect((await ask([named])).body.message).toContain('failed calling webhook "gone.example.com"');
  expect((await ask([named, { name: 'not', expression: "request.userInfo.username == 'nobody'" }])).code).toBe(201);
});

it('refuses or goes on, as the policy says, when a condition fails', async () => {
  const fails = { name: 'fails', expression: 'object.data.x == 1' };
  expect((await ask([fails])).body).toMatchObject({ code: 403, message: expect.stringContaining('no such key: data') });
  expect((await ask([fails], 'Ignore')).code).toBe(201);
  expect((await ask([fails, { name: 'no', expression: 'false' }])).code).toBe(201);
});
