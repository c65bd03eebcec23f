import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from '../../test-server.test-suite.ts';

type Json = Readonly<Record<string, unknown>>;

const V1 = '/apis/admissionregistration.k8s.io/v1';
const ALPHA = '/apis/admissionregistration.k8s.io/v1alpha1';
const MAPS = '/api/v1/namespaces/default/configmaps';
const MERGE = 'application/merge-patch+json';

let t: TestServer;
beforeAll(async () => {
  t = await startTestServer();
});
afterAll(async () => await t[Symbol.asyncDispose]());
afterEach(async () => {
  for (const path of [`${V1}/validatingadmissionpolicybindings`, `${V1}/validatingadmissionpolicies`]) await t.call('DELETE', path);
  for (const path of [`${ALPHA}/mutatingadmissionpolicybindings`, `${ALPHA}/mutatingadmissionpolicies`]) await t.call('DELETE', path);
  await t.call('DELETE', MAPS);
});

const rule = (operations: readonly string[], resource: string = 'configmaps', extra: Json = {}): Json => ({
  operations,
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: [resource],
  ...extra,
});
const ON_WRITES = { resourceRules: [rule(['CREATE', 'UPDATE'])] };

async function policy(name: string, spec: Json): Promise<TestAnswer> {
  return await t.call('POST', `${V1}/validatingadmissionpolicies`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: { matchConstraints: ON_WRITES, ...spec },
    },
  });
}

async function bind(name: string, spec: Json = {}): Promise<TestAnswer> {
  return await t.call('POST', `${V1}/validatingadmissionpolicybindings`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: `${name}-binding` },
      spec: { policyName: name, validationActions: ['Deny'], ...spec },
    },
  });
}

async function bound(name: string, spec: Json, binding: Json = {}): Promise<void> {
  const made = await policy(name, spec);
  expect(made.code, made.text).toBe(201);
  const tied = await bind(name, binding);
  expect(tied.code, tied.text).toBe(201);
}

const configMap = (name: string, data: Json, labels: Json = {}): Json => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data });
const post = async (name: string, data: Json, labels: Json = {}): Promise<TestAnswer> => await t.call('POST', MAPS, { body: configMap(name, data, labels) });
const allow = (expression: string, more: Json = {}): Json => ({ validations: [{ expression, ...more }] });

