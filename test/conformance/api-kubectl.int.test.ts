import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { createWidgets, deleteWidgets, type Widgets } from './custom-widgets.ts';
import { createKubectl, findKubectls, type Kubectl, type KubectlRun } from './kubectl.ts';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

// The specs that are about kubectl, with the newest one this machine has.
const newest = findKubectls().findLast(({ isFound }) => isFound);
const dir = mkdtempSync(join(tmpdir(), 'tiphys-conformance-'));
let plane: ConformancePlane;
let kubectl: Kubectl;
beforeAll(async () => {
  plane = await startConformancePlane();
  const kubeconfig = join(dir, 'config');
  writeFileSync(kubeconfig, plane.server.adminKubeconfig(), { mode: 0o600 });
  kubectl = createKubectl(newest?.version ?? '', { home: dir, kubeconfig });
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function ok(args: string | readonly string[], input?: string): Promise<string> {
  const { code, out, err } = await kubectl(args, input);
  expect(err, String(args)).not.toMatch(/^error/i);
  expect(code, `${String(args)}: ${err}`).toBe(0);
  return out;
}

const BARS = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      description: 'Specification of a widget',
      properties: {
        bars: {
          type: 'array',
          description: 'List of bars',
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string', description: 'Name of the bar' },
              age: { type: 'string', description: 'Age of the bar' },
              feeling: { type: 'string', enum: ['Great', 'Down'], description: 'How the bar feels' },
              bazs: { type: 'array', items: { type: 'string' }, description: 'List of bazs' },
            },
          },
        },
      },
    },
    status: {
      type: 'object',
      properties: { bars: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, available: { type: 'boolean' } } } } },
    },
  },
};

const widget = (widgets: Widgets, rest: object, name = 'test-cr'): string =>
  JSON.stringify({ apiVersion: `${widgets.group}/v1`, kind: 'Widget', metadata: { name }, ...rest });

/** The definitions that a group publishes in OpenAPI v2, and in v3 for its versions. */
async function published(group: string): Promise<Answer['body']> {
  const { definitions } = await plane.must(200, 'GET', '/openapi/v2');
  const reversed = group.split('.').toReversed().join('.');
  const { paths } = await plane.must(200, 'GET', '/openapi/v3');
  const v3 = Object.keys(paths).filter((path) => path.startsWith(`apis/${group}/`));
  const schemas = await Promise.all(v3.map(async (path) => Object.keys((await plane.must(200, 'GET', paths[path].serverRelativeURL)).components.schemas)));
  return {
    v2: Object.keys(definitions).filter((name) => name.startsWith(`${reversed}.`) && !name.endsWith('List')),
    v3: schemas.flat().filter((name) => name.startsWith(`${reversed}.`) && !name.endsWith('List')),
    definition: (name: string) => definitions[name],
  };
}

async function expectPublished(group: string, names: readonly string[]): Promise<void> {
  const reversed = group.split('.').toReversed().join('.');
  const wanted = names.map((name) => `${reversed}.${name}`).toSorted();
  await eventually(
    `${names.join(', ')} of ${group} are published`,
    () => published(group),
    ({ v2, v3 }) => [v2, v3].every((found) => String(found.toSorted()) === String(wanted)),
  );
}

/** kubectl takes objects with any property. */
async function takesAnything(widgets: Widgets, rest: object): Promise<void> {
  const namespace = await plane.namespace();
  const flags = ['-n', namespace];
  await ok([...flags, 'create', '-f', '-'], widget(widgets, rest));
  await ok([...flags, 'delete', 'widgets.v1.' + widgets.group, 'test-cr']);
  await ok([...flags, 'apply', '-f', '-'], widget(widgets, rest));
  await ok([...flags, 'delete', 'widgets.v1.' + widgets.group, 'test-cr']);
}

const refused = async (args: readonly string[], input: string, text: string | RegExp): Promise<void> => {
  const run: KubectlRun = await kubectl(args, input);
  expect(run.code, run.out).not.toBe(0);
  expect(run.err).toMatch(text);
};

