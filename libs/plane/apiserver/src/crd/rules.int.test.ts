import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from '../test-server.test-suite.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
type Json = Readonly<Record<string, unknown>>;

/** A CRD of one namespaced kind with the schema of `spec` given. */
function crdOf(plural: string, spec: Json, version: Json = {}): Json {
  const kind = `${plural[0]?.toUpperCase()}${plural.slice(1, -1)}`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.rules.io` },
    spec: {
      group: 'rules.io',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec } } }, ...version }],
    },
  };
}

let t: TestServer;
beforeAll(async () => {
  t = await startTestServer();
});
afterAll(async () => await t[Symbol.asyncDispose]());

const messages = ({ body }: TestAnswer): string[] =>
  (body.details?.causes ?? []).map((cause: { field: string; message: string }) => `${cause.field}: ${cause.message}`);

describe('rules of custom objects', () => {
  const path = '/apis/rules.io/v1/namespaces/default/gadgets';
  const gadget = (name: string, spec: Json): Json => ({ apiVersion: 'rules.io/v1', kind: 'Gadget', metadata: { name }, spec });
  const patch = async (name: string, spec: Json): Promise<TestAnswer> =>
    await t.call('PATCH', `${path}/${name}`, { contentType: 'application/merge-patch+json', body: { spec } });

  beforeAll(async () => {
    const made = await t.call('POST', CRDS, {
      body: crdOf('gadgets', {
        type: 'object',
        'x-kubernetes-validations': [
          { rule: '!has(self.min) || self.min <= self.max', messageExpression: "'min %d is over max %d'.format([self.min, self.max])", fieldPath: '.min' },
          { rule: '!has(self.locked) || !self.locked || self.max == oldSelf.max', message: 'max is locked', reason: 'FieldValueForbidden' },
          { rule: 'oldSelf.hasValue() || self.max < 100', optionalOldSelf: true, message: 'starts below 100' },
        ],
        properties: {
          min: { type: 'integer' },
          max: { type: 'integer', default: 10 },
          locked: { type: 'boolean' },
          code: { type: 'string', maxLength: 20, 'x-kubernetes-validations': [{ rule: "self.startsWith('x')" }] },
          ports: {
            type: 'array',
            maxItems: 8,
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: {
              type: 'object',
              required: ['name'],
              'x-kubernetes-validations': [{ rule: 'self.port >= oldSelf.port', message: 'ports only grow' }],
              properties: { name: { type: 'string', maxLength: 10 }, port: { type: 'integer' } },
            },
          },
          labels: {
            type: 'object',
            maxProperties: 5,
            additionalProperties: { type: 'string', maxLength: 9, 'x-kubernetes-validations': [{ rule: "self != 'bad'" }] },
          },
          either: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-validations': [{ rule: 'self < 5' }] },
        },
      }),
    });
    expect(
      made.body.status?.conditions?.map((condition: { type: string }) => condition.type),
      JSON.stringify(made.body),
    ).toEqual(['NamesAccepted', 'Established']);
  });

  it('refuse a new object with the place, the message and the reason', async () => {
    const refused = await t.call('POST', path, { body: gadget('a', { min: 11, max: 10, code: 'abc', labels: { k: 'bad', l: 'good' } }) });
    expect(refused.code).toBe(422);
    expect(messages(refused)).toEqual([
      'spec.min: Invalid value: "object": min 11 is over max 10',
      `spec.code: Invalid value: "string": failed rule: self.startsWith('x')`,
      `spec.labels[k]: Invalid value: "string": failed rule: self != 'bad'`,
    ]);
    expect((await t.call('POST', path, { body: gadget('a', { max: 100 }) })).body.message).toContain('starts below 100');
    expect(messages(await t.call('POST', path, { body: gadget('a', { either: 'x' }) }))).toEqual([
      'spec.either: Invalid value: "": \'no such overload\': call arguments did not match a supported operator, function or macro signature for rule: self < 5',
    ]);
  });

  it('do not run where the schema already finds types wrong', async () => {
    expect(messages(await t.call('POST', path, { body: gadget('a', { min: 'x', max: 1 }) }))).toEqual([
      'spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"',
      '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ]);
  });

  it('compare with what was, item by item', async () => {
    expect(
      (
        await t.call('POST', path, {
          body: gadget('b', {
            max: 5,
            locked: true,
            ports: [
              { name: 'p', port: 5 },
              { name: 'q', port: 7 },
            ],
          }),
        })
      ).code,
    ).toBe(201);
    expect((await patch('b', { max: 6 })).body).toMatchObject({ code: 422, message: expect.stringContaining('spec: Forbidden: max is locked') });
    const moved = await patch('b', {
      ports: [
        { name: 'q', port: 6 },
        { name: 'p', port: 5 },
        { name: 'new', port: 1 },
      ],
    });
    expect(messages(moved)).toEqual(['spec.ports[0]: Invalid value: "object": ports only grow']);
    expect(
      (
        await patch('b', {
          ports: [
            { name: 'q', port: 8 },
            { name: 'p', port: 5 },
          ],
        })
      ).code,
    ).toBe(200);
  });

  it('let an unchanged part stay as it is, with a warning', async () => {
    const open = crdOf('olds', { type: 'object', properties: { code: { type: 'string' }, note: { type: 'string' } } });
    const strict = crdOf('olds', {
      type: 'object',
      properties: {
        code: { type: 'string', maxLength: 5, pattern: '^[a-z]+$', 'x-kubernetes-validations': [{ rule: "self != 'wrong'", message: 'is wrong' }] },
        note: { type: 'string' },
      },
    });
    const olds = '/apis/rules.io/v1/namespaces/default/olds';
    const update = async (body: Json): Promise<TestAnswer> =>
      await t.call('PATCH', `${olds}/o`, { contentType: 'application/merge-patch+json', body: { spec: body } });
    await t.call('POST', CRDS, { body: open });
    await t.call('POST', olds, { body: { apiVersion: 'rules.io/v1', kind: 'Old', metadata: { name: 'o' }, spec: { code: 'wrong' } } });
    await t.call('PATCH', `${CRDS}/olds.rules.io`, { contentType: 'application/merge-patch+json', body: strict });
    const kept = await update({ note: 'changed' });
    expect(kept.code).toBe(200);
    expect(kept.headers['warning']).toContain('spec.code: Invalid value: \\"string\\": is wrong');
    expect((await update({ code: 'TOO-LONG' })).code).toBe(422);
    expect(messages(await update({ code: 'wrong', note: 'x' }))).toEqual([]);
  });

  it('hold the budget of a request', async () => {
    const made = await t.call('POST', CRDS, {
      body: crdOf('costs', {
        type: 'object',
        properties: {
          list: {
            type: 'array',
            maxItems: 1000,
            'x-kubernetes-validations': [{ rule: 'self.all(x, self.exists_one(y, x == y))' }],
            items: { type: 'integer' },
          },
        },
      }),
    });
    expect(made.code, made.text).toBe(201);
    const list = Array.from({ length: 1000 }, (_, index) => index);
    const refused = await t.call('POST', '/apis/rules.io/v1/namespaces/default/costs', {
      body: { apiVersion: 'rules.io/v1', kind: 'Cost', metadata: { name: 'c' }, spec: { list } },
    });
    expect(messages(refused)[0]).toContain("'operation cancelled: actual cost limit exceeded': no further validation rules will be run");
  });
});

describe('definitions', () => {
  const refusal = async (spec: Json, version: Json = {}): Promise<string[]> =>
    messages(await t.call('POST', `${CRDS}?dryRun=All`, { body: crdOf('tests', spec, version) }));
  const at = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]';
  const withRule = (rule: Json, properties: Json = { n: { type: 'integer' } }): Json => ({ type: 'object', 'x-kubernetes-validations': [rule], properties });

  it.each<[string, Json, string]>([
    ['syntax', { rule: 'self.n >' }, `${at}.x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.n >"`],
    ['unknown fields', { rule: 'self.m > 1' }, "compilation failed: ERROR: <input>:1:5: undefined field 'm'\n | self.m > 1\n | ....^"],
    ['results', { rule: 'self.n' }, 'cel expression must evaluate to a bool'],
    ['messages', { rule: 'true', message: 'a\nb' }, `${at}.x-kubernetes-validations[0].message: Invalid value: "a\\nb": must not contain line breaks`],
    ['rules of several lines', { rule: 'self.n >\n 1' }, 'message must be specified if rule contains line breaks'],
    ['reasons', { rule: 'true', reason: 'Nope' }, 'supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'],
    ['field paths', { rule: 'true', fieldPath: '.q' }, `${at}.x-kubernetes-validations[0].fieldPath: Invalid value: ".q": must be a valid path`],
    ['message expressions', { rule: 'true', messageExpression: 'self.n' }, 'messageExpression must evaluate to a string'],
    ['optional old values', { rule: 'true', optionalOldSelf: true }, 'may not be set if oldSelf is not used in rule'],
  ])('say what is wrong with %s', async (_name, rule, want) => {
    expect((await refusal(withRule(rule))).join('\n')).toContain(want);
  });

  it('are refused for rules that may cost too much', async () => {
    const list = { type: 'array', items: { type: 'string' } };
    expect(await refusal(withRule({ rule: 'self.l.all(x, self.l.all(y, x == y))' }, { l: list }))).toEqual([
      `${at}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
      `${at}.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      'spec.versions[0].schema.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
    ]);
    expect(
      await refusal(withRule({ rule: 'self.l.all(x, self.l.all(y, x == y))' }, { l: { ...list, maxItems: 50, items: { type: 'string', maxLength: 20 } } })),
    ).toEqual([]);
  });

  it('may not compare what has no counterpart', async () => {
    const items = { type: 'object', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }], properties: { n: { type: 'integer' } } };
    expect((await refusal({ type: 'object', properties: { l: { type: 'array', maxItems: 5, items } } })).join()).toContain(
      `oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}.properties[l]`,
    );
  });

  it.each<[string, Json, string]>([
    ['missing types', { properties: { a: {} } }, `${at}.properties[a].type: Required value: must not be empty for specified object fields`],
    ['lists without items', { type: 'object', properties: { a: { type: 'array' } } }, `${at}.properties[a].items: Required value: must be specified`],
    ['types under allOf', { type: 'object', allOf: [{ type: 'object' }] }, `${at}.allOf[0].type: Forbidden: must be empty to be structural`],
    [
      'fields only validated',
      { type: 'object', anyOf: [{ properties: { a: { minimum: 1 } } }] },
      `${at}.properties[a]: Required value: because it is defined in ${at}.anyOf[0].properties[a]`,
    ],
    ['unique items', { type: 'array', uniqueItems: true, items: { type: 'string' } }, 'uniqueItems cannot be set to true'],
    [
      'both kinds of properties',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } },
      'additionalProperties and properties are mutual exclusive',
    ],
    ['patterns', { type: 'string', pattern: '(?<x' }, 'must be a valid regular expression'],
    ['unsupported keywords', { type: 'object', $ref: '#/x' }, `${at}.$ref: Forbidden: $ref is not supported`],
    [
      'list maps without keys',
      { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
      'must not be empty if x-kubernetes-list-type is map',
    ],
    [
      'optional keys',
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a'], items: { type: 'object', properties: { a: { type: 'string' } } } },
      'so it must have a default or be a required property',
    ],
    ['invalid defaults', { type: 'object', properties: { a: { type: 'integer', default: 'x' } } }, `${at}.properties[a].default: Invalid value: "string"`],
    ['unpruned defaults', { type: 'object', default: { b: 1 }, properties: { a: { type: 'integer' } } }, 'must not have unknown fields'],
    [
      'defaults against rules',
      { type: 'object', properties: { a: { type: 'integer', default: 3, 'x-kubernetes-validations': [{ rule: 'self < 3' }] } } },
      'failed rule: self < 3',
    ],
  ])('say what is wrong with %s', async (_name, spec, want) => {
    expect((await refusal(spec)).join('\n')).toContain(want);
  });

  it('say what is wrong with versions', async () => {
    const ok = { type: 'object', properties: { a: { type: 'object', properties: { b: { type: 'array', items: { type: 'string' } } } } } };
    expect(
      await refusal(ok, {
        name: 'V1',
        deprecationWarning: 'old',
        subresources: { scale: { specReplicasPath: 'spec.x', statusReplicasPath: '.spec.x' } },
        additionalPrinterColumns: [{ name: 'A', type: 'thing', jsonPath: 'x' }],
        selectableFields: [{ jsonPath: '.spec.a.b' }, { jsonPath: '.spec.q' }],
      }),
    ).toEqual([
      expect.stringContaining('spec.versions[0].name: Invalid value: "V1": a DNS-1035 label must consist of'),
      'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
      'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: "spec.x": must be a simple json path starting with .',
      'spec.versions[0].subresources.scale.statusReplicasPath: Invalid value: ".spec.x": should be a json path under .status',
      'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "thing": must be one of boolean,date,integer,number,string',
      'spec.versions[0].additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .',
      expect.stringContaining('selectableFields[0].jsonPath: Invalid value: ".spec.a.b": must point to a field of type string, boolean or integer'),
      'spec.versions[0].selectableFields[1].jsonPath: Invalid value: ".spec.q": is an invalid path: does not refer to a valid field',
    ]);
  });

  it('keep versions that objects may be stored in', async () => {
    const body = crdOf('moves', { type: 'object' });
    await t.call('POST', CRDS, { body });
    const [version] = (body['spec'] as { versions: Json[] }).versions;
    const merge = async (versions: readonly unknown[]): Promise<TestAnswer> =>
      await t.call('PATCH', `${CRDS}/moves.rules.io`, { contentType: 'application/merge-patch+json', body: { spec: { versions } } });
    expect(
      (
        await merge([
          { ...version, storage: false },
          { ...version, name: 'v2' },
        ])
      ).body.status.storedVersions,
    ).toEqual(['v1', 'v2']);
    expect(messages(await merge([{ ...version, name: 'v2' }]))[0]).toContain(
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version',
    );
    await t.call('PATCH', `${CRDS}/moves.rules.io/status`, { contentType: 'application/merge-patch+json', body: { status: { storedVersions: ['v2'] } } });
    expect((await merge([{ ...version, name: 'v2' }])).body.status.storedVersions).toEqual(['v2']);
  });

  it('wait for names that others have', async () => {
    const named = (plural: string, names: Json): Json => {
      const body = structuredClone(crdOf(plural, { type: 'object' })) as { spec: { names: Json } };
      body.spec.names = { ...body.spec.names, ...names };
      return body as unknown as Json;
    };
    await t.call('POST', CRDS, { body: named('firsts', { shortNames: ['ff'] }) });
    const second = await t.call('POST', CRDS, { body: named('seconds', { shortNames: ['ff'], kind: 'First' }) });
    expect(second.body.status.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'False', reason: 'ListKindConflict', message: '"FirstList" is already in use' },
      { type: 'Established', status: 'False', reason: 'NotAccepted' },
    ]);
    expect((await t.call('GET', '/apis/rules.io/v1/namespaces/default/seconds')).code).toBe(404);
    await t.call('DELETE', `${CRDS}/firsts.rules.io`);
    await expect
      .poll(async () => (await t.call('GET', `${CRDS}/seconds.rules.io`)).body.status.conditions.map((each: { status: string }) => each.status), {
        timeout: 5_000,
      })
      .toEqual(['True', 'True']);
    expect((await t.call('GET', '/apis/rules.io/v1/namespaces/default/seconds')).code).toBe(200);
  });

  it('in groups of the community need an approval', async () => {
    const body = JSON.parse(JSON.stringify(crdOf('apps', { type: 'object' })).replaceAll('rules.io', 'x.k8s.io'));
    expect(messages(await t.call('POST', CRDS, { body }))[0]).toContain(
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation',
    );
    body.metadata.annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
    expect((await t.call('POST', CRDS, { body })).body.status.conditions[2]).toMatchObject({
      type: 'KubernetesAPIApprovalPolicyConformant',
      status: 'False',
      reason: 'UnapprovedAnnotation',
    });
  });
});