describe('validating policies', () => {
  it('refuse in upstream words, with the reason given', async () => {
    await bound('size', {
      variables: [{ name: 'n', expression: 'int(object.data.n)' }],
      validations: [
        { expression: 'variables.n < 10', message: 'too large', reason: 'Forbidden' },
        { expression: "object.metadata.name != 'bad'", messageExpression: "'no ' + object.metadata.name + ' in ' + namespaceObject.metadata.name" },
        { expression: 'variables.n != 7' },
      ],
    });
    expect((await post('ok', { n: '3' })).code).toBe(201);
    expect((await post('big', { n: '11' })).body).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `configmaps "big" is forbidden: ValidatingAdmissionPolicy 'size' with binding 'size-binding' denied request: too large`,
    });
    expect((await post('bad', { n: '1' })).body).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: expect.stringContaining('denied request: no bad in default'),
    });
    expect((await post('seven', { n: '7' })).body.message).toContain('denied request: failed expression: variables.n != 7');
    const update = await t.call('PATCH', `${MAPS}/ok`, { contentType: MERGE, body: { data: { n: '12' } } });
    expect(update.body.message).toContain('too large');
  });

  it('follow the failure policy when they fail', async () => {
    await bound('fails', allow('object.data.absent == "x"'));
    expect((await post('a', { n: '1' })).body.message).toContain(`expression 'object.data.absent == "x"' resulted in error: no such key: absent`);
    await t.call('PATCH', `${V1}/validatingadmissionpolicies/fails`, { contentType: MERGE, body: { spec: { failurePolicy: 'Ignore' } } });
    expect((await post('a', { n: '1' })).code).toBe(201);
  });

  it('warn and audit where the binding says so', async () => {
    await bound('warns', allow("object.data.k == 'v'", { message: 'wants v' }), { validationActions: ['Warn', 'Audit'] });
    const made = await post('w', { k: 'x' });
    expect(made.code).toBe(201);
    expect(made.headers['warning']).toBe(`299 - "Validation failed for ValidatingAdmissionPolicy 'warns' with binding 'warns-binding': wants v"`);
  });

  it('look only at what they match', async () => {
    await t.call('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'marked', labels: { strict: 'yes' } } } });
    await bound(
      'matched',
      {
        ...allow('false', { message: 'never' }),
        matchConstraints: {
          resourceRules: [rule(['CREATE'])],
          excludeResourceRules: [rule(['*'], 'configmaps', { resourceNames: ['spared'] })],
          objectSelector: { matchExpressions: [{ key: 'free', operator: 'DoesNotExist' }] },
        },
        matchConditions: [{ name: 'not-kube', expression: "!request.name.startsWith('kube-')" }],
      },
      { matchResources: { namespaceSelector: { matchLabels: { strict: 'yes' } } } },
    );
    const inMarked = async (name: string, labels: Json = {}): Promise<number> =>
      (await t.call('POST', '/api/v1/namespaces/marked/configmaps', { body: configMap(name, {}, labels) })).code;
    expect(await inMarked('any')).toBe(422);
    expect(await inMarked('spared')).toBe(201);
    expect(await inMarked('labelled', { free: 'yes' })).toBe(201);
    expect(await inMarked('kube-x')).toBe(201);
    expect((await post('elsewhere', {})).code).toBe(201);
  });

  it('see the user, the operation and the old object, and ask the authorizer', async () => {
    await bound('request', {
      matchConstraints: { resourceRules: [rule(['UPDATE', 'DELETE'])] },
      validations: [
        { expression: "request.operation != 'DELETE' || oldObject.metadata.name != 'kept'", message: 'is kept' },
        { expression: "request.operation == 'DELETE' || object.data.k >= oldObject.data.k", message: 'only grows' },
        { expression: "request.userInfo.groups.exists(g, g == 'system:masters') && authorizer.requestResource.check('delete').allowed()", message: 'who' },
        {
          expression: "!authorizer.serviceAccount('default', 'nobody').group('').resource('secrets').namespace('default').check('get').allowed()",
          message: 'rights',
        },
      ],
    });
    await post('kept', { k: '5' });
    expect((await t.call('DELETE', `${MAPS}/kept`)).body.message).toContain('is kept');
    expect((await t.call('PATCH', `${MAPS}/kept`, { contentType: MERGE, body: { data: { k: '4' } } })).body.message).toContain('only grows');
    expect((await t.call('PATCH', `${MAPS}/kept`, { contentType: MERGE, body: { data: { k: '6' } } })).code).toBe(200);
  });

  it('take parameters by name and by selector', async () => {
    await post('limit-a', { max: '5' }, { limits: 'yes' });
    await post('limit-b', { max: '3' }, { limits: 'yes' });
    const spec = {
      ...allow("!has(object.data) || !('n' in object.data) || int(object.data.n) <= int(params.data.max)", { messageExpression: "'over ' + params.data.max" }),
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    };
    await bound('named', spec, { paramRef: { name: 'limit-a', parameterNotFoundAction: 'Deny' } });
    expect((await post('six', { n: '6' })).body.message).toContain('over 5');
    expect((await post('four', { n: '4' })).code).toBe(201);
    await bind('named', {});
    await t.call('PATCH', `${V1}/validatingadmissionpolicybindings/named-binding`, {
      contentType: MERGE,
      body: { spec: { paramRef: { name: null, selector: { matchLabels: { limits: 'yes' } } } } },
    });
    expect((await post('four-again', { n: '4' })).body.message).toContain('over 3');
    await t.call('PATCH', `${V1}/validatingadmissionpolicybindings/named-binding`, {
      contentType: MERGE,
      body: { spec: { paramRef: { selector: { matchLabels: { limits: 'none' } } } } },
    });
    expect((await post('any', {})).body.message).toContain(
      'denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    );
  });

  it('stop at the cost of a request', async () => {
    const spec = allow('object.data.l.split(",").all(a, object.data.l.split(",").all(b, a.size() + b.size() > 0))');
    await bound('costly', spec);
    const refused = await post('c', { l: Array.from({ length: 2_000 }, () => 'x').join() });
    expect(refused.body.message).toContain('operation cancelled: actual cost limit exceeded');
  });

  it('are never asked about policies', async () => {
    await bound('all', {
      ...allow('false'),
      matchConstraints: { resourceRules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }] },
    });
    expect((await post('x', {})).code).toBe(422);
    expect((await t.call('DELETE', `${V1}/validatingadmissionpolicies/all`)).code).toBe(200);
    expect((await post('x', {})).code).toBe(201);
  });
});