describe.skipIf(newest === undefined)('CustomResourcePublishOpenAPI', () => {
  const spec = ladder('A-kubectl');
  const prefix = '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin]';

  spec(`${prefix} works for CRD with validation schema`, async () => {
    const widgets = await createWidgets(plane, 'schema.publish.example.com', BARS);
    await expectPublished(widgets.group, ['v1.Widget']);
    const flags = ['-n', await plane.namespace()];
    for (const verb of ['create', 'apply']) {
      await ok([...flags, verb, '-f', '-'], widget(widgets, { spec: { bars: [{ name: 'test-bar', bazs: ['x'] }] } }));
      await ok([...flags, 'delete', `widgets.${widgets.group}`, 'test-cr']);
      await refused([...flags, verb, '-f', '-'], widget(widgets, { spec: { foo: { name: 'bar' } } }), /unknown field "(spec\.)?foo"/);
      await refused(
        [...flags, verb, '-f', '-'],
        widget(widgets, { spec: { bars: [{ age: '10' }] } }),
        /missing required field "name"|spec\.bars\[0\]\.name: Required value/,
      );
      await refused(
        [...flags, verb, '-f', '-'],
        widget(widgets, { spec: { bars: [{ name: 'x', feeling: 'NonExistentValue' }] } }),
        /Unsupported value: "NonExistentValue"/,
      );
    }
    expect(await ok(`explain widgets.${widgets.group}`)).toMatch(/DESCRIPTION:[\s\S]*FIELDS:[\s\S]*spec\s+<Object>/);
    expect(await ok(`explain widgets.${widgets.group}.metadata`)).toMatch(/creationTimestamp\s+<string>/);
    expect(await ok(`explain widgets.${widgets.group}.spec`)).toMatch(/Specification of a widget[\s\S]*bars\s+<\[\]Object>/);
    expect(await ok(`explain widgets.${widgets.group}.spec.bars`)).toMatch(/List of bars[\s\S]*name\s+<string> -required-/);
    await refused(['explain', `widgets.${widgets.group}.spec.bars2`], '', /field "bars2" does not exist/);
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} works for CRD without validation schema`, async () => {
    const widgets = await createWidgets(plane, 'schemaless.publish.example.com');
    await takesAnything(widgets, { a: { b: [{ c: 'd' }] } });
    expect(await ok(`explain widgets.${widgets.group}`)).toMatch(/DESCRIPTION:\s+<empty>/);
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} works for CRD preserving unknown fields at the schema root`, async () => {
    const widgets = await createWidgets(plane, 'root.publish.example.com', { ...BARS, 'x-kubernetes-preserve-unknown-fields': true });
    await takesAnything(widgets, { a: { b: [{ c: 'd' }] } });
    expect(await ok(`explain widgets.${widgets.group}`)).toMatch(/KIND:\s+Widget/);
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} works for CRD preserving unknown fields in an embedded object`, async () => {
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const widgets = await createWidgets(plane, 'nested.publish.example.com', {
      type: 'object',
      properties: { spec: { ...open, description: 'Specification of an open widget' }, status: { ...open, description: 'Status of an open widget' } },
    });
    await takesAnything(widgets, { spec: { b: [{ c: 'd' }] } });
    expect(await ok(`explain widgets.${widgets.group}`)).toMatch(/spec\s+<Object>\s+Specification of an open widget/);
    const reversed = widgets.group.split('.').toReversed().join('.');
    const { definition } = await published(widgets.group);
    expect(definition(`${reversed}.v1.Widget`).properties.spec).toMatchObject({ 'x-kubernetes-preserve-unknown-fields': true });
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} works for multiple CRDs of different groups`, async () => {
    const all = [await createWidgets(plane, 'first.publish.example.com', BARS), await createWidgets(plane, 'second.publish.example.com', BARS)];
    for (const { group } of all) await expectPublished(group, ['v1.Widget']);
    for (const widgets of all) await deleteWidgets(plane, widgets);
    for (const { group } of all) await expectPublished(group, []);
  });

  spec(`${prefix} works for multiple CRDs of same group but different versions`, async () => {
    const widgets = await createWidgets(plane, 'versions.publish.example.com', BARS, ['v2', 'v3']);
    await expectPublished(widgets.group, ['v2.Widget', 'v3.Widget']);
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} works for multiple CRDs of same group and version but different kinds`, async () => {
    const widgets = await createWidgets(plane, 'kinds.publish.example.com', BARS);
    const other = await plane.must(200, 'GET', widgets.definition);
    const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions`;
    await plane.must(201, 'POST', definition, {
      body: {
        apiVersion: other.apiVersion,
        kind: other.kind,
        metadata: { name: `gadgets.${widgets.group}` },
        spec: { ...other.spec, names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' } },
      },
    });
    await expectPublished(widgets.group, ['v1.Gadget', 'v1.Widget']);
    await plane.must(200, 'DELETE', `${definition}/gadgets.${widgets.group}`);
    await expectPublished(widgets.group, ['v1.Widget']);
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} updates the published spec when one version gets renamed`, async () => {
    const widgets = await createWidgets(plane, 'renamed.publish.example.com', BARS, ['v2', 'v3']);
    await expectPublished(widgets.group, ['v2.Widget', 'v3.Widget']);
    await plane.must(200, 'PATCH', widgets.definition, { body: [{ op: 'replace', path: '/spec/versions/1/name', value: 'v4' }], contentType: PATCH.json });
    await expectPublished(widgets.group, ['v2.Widget', 'v4.Widget']);
    await deleteWidgets(plane, widgets);
  });

  spec(`${prefix} removes definition from spec when one version gets changed to not be served`, async () => {
    const widgets = await createWidgets(plane, 'unserved.publish.example.com', BARS, ['v5', 'v6alpha1']);
    await expectPublished(widgets.group, ['v5.Widget', 'v6alpha1.Widget']);
    await plane.must(200, 'PATCH', widgets.definition, { body: [{ op: 'replace', path: '/spec/versions/1/served', value: false }], contentType: PATCH.json });
    await expectPublished(widgets.group, ['v5.Widget']);
    await deleteWidgets(plane, widgets);
  });
});

const deployment = (image: string): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'httpd-deployment', labels: { app: 'httpd' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'httpd' } },
      template: { metadata: { labels: { app: 'httpd' } }, spec: { containers: [{ name: 'httpd', image, ports: [{ containerPort: 80 }] }] } },
    },
  });

/** What `kubectl proxy` answers for /api. */
function askProxy(options: { readonly port?: number; readonly socketPath?: string }): Promise<Answer['body']> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', path: '/api', ...options }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('error', reject);
      response.on('end', () => resolve(JSON.parse(text)));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe.skipIf(newest === undefined)('sig-cli', () => {
  const spec = ladder('A-kubectl');
  const prefix = '[sig-cli] Kubectl client';

  spec(`${prefix} Kubectl api-versions should check if v1 is in available api versions`, async () => {
    expect((await ok('api-versions')).split('\n')).toContain('v1');
  });

  spec(`${prefix} Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info`, async () => {
    expect(await ok('cluster-info')).toMatch(/Kubernetes control plane.* is running at /);
  });

  spec(`${prefix} Kubectl version should check is all data is printed`, async () => {
    const { clientVersion, serverVersion } = JSON.parse(await ok('version -o json'));
    for (const version of [clientVersion, serverVersion])
      for (const key of ['major', 'minor', 'gitVersion', 'gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'compiler', 'platform'])
        expect(version[key], key).toBeTruthy();
    expect(await ok('version')).toMatch(/Client Version: v\d+\.\d+[\s\S]*Server Version: v\d+\.\d+/);
  });

  spec(`${prefix} Kubectl diff should check if kubectl diff finds a difference for Deployments`, async () => {
    const flags = ['-n', await plane.namespace()];
    await ok([...flags, 'create', '-f', '-'], deployment('registry.example.com/httpd:1'));
    const { code, out } = await kubectl([...flags, 'diff', '-f', '-'], deployment('registry.example.com/busybox:2'));
    expect([code, /-\s+- image: registry.example.com\/httpd:1/.test(out), /\+\s+- image: registry.example.com\/busybox:2/.test(out)]).toStrictEqual([
      1,
      true,
      true,
    ]);
  });

  spec(`${prefix} Kubectl run pod should create a pod from an image when restart is Never`, async () => {
    const namespace = await plane.namespace();
    await ok(`-n ${namespace} run e2e-test-httpd-pod --restart=Never --image=registry.example.com/httpd:1`);
    const { spec: pod } = await plane.must(200, 'GET', `/api/v1/namespaces/${namespace}/pods/e2e-test-httpd-pod`);
    expect([pod.containers.length, pod.containers[0].image, pod.restartPolicy]).toStrictEqual([1, 'registry.example.com/httpd:1', 'Never']);
  });

  spec(`${prefix} Kubectl server-side dry-run should check if kubectl can dry-run update Pods`, async () => {
    const namespace = await plane.namespace();
    await ok(`-n ${namespace} run e2e-test-httpd-pod --image=registry.example.com/httpd:1 --labels=run=e2e-test-httpd-pod`);
    const patch = JSON.stringify({ spec: { containers: [{ name: 'e2e-test-httpd-pod', image: 'registry.example.com/busybox:2' }] } });
    expect(await ok(['-n', namespace, 'patch', 'pod', 'e2e-test-httpd-pod', '-p', patch, '--dry-run=server'])).toContain('patched');
    const { spec: pod } = await plane.must(200, 'GET', `/api/v1/namespaces/${namespace}/pods/e2e-test-httpd-pod`);
    expect(pod.containers[0].image).toBe('registry.example.com/httpd:1');
  });

  spec(`${prefix} Proxy server should support proxy with --port 0`, async () => {
    const proxy = kubectl.follow('proxy -p 0');
    try {
      const said = await eventually(
        'the proxy listens',
        () => proxy.text(),
        (text) => /:\d+\n/.test(text),
      );
      expect((await askProxy({ port: Number(/:(\d+)\n/.exec(said)?.[1]) })).versions).toContain('v1');
    } finally {
      proxy.stop();
    }
  });

  spec(`${prefix} Proxy server should support --unix-socket=/path`, async () => {
    const socketPath = join(dir, 'proxy.sock');
    const proxy = kubectl.follow(`proxy --unix-socket=${socketPath}`);
    try {
      await eventually(
        'the proxy listens',
        () => proxy.text(),
        (text) => text.includes('proxy.sock'),
      );
      expect((await askProxy({ socketPath })).versions).toContain('v1');
    } finally {
      proxy.stop();
    }
  });
});