describe('embedded resources', () => {
  it('have their identity checked and their metadata pruned', async () => {
    const template = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true };
    await t.call('POST', CRDS, { body: crdOf('holders', { type: 'object', properties: { template } }) });
    const post = async (name: string, value: Json, query: string = ''): Promise<TestAnswer> =>
      await t.call('POST', `/apis/rules.io/v1/namespaces/default/holders${query}`, {
        body: { apiVersion: 'rules.io/v1', kind: 'Holder', metadata: { name }, spec: { template: value } },
      });
    expect(messages(await post('a', { kind: 'x y', metadata: { labels: { 'a b': 'c' } } }))).toEqual([
      'spec.template.apiVersion: Required value: must not be empty',
      expect.stringContaining('spec.template.kind: Invalid value: "x y": may have mixed case, but should otherwise match'),
      expect.stringContaining('spec.template.metadata.labels: Invalid value: "a b"'),
    ]);
    const made = await post('b', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', junk: 1 }, spec: { any: 1 } });
    expect(made.body.spec.template).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { any: 1 } });
    expect((await post('c', { apiVersion: 'v1', kind: 'Pod', metadata: { junk: 1 } }, '?fieldValidation=Strict')).body.message).toContain(
      'unknown field "spec.template.metadata.junk"',
    );
  });
});