describe('definitions of policies', () => {
  const causes = ({ body }: TestAnswer): string[] =>
    (body.details?.causes ?? []).map((cause: { field: string; message: string }) => `${cause.field}: ${cause.message}`);

  it.each<[string, Json, string]>([
    ['syntax', allow('object.'), 'spec.validations[0].expression: Invalid value: "object.": compilation failed: ERROR: <input>:1:8: Syntax error'],
    ['results', allow('1'), 'must evaluate to bool but got int'],
    ['names', allow('foo'), "undeclared reference to 'foo' (in container '')"],
    ['request fields', allow('request.foo'), "undefined field 'foo'"],
    ['messages', allow('true', { messageExpression: '1' }), 'spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string but got int'],
    ['parameters without a kind', allow('params.x == 1'), "undeclared reference to 'params'"],
    ['nothing to say', { validations: [] }, 'spec.validations: Required value: validations or auditAnnotations must contain at least one item'],
    ['variables', { ...allow('true'), variables: [{ name: 'a-b', expression: '1' }] }, 'name is not a valid CEL identifier'],
    ['reasons', allow('true', { reason: 'Nope' }), 'supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"'],
  ])('say what is wrong with %s', async (_name, spec, want) => {
    expect(causes(await policy('wrong', spec)).join('\n')).toContain(want);
  });

  it('say what is wrong with bindings', async () => {
    expect(causes(await bind('x', { validationActions: ['Deny', 'Warn'], paramRef: { parameterNotFoundAction: 'Deny' } }))).toEqual([
      'spec.paramRef: Required value: one of name or selector must be specified',
      expect.stringContaining('must not contain both Deny and Warn'),
    ]);
  });

  it('have their expressions checked against the types they are matched with', async () => {
    const deployments = { resourceRules: [{ operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments', 'replicasets'] }] };
    const made = await policy('typed', {
      matchConstraints: deployments,
      validations: [
        { expression: "object.spec.replicas > 1 && object.metadata.namespace != ''" },
        { expression: "object.spec.replicas > '1'" },
        { expression: 'object.spec.maxReplicas > 1' },
      ],
    });
    const { expressionWarnings } = made.body.status.typeChecking;
    expect(expressionWarnings.map(({ fieldRef }: { fieldRef: string }) => fieldRef)).toEqual([
      'spec.validations[1].expression',
      'spec.validations[2].expression',
    ]);
    expect(expressionWarnings[1].warning).toBe(
      [
        "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:12: undefined field 'maxReplicas'\n | object.spec.maxReplicas > 1\n | ...........^\n",
        "apps/v1, Kind=ReplicaSet: compilation failed: ERROR: <input>:1:12: undefined field 'maxReplicas'\n | object.spec.maxReplicas > 1\n | ...........^\n",
      ].join('\n'),
    );
    const changed = await t.call('PATCH', `${V1}/validatingadmissionpolicies/typed`, {
      contentType: MERGE,
      body: { spec: { validations: [{ expression: 'true' }] } },
    });
    expect(changed.body.status).toEqual({ observedGeneration: 2, typeChecking: {} });
  });

  it('are checked against custom resources too', async () => {
    await t.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      body: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'tabs.typed.io' },
        spec: {
          group: 'typed.io',
          scope: 'Namespaced',
          names: { plural: 'tabs', kind: 'Tab' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { n: { type: 'integer' } } } } } },
            },
          ],
        },
      },
    });
    const made = await policy('tabs', {
      matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: ['typed.io'], apiVersions: ['v1'], resources: ['tabs'] }] },
      validations: [{ expression: 'object.spec.n > 1 && has(object.metadata.labels)' }, { expression: 'object.spec.m > 1' }],
    });
    expect(made.body.status.typeChecking.expressionWarnings).toMatchObject([
      { fieldRef: 'spec.validations[1].expression', warning: expect.stringContaining("undefined field 'm'") },
    ]);
  });
});

