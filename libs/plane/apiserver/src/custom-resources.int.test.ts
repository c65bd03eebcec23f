import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from './test-server.test-suite.ts';

let t: TestServer;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WIDGETS = '/apis/acme.io/v1/namespaces/default/widgets';
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.acme.io' },
  spec: {
    group: 'acme.io',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: ['v1', 'v1beta1'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
      additionalPrinterColumns: [
        { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
        { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      ],
      selectableFields: [{ jsonPath: '.spec.color' }],
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              required: ['size'],
              properties: {
                size: { type: 'integer', minimum: 1, maximum: 9 },
                color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                port: { 'x-kubernetes-int-or-string': true },
                replicas: { type: 'integer' },
                code: { type: 'string', pattern: '^[a-z]+$' },
                free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
              },
            },
            status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      },
    })),
  },
};
const widget = (name: string, spec: object): object => ({ apiVersion: 'acme.io/v1', kind: 'Widget', metadata: { name }, spec });

async function until(what: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await what())) if (Date.now() > deadline) throw new Error('did not happen in time');
}

beforeAll(async () => {
  t = await startTestServer();
  const { body } = await t.call('POST', CRDS, { body: structuredClone(crd) });
  expect(body.status.conditions.map((condition: { type: string; status: string }) => [condition.type, condition.status])).toEqual([
    ['NamesAccepted', 'True'],
    ['Established', 'True'],
  ]);
});
afterAll(async () => await t[Symbol.asyncDispose]());

const causes = ({ body }: TestAnswer): string[] => body.details.causes.map((cause: { field: string; reason: string }) => `${cause.field} ${cause.reason}`);

it('prunes, defaults and validates by the schema', async () => {
  const made = await t.call('POST', WIDGETS, {
    body: widget('w', { size: 3, junk: 1, port: '80', free: { any: { thing: 1 } }, template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } } }),
  });
  expect(made.code).toBe(201);
  expect(made.headers['warning']).toBe('299 - "unknown field \\"spec.junk\\""');
  expect(made.body.spec).toEqual({
    size: 3,
    port: '80',
    color: 'red',
    free: { any: { thing: 1 } },
    template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } },
  });
  expect(causes(await t.call('POST', WIDGETS, { body: widget('bad', { size: 10, color: 'green', code: 'A1', port: true }) }))).toEqual([
    'spec.size FieldValueInvalid',
    'spec.color FieldValueNotSupported',
    'spec.code FieldValueInvalid',
    'spec.port FieldValueTypeInvalid',
  ]);
  expect(causes(await t.call('POST', WIDGETS, { body: widget('none', {}) }))).toEqual(['spec.size FieldValueRequired']);
  expect((await t.call('POST', `${WIDGETS}?fieldValidation=Strict`, { body: widget('strict', { size: 1, junk: 1 }) })).body).toMatchObject({
    code: 400,
    message: expect.stringContaining('unknown field "spec.junk"'),
  });
});

it('has status, scale, columns, selectable fields and every served version', async () => {
  await t.call('POST', WIDGETS, { body: widget('s', { size: 2, color: 'blue' }) });
  const status = await t.call('PATCH', `${WIDGETS}/s/status`, {
    contentType: 'application/merge-patch+json',
    body: { status: { replicas: 4, conditions: [{ type: 'Ready', status: 'True' }] }, spec: { size: 7 } },
  });
  expect(status.body).toMatchObject({ spec: { size: 2 }, status: { replicas: 4 }, metadata: { generation: 1 } });
  expect((await t.call('PATCH', `${WIDGETS}/s/scale`, { contentType: 'application/merge-patch+json', body: { spec: { replicas: 5 } } })).body).toMatchObject({
    kind: 'Scale',
    spec: { replicas: 5 },
    status: { replicas: 4 },
  });
  const table = await t.call('GET', `${WIDGETS}?fieldSelector=spec.color%3Dblue`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  expect(table.body.rows.map((row: { cells: unknown[] }) => row.cells)).toEqual([['s', 2, 'True']]);
  expect((await t.call('GET', '/apis/acme.io/v1beta1/namespaces/default/widgets/s')).body).toMatchObject({ apiVersion: 'acme.io/v1beta1', spec: { size: 2 } });
  expect((await t.call('PATCH', `${WIDGETS}/s`, { contentType: 'application/strategic-merge-patch+json', body: {} })).code).toBe(415);
  expect((await t.call('GET', '/openapi/v3/apis/acme.io/v1')).body.components.schemas['io.acme.v1.Widget'].properties.spec.properties.size.type).toBe(
    'integer',
  );
});

it('appears in discovery and leaves it with all its objects', async () => {
  expect((await t.call('GET', '/apis/acme.io/v1')).body.resources.map((resource: { name: string }) => resource.name)).toEqual([
    'widgets',
    'widgets/status',
    'widgets/scale',
  ]);
  await t.call('POST', WIDGETS, { body: { ...widget('held', { size: 1 }), metadata: { name: 'held', finalizers: ['acme.io/hold', 'no-domain.acme.io'] } } });
  await t.call('DELETE', `${CRDS}/widgets.acme.io`);
  await until(async () => (await t.call('GET', WIDGETS)).body.items?.length === 1);
  await t.call('PATCH', `${WIDGETS}/held`, { contentType: 'application/merge-patch+json', body: { metadata: { finalizers: [] } } });
  await until(async () => (await t.call('GET', `${CRDS}/widgets.acme.io`)).code === 404);
  expect((await t.call('GET', '/apis/acme.io/v1')).code).toBe(404);
  expect((await t.call('GET', WIDGETS)).code).toBe(404);
});

it('says what is wrong with a definition', async () => {
  const broken = structuredClone(crd);
  broken.metadata.name = 'wrong.acme.io';
  expect((await t.call('POST', CRDS, { body: broken })).body).toMatchObject({
    code: 422,
    message: expect.stringContaining('must be spec.names.plural+"."+spec.group'),
  });
  expect((await t.call('POST', CRDS, { body: { apiVersion: crd.apiVersion, kind: crd.kind, metadata: { name: 'x.y' } } })).code).toBe(422);
});