describe('nulls, defaults and metadata', () => {
  const at = '/apis/rules.io/v1/namespaces/default/blanks';
  const post = async (name: string, spec: Json): Promise<TestAnswer> =>
    await t.call('POST', at, { body: { apiVersion: 'rules.io/v1', kind: 'Blank', metadata: { name }, spec } });

  beforeAll(async () => {
    const properties = {
      spec: {
        type: 'object',
        properties: {
          plain: { type: 'string' },
          open: { type: 'string', nullable: true },
          filled: { type: 'string', default: 'x' },
          map: { type: 'object', additionalProperties: { type: 'object', properties: { a: { type: 'integer', default: 1 } } } },
        },
      },
      metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 6, pattern: '^[a-z]+$' } } },
    };
    const made = await t.call('POST', CRDS, { body: crdOf('blanks', {}, { schema: { openAPIV3Schema: { type: 'object', properties } } }) });
    expect(made.code, made.text).toBe(201);
  });

  it('are treated as the schema says', async () => {
    const made = await post('nulls', { plain: null, open: null, filled: null, map: { k: {}, n: null } });
    expect(made.body.spec).toEqual({ open: null, filled: 'x', map: { k: { a: 1 } } });
    expect((await t.call('GET', `${at}/nulls`)).body.spec).toEqual(made.body.spec);
  });

  it('let the schema restrict names', async () => {
    expect(messages(await post('toolongname', {}))).toEqual(['metadata.name: Too long: may not be more than 6 bytes']);
    expect(messages(await post('with-x', {}))).toEqual(['metadata.name: Invalid value: "with-x": metadata.name in body should match \'^[a-z]+$\'']);
  });
});

