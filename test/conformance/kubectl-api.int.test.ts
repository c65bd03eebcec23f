import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@tiphys/kernel';
import { startApiServer, type ApiServer, type NodeBackend } from '@tiphys/plane-apiserver';
import { createMemoryStore } from '@tiphys/plane-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubectl, findKubectls } from './kubectl.ts';

// Unmodified kubectl against the API server alone: everything that needs no controller and no pod that really runs.
const dir = mkdtempSync(join(tmpdir(), 'tiphys-kubectl-'));
let server: ApiServer;

const backend: NodeBackend = {
  logs: async () =>
    (async function* () {
      yield Buffer.from('said\n');
    })(),
  exec: async (_target, options, streams) => {
    for await (const chunk of streams.stdin ?? []) streams.stdout(chunk);
    streams.stdout(Buffer.from(options.command.join(' ')));
    return { exitCode: options.command[0] === 'false' ? 7 : 0 };
  },
};

beforeAll(async () => {
  server = await startApiServer({ store: createMemoryStore(), logger: createLogger({ level: 'error' }) });
  server.nodes.register('n1', backend);
  writeFileSync(join(dir, 'config'), server.adminKubeconfig(), { mode: 0o600 });
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const manifest = (replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.25", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.acme.io}
spec:
  group: acme.io
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget, shortNames: [gd]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer, minimum: 1, description: how big it is}}}}
`;

for (const { version, isFound } of findKubectls()) {
  describe.skipIf(!isFound)(`kubectl ${version}`, () => {
    const k = createKubectl(version, { home: dir, kubeconfig: join(dir, 'config') });
    const space = `v${version.replace('.', '-')}`;

    it('creates, gets, describes and labels', async () => {
      expect((await k(`create namespace ${space}`)).err).toBe('');
      expect((await k(`create configmap c --from-literal=a=b -n ${space}`)).out).toBe('configmap/c created\n');
      expect((await k(`create secret generic s --from-literal=a=b -n ${space}`)).out).toBe('secret/s created\n');
      expect((await k(`get secret s -n ${space} -o jsonpath={.data.a}`)).out).toBe('Yg==');
      expect((await k(`get namespace ${space}`)).out).toMatch(/^NAME +STATUS +AGE\nv\S+ +Active +\d+s\n$/);
      expect((await k(`describe configmap c -n ${space}`)).out).toContain('Name:         c');
      expect((await k(`label configmap c x=y -n ${space}`)).out).toContain('labeled');
      expect((await k(`annotate configmap c x=y -n ${space}`)).out).toContain('annotate');
      expect((await k(`get configmaps -l x=y -n ${space} -o name`)).out).toBe('configmap/c\n');
      expect((await k('api-resources')).out).toMatch(/deployments +deploy +apps\/v1 +true +Deployment/);
      expect((await k('version -o json')).out).toContain('"v1.33.3"');
      expect((await k('auth can-i create pods')).out).toBe('yes\n');
    });

    it('applies, diffs, patches, scales and deletes', async () => {
      expect((await k(`apply -n ${space} -f -`, manifest(2))).out).toBe('deployment.apps/web created\nservice/web created\n');
      expect((await k(`apply -n ${space} -f -`, manifest(2))).out).toBe('deployment.apps/web unchanged\nservice/web unchanged\n');
      expect((await k(`diff -n ${space} -f -`, manifest(2))).code).toBe(0);
      const diff = await k(`diff -n ${space} -f -`, manifest(3));
      expect(diff.code).toBe(1);
      expect(diff.out).toContain('+  replicas: 3');
      expect((await k(`apply -n ${space} -f -`, manifest(3))).out).toContain('deployment.apps/web configured');
      expect((await k(`apply --server-side --field-manager=other -n ${space} -f -`, manifest(4))).err).toMatch(/conflict/i);
      expect((await k(`apply --server-side --force-conflicts -n ${space} -f -`, manifest(4))).out).toContain('deployment.apps/web serverside-applied');
      expect((await k(`patch deployment web -n ${space} -p {"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:2"}]}}}}`)).out).toContain(
        'patched',
      );
      expect((await k(`scale deployment web --replicas=7 -n ${space}`)).out).toContain('scaled');
      expect((await k(`get deployment web -n ${space} -o jsonpath={.spec.replicas},{.spec.template.spec.containers[0].image}`)).out).toBe('7,nginx:2');
      expect((await k(`get deployment web -n ${space} -o wide`)).out).toMatch(
        /NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +0\/7 +0 +0 +\d+s +web +nginx:2 +app=web\n/,
      );
      expect((await k('explain deployment.spec.strategy.rollingUpdate')).out).toMatch(/maxSurge/);
      expect((await k(`create -n ${space} -f -`, manifest(1).replace('replicas', 'replcas'))).err).toMatch(/unknown field "spec.replcas"/);
      expect((await k(`delete deployment,service web -n ${space}`)).out).toBe('deployment.apps "web" deleted\nservice "web" deleted\n');
    });

    it('watches until it is told enough', async () => {
      const watching = k(`get configmaps -n ${space} -w --request-timeout=3s -o name`);
      await k(`create configmap seen -n ${space}`);
      expect((await watching).out).toContain('configmap/seen');
      expect((await k(`wait --for=delete configmap/none -n ${space} --timeout=2s`)).code).toBe(0);
    });

    it('uses custom resources', async () => {
      expect((await k('apply -f -', CRD)).out).toContain('gadgets.acme.io');
      expect((await k('wait --for=condition=Established crd/gadgets.acme.io --timeout=5s')).out).toContain('condition met');
      expect((await k(`apply -n ${space} -f -`, 'apiVersion: acme.io/v1\nkind: Gadget\nmetadata: {name: g}\nspec: {size: 3}\n')).out).toBe(
        'gadget.acme.io/g created\n',
      );
      expect((await k(`get gd -n ${space}`)).out).toMatch(/NAME +SIZE\ng +3\n/);
      expect((await k(`apply -n ${space} -f -`, 'apiVersion: acme.io/v1\nkind: Gadget\nmetadata: {name: g}\nspec: {size: 0}\n')).err).toContain(
        'should be greater than or equal to 1',
      );
      expect((await k('explain gadget.spec.size')).out).toContain('how big it is');
      expect((await k('delete crd gadgets.acme.io')).out).toContain('deleted');
      expect((await k(`get gadgets -n ${space}`)).code).toBe(1);
    });

    it('reads logs and runs commands', async () => {
      await k(`apply -n ${space} -f -`, 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeName: n1, containers: [{name: c, image: x}]}\n');
      expect((await k(`logs p -n ${space}`)).out).toBe('said\n');
      expect((await k(`exec p -n ${space} -- echo hi`)).out).toBe('echo hi');
      expect((await k(`exec -i p -n ${space} -- cat`, 'typed ')).out).toBe('typed cat');
      expect((await k(`exec p -n ${space} -- false`)).code).toBe(7);
    });
  });
}