describe('mutating policies', () => {
  const mutates = async (name: string, spec: Json): Promise<void> => {
    const made = await t.call('POST', `${ALPHA}/mutatingadmissionpolicies`, {
      body: {
        apiVersion: 'admissionregistration.k8s.io/v1alpha1',
        kind: 'MutatingAdmissionPolicy',
        metadata: { name },
        spec: { matchConstraints: ON_WRITES, reinvocationPolicy: 'Never', failurePolicy: 'Fail', ...spec },
      },
    });
    expect(made.code, made.text).toBe(201);
    const tied = await t.call('POST', `${ALPHA}/mutatingadmissionpolicybindings`, {
      body: { apiVersion: 'admissionregistration.k8s.io/v1alpha1', kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name } },
    });
    expect(tied.code, tied.text).toBe(201);
  };
  const apply = (expression: string): Json => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
  const patch = (expression: string): Json => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

  it('lay configurations over the object', async () => {
    await mutates('labels', {
      variables: [{ name: 'team', expression: "object.metadata.?labels['team'].orValue('none')" }],
      mutations: [apply('Object{metadata: Object.metadata{labels: {"seen": variables.team}}, data: {"added": "yes"}}')],
    });
    expect((await post('m', { k: 'v' }, { team: 'red' })).body).toMatchObject({
      metadata: { labels: { team: 'red', seen: 'red' } },
      data: { k: 'v', added: 'yes' },
    });
  });

  it('merge lists by their keys', async () => {
    await mutates('sidecar', {
      matchConstraints: { resourceRules: [rule(['CREATE'], 'pods')] },
      mutations: [apply('Object{spec: Object.spec{containers: [Object.spec.containers{name: "side", image: "side:1"}]}}')],
    });
    await t.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } });
    const made = await t.call('POST', '/api/v1/namespaces/default/pods?dryRun=All', {
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'main', image: 'main:1' }] } },
    });
    expect(made.body.spec.containers.map(({ name, imagePullPolicy }: { name: string; imagePullPolicy: string }) => [name, imagePullPolicy])).toEqual([
      ['main', 'IfNotPresent'],
      ['side', 'IfNotPresent'],
    ]);
  });

  it('apply JSON patches, and leave the object where a test fails', async () => {
    await mutates('patches', {
      mutations: [
        patch(
          '[JSONPatch{op: "test", path: "/data/k", value: "v"}, JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("a/b~c"), value: object.data.k + "!"}]',
        ),
      ],
    });
    expect((await post('p', { k: 'x' })).body.data).toEqual({ k: 'x' });
    expect((await t.call('POST', MAPS, { body: configMap('q', { k: 'v' }) })).body.message).toContain('data');
    await t.call('DELETE', `${ALPHA}/mutatingadmissionpolicybindings/patches`);
    await mutates('patches-2', { mutations: [patch('[JSONPatch{op: "replace", path: "/data", value: {"k": object.data.k, "l": "w"}}]')] });
    expect((await post('r', { k: 'v' })).body.data).toEqual({ k: 'v', l: 'w' });
  });

  it('are seen again when a later one changes the object', async () => {
    await mutates('a-counts', {
      reinvocationPolicy: 'IfNeeded',
      mutations: [apply('Object{metadata: Object.metadata{annotations: {"fields": string(size(object.data))}}}')],
    });
    await mutates('b-adds', { mutations: [apply('Object{data: {"more": "x"}}')] });
    expect((await post('again', { k: 'v' })).body).toMatchObject({ metadata: { annotations: { fields: '2' } }, data: { k: 'v', more: 'x' } });
  });

  it('refuse what they cannot change', async () => {
    await mutates('atomic', {
      matchConstraints: { resourceRules: [rule(['CREATE'], 'services')] },
      mutations: [apply('Object{spec: Object.spec{selector: Object.spec.wrong{app: "x"}}}')],
    });
    const refused = await t.call('POST', '/api/v1/namespaces/default/services', {
      body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } },
    });
    expect(refused.body.message).toBe(
      `policy 'atomic' with binding 'atomic' denied request: type mismatch: unexpected type name "Object.spec.wrong", expected "Object.spec.selector", which matches field name path from root Object type`,
    );
    await t.call('DELETE', `${ALPHA}/mutatingadmissionpolicybindings/atomic`);
    await mutates('atomic-2', {
      matchConstraints: { resourceRules: [rule(['CREATE'], 'services')] },
      mutations: [apply('Object{spec: Object.spec{selector: {"app": "x"}}}')],
    });
    const atomic = await t.call('POST', '/api/v1/namespaces/default/services', {
      body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } },
    });
    expect(atomic.body.message).toContain('error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector');
  });

  it('are checked when they are written', async () => {
    const made = await t.call('POST', `${ALPHA}/mutatingadmissionpolicies`, {
      body: {
        apiVersion: 'admissionregistration.k8s.io/v1alpha1',
        kind: 'MutatingAdmissionPolicy',
        metadata: { name: 'wrong' },
        spec: { matchConstraints: ON_WRITES, reinvocationPolicy: 'Never', mutations: [apply('{"a": 1}'), patch('[JSONPatch{oops: 1}]')] },
      },
    });
    expect(made.body.message).toContain('must evaluate to Object but got map(string, int)');
    expect(made.body.message).toContain("undefined field 'oops'");
  });
});