describe('formats', () => {
  it.each<[string, string, string]>([
    ['date-time', '2024-02-29T12:00:00Z', '2024-02-30T12:00:00Z'],
    ['date', '2024-02-29', '2023-02-29'],
    ['duration', '1h30m', '1x'],
    ['email', 'a@b.c', 'a b'],
    ['ipv4', '10.0.0.1', '10.0.0.256'],
    ['ipv6', '2001:db8::1', '2001:db8:::1'],
    ['cidr', '10.0.0.0/8', '10.0.0.0/33'],
    ['uri', 'https://a/b?c', 'a b'],
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', '123e4567'],
    ['byte', 'YWJj', 'YWJ'],
    ['mac', '00:11:22:33:44:55', '00:11:22'],
    ['hostname', 'a-b.example.com', 'a_b..c'],
    ['hexcolor', '#a0b1c2', '#a0b'.concat('x')],
    ['isbn', '978-0-306-40615-7', '978-0-306-40615-8'],
    ['creditcard', '4111 1111 1111 1111', '4111 1111 1111 1112'],
    ['unheard-of', 'anything', ''],
  ])('%s takes %s and not %s', async (format, good, bad) => {
    const plural = `f${format.replaceAll('-', '')}s`;
    const made = await t.call('POST', CRDS, { body: crdOf(plural, { type: 'object', properties: { v: { type: 'string', format } } }) });
    expect(made.code, made.text).toBe(201);
    const { kind } = made.body.spec.names;
    const post = async (v: string): Promise<TestAnswer> =>
      await t.call('POST', `/apis/rules.io/v1/namespaces/default/${plural}?dryRun=All`, {
        body: { apiVersion: 'rules.io/v1', kind, metadata: { name: 'v' }, spec: { v } },
      });
    expect((await post(good)).code).toBe(201);
    if (bad !== '')
      expect(messages(await post(bad))).toEqual([
        `spec.v: Invalid value: ${JSON.stringify(bad)}: spec.v in body must be of type ${format}: ${JSON.stringify(bad)}`,
      ]);
  });
});
