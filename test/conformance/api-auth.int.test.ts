import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { checkDiscovery, checkOperations } from './api-operations.ts';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

function signingRequest(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'tiphys-csr-'));
  try {
    execFileSync('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(dir, 'key'), '-out', join(dir, 'csr'), '-subj', `/CN=${name}`], {
      stdio: 'ignore',
    });
    return readFileSync(join(dir, 'csr')).toString('base64');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe('sig-auth', () => {
  const spec = ladder('A');

  spec('[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations', async () => {
    const operations = {
      group: 'certificates.k8s.io',
      version: 'v1',
      resource: 'certificatesigningrequests',
      kind: 'CertificateSigningRequest',
      subresources: ['approval', 'status'],
    };
    await checkDiscovery(plane, operations);
    const request = signingRequest('e2e.example.com');
    const make = (): Record<string, unknown> => ({
      spec: { request, signerName: 'example.com/e2e', expirationSeconds: 3_600, usages: ['digital signature', 'key encipherment', 'server auth'] },
    });
    await checkOperations(plane, { ...operations, make });
    const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const created = await plane.must(201, 'POST', path, {
      body: { apiVersion: 'certificates.k8s.io/v1', kind: operations.kind, metadata: { name: 'subresources' }, ...make() },
    });
    expect(created.spec).toMatchObject({ username: 'kubernetes-admin', groups: expect.arrayContaining(['system:masters']) });
    const one = `${path}/subresources`;
    const condition = (type: string): object => ({ type, status: 'True', reason: `${type}Reason`, message: `Set ${type}` });
    expect((await plane.must(200, 'GET', `${one}/approval`)).metadata.name).toBe('subresources');
    const patched = await plane.must(200, 'PATCH', `${one}/approval`, {
      body: { metadata: { annotations: { patchedapproval: 'true' } }, status: { conditions: [condition('ApprovalPatch')] } },
      contentType: PATCH.merge,
    });
    expect([patched.status.conditions.map(({ type }: Answer['body']) => type), patched.metadata.annotations.patchedapproval]).toStrictEqual([
      ['ApprovalPatch'],
      'true',
    ]);
    const approved = await plane.must(200, 'PUT', `${one}/approval`, {
      body: { ...patched, status: { conditions: [...patched.status.conditions, condition('Approved')] } },
    });
    expect(approved.status.conditions.map(({ type }: Answer['body']) => type)).toStrictEqual(['ApprovalPatch', 'Approved']);
    const certificate = Buffer.from(plane.server.caPem).toString('base64');
    const signed = await plane.must(200, 'PATCH', `${one}/status`, {
      body: { metadata: { annotations: { patchedstatus: 'true' } }, status: { certificate } },
      contentType: PATCH.merge,
    });
    expect([signed.status.certificate, signed.metadata.annotations.patchedstatus]).toStrictEqual([certificate, 'true']);
    const updated = await plane.must(200, 'PUT', `${one}/status`, {
      body: { ...signed, status: { ...signed.status, conditions: [...signed.status.conditions, condition('StatusUpdate')] } },
    });
    expect(updated.status.conditions.at(-1).type).toBe('StatusUpdate');
    await plane.must(200, 'DELETE', one);
  });

  spec('[sig-auth] ServiceAccounts should allow opting out of API token automount', async () => {
    const namespace = await plane.namespace();
    const root = `/api/v1/namespaces/${namespace}`;
    for (const [name, automount] of [
      ['mount-default', undefined],
      ['mount', true],
      ['nomount', false],
    ] as const)
      await plane.must(201, 'POST', `${root}/serviceaccounts`, {
        body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, ...(automount === undefined ? {} : { automountServiceAccountToken: automount }) },
      });
    const mounted: Record<string, boolean> = {};
    for (const account of ['mount-default', 'mount', 'nomount'])
      for (const asked of [undefined, true, false]) {
        const name = `pod-${account}-${String(asked)}`;
        const pod = await plane.must(201, 'POST', `${root}/pods`, {
          body: {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name },
            spec: {
              serviceAccountName: account,
              ...(asked === undefined ? {} : { automountServiceAccountToken: asked }),
              containers: [{ name: 'token-test', image: 'registry.example.com/test:1' }],
            },
          },
        });
        const mounts = pod.spec.containers[0].volumeMounts ?? [];
        mounted[name] = mounts.some(({ mountPath }: Answer['body']) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount');
        if (mounted[name]) {
          const volume = pod.spec.volumes.find((candidate: Answer['body']) => candidate.name === mounts.at(-1).name);
          expect(Object.keys(Object.assign({}, ...volume.projected.sources)).toSorted()).toStrictEqual(['configMap', 'downwardAPI', 'serviceAccountToken']);
        }
      }
    expect(mounted).toStrictEqual({
      'pod-mount-default-undefined': true,
      'pod-mount-default-true': true,
      'pod-mount-default-false': false,
      'pod-mount-undefined': true,
      'pod-mount-true': true,
      'pod-mount-false': false,
      'pod-nomount-undefined': false,
      'pod-nomount-true': true,
      'pod-nomount-false': false,
    });
  });

  spec('[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview', async () => {
    const namespace = await plane.namespace();
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await plane.must(201, 'POST', path, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'e2e-sa' } } });
    const { status } = await plane.must(201, 'POST', `${path}/e2e-sa/token`, {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    expect(status.token).not.toBe('');
    const review = await plane.must(201, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: status.token } },
    });
    expect(review.status).toMatchObject({ authenticated: true, user: { username: `system:serviceaccount:${namespace}:e2e-sa` } });
    expect(review.status.error ?? '').toBe('');
  });

  spec('[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/configmaps/kube-root-ca.crt`;
    const { data, metadata } = await plane.must(200, 'GET', path);
    expect(data['ca.crt']).toBe(plane.server.caPem);
    await plane.must(200, 'DELETE', path);
    const again = await eventually(
      'it is there again',
      () => plane.call('GET', path),
      ({ code, body }) => code === 200 && body.metadata.uid !== metadata.uid,
    );
    await plane.must(200, 'PUT', path, { body: { ...again.body, data: { 'ca.crt': '' } } });
    await eventually(
      'it says the truth again',
      () => plane.must(200, 'GET', path),
      (live) => live.data['ca.crt'] === plane.server.caPem,
    );
  });

  spec('[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/serviceaccounts`;
    const watch = await plane.watch(`${path}?labelSelector=test-serviceaccount-static=true`);
    await plane.must(201, 'POST', path, {
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'testserviceaccount', labels: { 'test-serviceaccount-static': 'true' } } },
    });
    await watch.until('the creation', ({ type }) => type === 'ADDED');
    const patched = await plane.must(200, 'PATCH', `${path}/testserviceaccount`, {
      body: { automountServiceAccountToken: false },
      contentType: PATCH.strategic,
    });
    expect(patched.automountServiceAccountToken).toBe(false);
    await watch.until('the patch', ({ type }) => type === 'MODIFIED');
    const { items } = await plane.must(200, 'GET', '/api/v1/serviceaccounts?labelSelector=test-serviceaccount-static=true');
    expect(items.map((item: Answer['body']) => item.automountServiceAccountToken)).toStrictEqual([false]);
    await plane.must(200, 'DELETE', `${path}?labelSelector=test-serviceaccount-static=true`);
    await watch.until('the deletion', ({ type }) => type === 'DELETED');
    watch.close();
  });

  spec('[sig-auth] ServiceAccounts should update a ServiceAccount', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/serviceaccounts`;
    const live = await plane.must(201, 'POST', path, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'e2e-sa' } } });
    live.automountServiceAccountToken = true;
    expect((await plane.must(200, 'PUT', `${path}/e2e-sa`, { body: live })).automountServiceAccountToken).toBe(true);
  });

  spec('[sig-auth] SubjectReview should support SubjectReview API operations', async () => {
    const namespace = await plane.namespace();
    await plane.must(201, 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'e2e' } },
    });
    const user = `system:serviceaccount:${namespace}:e2e`;
    const asUser = { headers: { 'impersonate-user': user } };
    const review = async (kind: string, path: string): Promise<boolean> => {
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind,
        metadata: kind === 'LocalSubjectAccessReview' ? { namespace } : {},
        spec: {
          user,
          groups: ['system:authenticated', `system:serviceaccounts:${namespace}`],
          resourceAttributes: { verb: 'list', resource: 'configmaps', namespace, version: 'v1' },
        },
      };
      return (await plane.must(201, 'POST', path, { body })).status.allowed;
    };
    const allowed = async (): Promise<readonly boolean[]> => [
      (await plane.call('GET', `/api/v1/namespaces/${namespace}/configmaps`, asUser)).code === 200,
      await review('SubjectAccessReview', '/apis/authorization.k8s.io/v1/subjectaccessreviews'),
      await review('LocalSubjectAccessReview', `/apis/authorization.k8s.io/v1/namespaces/${namespace}/localsubjectaccessreviews`),
    ];
    expect(await allowed()).toStrictEqual([false, false, false]);
    await plane.must(201, 'POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'e2e-view' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace }],
      },
    });
    expect(await allowed()).toStrictEqual([true, true, true]);
  });
});
