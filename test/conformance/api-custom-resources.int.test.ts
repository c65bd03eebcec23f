import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { createWidgets, DEFINITIONS, deleteWidgets, widgetDefinition, type Widgets } from './custom-widgets.ts';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type Call, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

describe('sig-api-machinery: custom resource definitions', () => {
  const spec = ladder('A');
  const prefix = '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin]';

  spec(
    '[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects',
    async () => {
      const widgets = await createWidgets(plane, 'watched.example.com');
      const path = `/apis/${widgets.group}/v1/namespaces/${await plane.namespace()}/widgets`;
      const watch = await plane.watch(path);
      for (const name of ['name1', 'name2']) {
        await plane.must(201, 'POST', path, {
          body: {
            apiVersion: `${widgets.group}/v1`,
            kind: 'Widget',
            metadata: { name },
            content: { key: 'value' },
            num: { num1: 9_223_372_036, num2: 1_000_000 },
          },
        });
        await watch.until('the creation', ({ type, object }) => type === 'ADDED' && object.metadata.name === name);
      }
      for (const name of ['name1', 'name2']) {
        await plane.must(200, 'PATCH', `${path}/${name}`, { body: { content: { key: 'changed' } }, contentType: PATCH.merge });
        await watch.until('the change', ({ type, object }) => type === 'MODIFIED' && object.metadata.name === name && object.content.key === 'changed');
      }
      for (const name of ['name1', 'name2']) {
        await plane.must(200, 'DELETE', `${path}/${name}`);
        await watch.until('the deletion', ({ type, object }) => type === 'DELETED' && object.metadata.name === name);
      }
      watch.close();
      await deleteWidgets(plane, widgets);
    },
  );

  spec(`${prefix} Simple CustomResourceDefinition creating/deleting custom resource definition objects works`, async () => {
    await deleteWidgets(plane, await createWidgets(plane, 'simple.example.com'));
  });

  spec(`${prefix} Simple CustomResourceDefinition listing custom resource definition objects works`, async () => {
    await createWidgets(plane, 'unlabelled.example.com');
    for (let index = 0; index < 10; index += 1) {
      const body = widgetDefinition(`listed-${index}.example.com`);
      body.metadata.labels = { 'e2e-list-test': 'yes' };
      await plane.must(201, 'POST', DEFINITIONS, { body });
    }
    const listed = `${DEFINITIONS}?labelSelector=e2e-list-test=yes`;
    expect((await plane.must(200, 'GET', listed)).items.map((item: Answer['body']) => item.spec.group)).toStrictEqual(
      Array.from({ length: 10 }, (_, index) => `listed-${index}.example.com`),
    );
    await plane.must(200, 'DELETE', listed);
    await eventually(
      'the labelled definitions are gone',
      () => plane.must(200, 'GET', listed),
      ({ items }) => items.length === 0,
    );
    expect((await plane.must(200, 'GET', DEFINITIONS)).items.map((item: Answer['body']) => item.spec.group)).toStrictEqual(['unlabelled.example.com']);
  });

  spec(`${prefix} Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works`, async () => {
    const { definition } = await createWidgets(plane, 'status.example.com');
    const live = await plane.must(200, 'GET', `${definition}/status`);
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from an e2e test' };
    live.status.conditions.push(condition);
    const updated = await plane.must(200, 'PUT', `${definition}/status`, { body: live });
    expect(updated.status.conditions.at(-1)).toMatchObject(condition);
    const patched = await plane.must(200, 'PATCH', `${definition}/status`, {
      body: [{ op: 'add', path: '/status/conditions/-', value: { type: 'StatusPatched', status: 'True', reason: 'E2E', message: 'by patch' } }],
      contentType: PATCH.json,
    });
    expect(patched.status.conditions.map(({ type }: Answer['body']) => type)).toEqual(expect.arrayContaining(['Established', 'StatusUpdate', 'StatusPatched']));
    expect((await plane.must(200, 'GET', definition)).status).toStrictEqual(patched.status);
  });

  spec(`${prefix} should include custom resource definition resources in discovery documents`, async () => {
    const { groups } = await plane.must(200, 'GET', '/apis');
    const group = groups.find((candidate: Answer['body']) => candidate.name === 'apiextensions.k8s.io');
    expect(group.versions).toContainEqual({ groupVersion: 'apiextensions.k8s.io/v1', version: 'v1' });
    expect(await plane.must(200, 'GET', '/apis/apiextensions.k8s.io')).toMatchObject({ kind: 'APIGroup', preferredVersion: { version: 'v1' } });
    const { resources } = await plane.must(200, 'GET', '/apis/apiextensions.k8s.io/v1');
    expect(resources).toContainEqual(expect.objectContaining({ name: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false }));
  });

  spec(`${prefix} custom resource defaulting for requests and from storage works`, async () => {
    const schemaOf = (defaults: Record<string, string>): unknown => ({
      type: 'object',
      properties: Object.fromEntries(
        ['a', 'b'].map((name) => [name, { type: 'string', ...(defaults[name] === undefined ? {} : { default: defaults[name] }) }]),
      ),
    });
    const widgets = await createWidgets(plane, 'defaulted.example.com', schemaOf({}));
    const path = `/apis/${widgets.group}/v1/namespaces/${await plane.namespace()}/widgets`;
    const widget = (name: string): unknown => ({ apiVersion: `${widgets.group}/v1`, kind: 'Widget', metadata: { name } });
    const redefine = (defaults: Record<string, string>): Promise<unknown> =>
      plane.must(200, 'PATCH', widgets.definition, {
        body: [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema', value: schemaOf(defaults) }],
        contentType: PATCH.json,
      });
    expect((await plane.must(201, 'POST', path, { body: widget('one') })).a).toBeUndefined();
    await redefine({ a: 'A' });
    await eventually(
      'the default is read',
      () => plane.must(200, 'GET', `${path}/one`),
      ({ a }) => a === 'A',
    );
    expect((await plane.must(201, 'POST', path, { body: widget('two') })).a).toBe('A');
    await redefine({ b: 'B' });
    await eventually(
      'the other default is read',
      () => plane.must(200, 'GET', `${path}/two`),
      ({ b }) => b === 'B',
    );
    // What was stored stays, what was only read does not.
    const [one, two] = [await plane.must(200, 'GET', `${path}/one`), await plane.must(200, 'GET', `${path}/two`)];
    expect([one.a, one.b, two.a, two.b]).toStrictEqual([undefined, 'B', 'A', 'B']);
  });
});

const SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        foo: { type: 'string' },
        cronSpec: { type: 'string', pattern: String.raw`^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$` },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
          items: {
            type: 'object',
            required: ['containerPort', 'protocol'],
            properties: {
              containerPort: { type: 'integer', format: 'int32' },
              hostIP: { type: 'string' },
              hostPort: { type: 'integer' },
              name: { type: 'string' },
              protocol: { type: 'string' },
            },
          },
        },
        knownField1: { type: 'string' },
        embeddedObj: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } },
        },
      },
    },
  },
};

