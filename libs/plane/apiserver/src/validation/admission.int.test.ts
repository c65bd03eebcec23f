import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { create, problemsOf, type Json } from './objects.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const CASES: readonly (readonly [what: string, kind: string, fields: Json, problems: readonly string[]])[] = [
  [
    'webhooks',
    'ValidatingWebhookConfiguration',
    {
      webhooks: [
        {
          name: 'short',
          clientConfig: { url: 'http://x' },
          admissionReviewVersions: ['v2'],
          timeoutSeconds: 60,
          rules: [{ operations: ['CREATE', '*'], apiGroups: [''], apiVersions: ['v1'], resources: [] }],
        },
      ],
    },
    [
      'webhooks[0].sideEffects: Required value',
      'webhooks[0].timeoutSeconds: Invalid value: 60: must be between 1 and 30, inclusive',
      'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
      'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
      'webhooks[0].rules[0].operations: Invalid value: ["CREATE","*"]: if \'*\' is present, must not specify other values',
      'webhooks[0].rules[0].resources: Required value',
      'webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
    ],
  ],
  [
    'conditions of webhooks',
    'MutatingWebhookConfiguration',
    {
      webhooks: [
        {
          name: 'a.b.c',
          sideEffects: 'None',
          clientConfig: { service: { name: 'x', namespace: 'x', path: '/a//b' } },
          admissionReviewVersions: ['v1'],
          matchConditions: [
            { name: 'a', expression: 'object.' },
            { name: 'a', expression: '1' },
            { name: 'a b', expression: 'namespaceObject != null' },
          ],
        },
      ],
    },
    [
      'webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
      expect.stringContaining('webhooks[0].matchConditions[0].expression: Invalid value: "object.": compilation failed: ERROR: <input>:1:8: Syntax error'),
      'webhooks[0].matchConditions[1].expression: Invalid value: "1": must evaluate to bool but got int',
      expect.stringContaining(
        'webhooks[0].matchConditions[2].expression: Invalid value: "namespaceObject != null": compilation failed: ERROR: <input>:1:1: undeclared reference to \'namespaceObject\'',
      ),
      expect.stringContaining('webhooks[0].matchConditions[2].name: Invalid value: "a b": name part must consist of'),
      'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
    ],
  ],
  [
    'policies',
    'ValidatingAdmissionPolicy',
    {
      spec: {
        failurePolicy: 'Maybe',
        paramKind: { apiVersion: 'a/b/c', kind: '' },
        matchConstraints: { resourceRules: [{ operations: ['READ'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] },
        validations: [{ expression: 'true ||\nfalse' }, { expression: 'true', message: ' ' }],
      },
    },
    [
      'spec.failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"',
      'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      'spec.paramKind.kind: Required value',
      'spec.matchConstraints.resourceRules[0].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      'spec.validations[1].message: Invalid value: " ": message must be non-empty if specified',
      'spec.validations[0].message: Required value: message must be specified if expression contains line breaks',
    ],
  ],
  [
    'mutating policies',
    'MutatingAdmissionPolicy',
    { spec: { mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: 'object' } }, { patchType: 'ApplyConfiguration' }, { patchType: 'x' }] } },
    [
      'spec.matchConstraints: Required value',
      'spec.mutations[2].patchType: Unsupported value: "x": supported values: "ApplyConfiguration", "JSONPatch"',
      'spec.reinvocationPolicy: Required value',
      'spec.mutations[0].jsonPatch.expression: Invalid value: "object": must evaluate to list(JSONPatch) but got dyn',
      'spec.mutations[1].applyConfiguration: Required value: applyConfiguration must be specified when patchType is ApplyConfiguration',
    ],
  ],
  [
    'bindings of policies',
    'ValidatingAdmissionPolicyBinding',
    { spec: { policyName: 'x', validationActions: ['Deny', 'Shout'], paramRef: { name: 'x', selector: {} } } },
    [
      'spec.paramRef.parameterNotFoundAction: Required value',
      'spec.validationActions[1]: Unsupported value: "Shout": supported values: "Audit", "Deny", "Warn"',
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
    ],
  ],
];

describe('what admission is asked by', () => {
  it.each(CASES)('%s', async (_what, kind, fields, problems) => {
    const answer = await create(t, kind, fields);
    expect([answer.code, problemsOf(answer)]).toEqual([422, problems]);
  });
});