describe('sig-api-machinery: field validation', () => {
  const spec = ladder('A');
  const apply = (path: string, text: string): Promise<Answer> =>
    plane.call('PATCH', `${path}?fieldManager=field_validation&fieldValidation=Strict`, { body: text, contentType: PATCH.apply });
  const place = async (widgets: Widgets): Promise<{ readonly path: string; readonly head: string }> => ({
    path: `/apis/${widgets.group}/v1/namespaces/${await plane.namespace()}/widgets`,
    head: `"apiVersion":"${widgets.group}/v1","kind":"Widget"`,
  });
  const strict = (path: string, text: string, call: Call = {}): Promise<Answer> =>
    plane.call('POST', `${path}?fieldValidation=Strict`, { body: text, ...call });

  spec('[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object', async () => {
    const path = `/apis/apps/v1/namespaces/${await plane.namespace()}/deployments`;
    const text = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"dupl","labels":{"app":"nginx"}},"spec":{
      "unknownField1": "val1", "unknownDupField": "valDup", "unknownDupField": "valDup2", "replicas":1, "replicas":2,
      "selector":{"matchLabels":{"app":"nginx"}},
      "template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx:latest","unknownNested":"val1","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}`;
    const { code, body } = await strict(path, text);
    expect(code).toBe(400);
    expect(body.message).toMatch(/^Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: /);
    for (const part of [
      'unknown field "spec.unknownField1"',
      'unknown field "spec.unknownDupField"',
      'duplicate field "spec.unknownDupField"',
      'duplicate field "spec.replicas"',
      'unknown field "spec.template.spec.containers[0].unknownNested"',
      'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
    ])
      expect(body.message).toContain(part);
    // Who asks for warnings gets them, and the object.
    const warned = await plane.call('POST', `${path}?fieldValidation=Warn`, { body: text });
    expect([warned.code, warned.body.spec.replicas, String(warned.headers['warning'])]).toStrictEqual([201, 2, expect.stringContaining('unknown field')]);
  });

  spec('[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object', async () => {
    const path = `/apis/apps/v1/namespaces/${await plane.namespace()}/deployments`;
    const { code, body } = await strict(
      path,
      `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"meta","unknownMeta":"unknownVal","labels":{"app":"nginx"}},
        "spec":{"selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]}}}}`,
    );
    expect([code, body.message]).toStrictEqual([400, expect.stringContaining('strict decoding error: unknown field "metadata.unknownMeta"')]);
  });

  spec('[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema', async () => {
    const widgets = await createWidgets(plane, 'schemaless.example.com');
    const { path, head } = await place(widgets);
    const answer = await apply(
      `${path}/mytest`,
      `{${head},"metadata":{"name":"mytest"},"spec":{"knownField":"val1","unknownField":"val2","ports":[{"name":"portName","containerPort":8080}]}}`,
    );
    expect([answer.code, answer.body.spec.unknownField]).toStrictEqual([201, 'val2']);
    await deleteWidgets(plane, widgets);
  });

  spec('[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema', async () => {
    const widgets = await createWidgets(plane, 'valid.example.com', SCHEMA);
    const { path, head } = await place(widgets);
    const answer = await apply(
      `${path}/mytest`,
      `{${head},"metadata":{"name":"mytest"},"spec":{"foo":"foo1","cronSpec":"* * * * */5","ports":[{"name":"x","containerPort":80,"protocol":"TCP"}]}}`,
    );
    expect([answer.code, answer.body.spec?.foo]).toStrictEqual([201, 'foo1']);
    await deleteWidgets(plane, widgets);
  });

  spec('[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema', async () => {
    const widgets = await createWidgets(plane, 'extra.example.com', SCHEMA);
    const { path, head } = await place(widgets);
    const answer = await apply(
      `${path}/mytest`,
      `{${head},"metadata":{"name":"mytest","finalizers":["test/finalizer"]},"spec":{"unknownField":"val","ports":[{"name":"x","containerPort":80,"protocol":"TCP","unknownNested":1}]}}`,
    );
    expect(answer.code).toBe(400);
    for (const part of ['strict decoding error', 'unknown field "spec.unknownField"', 'unknown field "spec.ports[0].unknownNested"'])
      expect(answer.body.message).toContain(part);
    await deleteWidgets(plane, widgets);
  });

  spec('[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR', async () => {
    const widgets = await createWidgets(plane, 'embedded.example.com', SCHEMA);
    const { path, head } = await place(widgets);
    const { code, body } = await strict(
      path,
      `{${head},"metadata":{"name":"mytest","unknownMeta":"unknownVal"},"spec":{"embeddedObj":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","unknownSubMeta":"unknownVal"}}}}`,
    );
    expect(code).toBe(400);
    for (const part of ['unknown field "metadata.unknownMeta"', 'unknown field "spec.embeddedObj.metadata.unknownSubMeta"'])
      expect(body.message).toContain(part);
    await deleteWidgets(plane, widgets);
  });

  spec('[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields', async () => {
    const widgets = await createWidgets(plane, 'duplicates.example.com');
    const { path, head } = await place(widgets);
    const { code, body } = await strict(
      path,
      `apiVersion: ${widgets.group}/v1\nkind: Widget\nmetadata:\n  name: mytest\nspec:\n  unknown: uk1\n  unknownDup: val1\n  unknownDup: val2\n`,
      {
        contentType: 'application/yaml',
      },
    );
    expect([code, body.message]).toStrictEqual([400, expect.stringMatching(/strict decoding error: .*unknownDup.*already set/)]);
    const json = await strict(path, `{${head},"metadata":{"name":"mytest"},"spec":{"a":1,"a":2}}`);
    expect([json.code, json.body.message]).toStrictEqual([400, expect.stringContaining('duplicate field "spec.a"')]);
    await deleteWidgets(plane, widgets);
  });
});
