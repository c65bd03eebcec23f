import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from '../test-server.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

let nextNamespace = 0;

async function namespace(labels: Readonly<Record<string, string>> = {}): Promise<string> {
  nextNamespace += 1;
  const name = `n${nextNamespace}`;
  await t.call('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } } });
  return name;
}

const pod = (name: string, spec: object = {}, container: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x', ...container }], ...spec },
});

function create(path: string, body: object): Promise<TestAnswer> {
  return t.call('POST', path, { body });
}

describe('NamespaceLifecycle', () => {
  it('refuses what is made in an absent or ending namespace, and to delete what a cluster needs', async () => {
    const absent = await create('/api/v1/namespaces/absent/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } });
    expect([absent.code, absent.body.message]).toEqual([404, 'namespaces "absent" not found']);
    const name = await namespace();
    await t.call('DELETE', `/api/v1/namespaces/${name}`);
    const ending = await create(`/api/v1/namespaces/${name}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } });
    expect(ending.code).toBe(403);
    expect(ending.body.details.causes[0].reason).toBe('NamespaceTerminating');
    const immortal = await t.call('DELETE', '/api/v1/namespaces/kube-system');
    expect([immortal.code, immortal.body.message]).toEqual([403, 'namespaces "kube-system" is forbidden: this namespace may not be deleted']);
  });
});

describe('ServiceAccount', () => {
  it('gives pods the default account, its token and its pull secrets', async () => {
    const ns = await namespace();
    const plain = await create(`/api/v1/namespaces/${ns}/pods`, pod('plain', { initContainers: [{ name: 'i', image: 'x' }] }));
    expect(plain.code).toBe(201);
    const { spec } = plain.body;
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' });
    expect(spec.volumes).toHaveLength(1);
    expect(spec.volumes[0].name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(spec.volumes[0].projected).toEqual({
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    });
    const mount = { name: spec.volumes[0].name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    expect([spec.containers[0].volumeMounts, spec.initContainers[0].volumeMounts]).toEqual([[mount], [mount]]);
    await create(`/api/v1/namespaces/${ns}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'quiet' },
      automountServiceAccountToken: false,
      imagePullSecrets: [{ name: 'registry' }],
    });
    const quiet = await create(`/api/v1/namespaces/${ns}/pods`, pod('quiet', { serviceAccountName: 'quiet' }));
    expect(quiet.body.spec.volumes).toBeUndefined();
    expect(quiet.body.spec.imagePullSecrets).toEqual([{ name: 'registry' }]);
    const loud = await create(`/api/v1/namespaces/${ns}/pods`, pod('loud', { serviceAccountName: 'quiet', automountServiceAccountToken: true }));
    expect(loud.body.spec.volumes).toHaveLength(1);
  });

  it('refuses an account that does not exist, and what mirror pods may not have', async () => {
    const ns = await namespace();
    const absent = await create(`/api/v1/namespaces/${ns}/pods`, pod('a', { serviceAccountName: 'nobody' }));
    expect([absent.code, absent.body.message]).toEqual([
      403,
      `pods "a" is forbidden: error looking up service account ${ns}/nobody: serviceaccount "nobody" not found`,
    ]);
    const mirror = { ...pod('m', { serviceAccountName: 'default' }), metadata: { name: 'm', annotations: { 'kubernetes.io/config.mirror': 'x' } } };
    const refused = await create(`/api/v1/namespaces/${ns}/pods`, mirror);
    expect(refused.body.message).toBe('pods "m" is forbidden: a mirror pod may not reference service accounts');
  });
});

describe('LimitRanger', () => {
  const range = (limits: readonly object[]): object => ({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'limits' }, spec: { limits } });

  it('completes containers and says so', async () => {
    const ns = await namespace();
    await create(
      `/api/v1/namespaces/${ns}/limitranges`,
      range([{ type: 'Container', default: { cpu: '500m', memory: '500Mi' }, defaultRequest: { cpu: '100m', memory: '200Mi' } }]),
    );
    const none = await create(`/api/v1/namespaces/${ns}/pods`, pod('none'));
    expect(none.body.spec.containers[0].resources).toEqual({ requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '500m', memory: '500Mi' } });
    expect(none.body.metadata.annotations['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c',
    );
    const some = await create(`/api/v1/namespaces/${ns}/pods`, pod('some', {}, { resources: { requests: { cpu: '300m' }, limits: { cpu: '300m' } } }));
    expect(some.body.spec.containers[0].resources).toEqual({ requests: { cpu: '300m', memory: '200Mi' }, limits: { cpu: '300m', memory: '500Mi' } });
  });

  it('refuses too little, too much, too far apart, and tells all of it', async () => {
    const ns = await namespace();
    await create(
      `/api/v1/namespaces/${ns}/limitranges`,
      range([
        { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
        { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } },
      ]),
    );
    const small = await create(`/api/v1/namespaces/${ns}/pods`, pod('small', {}, { resources: { requests: { cpu: '50m' }, limits: { cpu: '2' } } }));
    expect([small.code, small.body.message]).toEqual([
      403,
      'pods "small" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 2, but provided ratio is 40.000000]',
    ]);
    const claim = (storage: string): object => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'claim' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    const large = await create(`/api/v1/namespaces/${ns}/persistentvolumeclaims`, claim('6Gi'));
    expect(large.body.message).toBe('persistentvolumeclaims "claim" is forbidden: maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi');
    expect((await create(`/api/v1/namespaces/${ns}/persistentvolumeclaims`, claim('2Gi'))).code).toBe(201);
  });

  it('sums a pod with its largest init container', async () => {
    const ns = await namespace();
    await create(`/api/v1/namespaces/${ns}/limitranges`, range([{ type: 'Pod', max: { memory: '1Gi' } }]));
    const limits = (memory: string): object => ({ resources: { limits: { memory } } });
    const over = await create(`/api/v1/namespaces/${ns}/pods`, pod('over', { initContainers: [{ name: 'i', image: 'x', ...limits('2Gi') }] }, limits('100Mi')));
    expect(over.body.message).toBe('pods "over" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 2Gi');
  });
});

describe('PodSecurity', () => {
  const enforce = (level: string): Record<string, string> => ({ 'pod-security.kubernetes.io/enforce': level });

  it('enforces baseline', async () => {
    const ns = await namespace(enforce('baseline'));
    const bad = await create(
      `/api/v1/namespaces/${ns}/pods`,
      pod(
        'bad',
        { hostNetwork: true, volumes: [{ name: 'host', hostPath: { path: '/' } }] },
        { securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN', 'CHOWN'] } }, ports: [{ containerPort: 80, hostPort: 80 }] },
      ),
    );
    expect([bad.code, bad.body.message]).toEqual([
      403,
      'pods "bad" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add), host namespaces (hostNetwork=true), hostPath volumes (volume "host"), hostPort (container "c" uses hostPort 80), privileged (container "c" must not set securityContext.privileged=true)',
    ]);
    expect((await create(`/api/v1/namespaces/${ns}/pods`, pod('good'))).code).toBe(201);
  });

  it('enforces restricted, and warns of workloads that could not run', async () => {
    const ns = await namespace(enforce('restricted'));
    const plain = await create(`/api/v1/namespaces/${ns}/pods`, pod('plain'));
    expect(plain.body.message).toBe(
      'pods "plain" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    const careful = pod(
      'careful',
      { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } },
      { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    );
    expect((await create(`/api/v1/namespaces/${ns}/pods`, careful)).code).toBe(201);
    const workload = await create(`/apis/apps/v1/namespaces/${ns}/deployments`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
      },
    });
    expect(workload.code).toBe(201);
    expect(String(workload.headers['warning'])).toContain('would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation != false');
  });

  it('reads versions, refuses labels it cannot read, and looks at the pods there are', async () => {
    const old = await namespace({ ...enforce('restricted'), 'pod-security.kubernetes.io/enforce-version': 'v1.18' });
    const plain = await create(`/api/v1/namespaces/${old}/pods`, pod('plain'));
    expect(plain.body.message).not.toContain('seccompProfile');
    expect(plain.body.message).not.toContain('capabilities');
    const bad = await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'odd', labels: enforce('strict') } });
    expect([bad.code, bad.body.message]).toEqual([
      422,
      'Namespace "odd" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    ]);
    const ns = await namespace();
    for (const name of ['b', 'a']) await create(`/api/v1/namespaces/${ns}/pods`, pod(name, { hostPID: true }));
    const changed = await t.call('PATCH', `/api/v1/namespaces/${ns}`, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: enforce('baseline') } },
    });
    expect(String(changed.headers['warning'])).toContain(
      `existing pods in namespace \\"${ns}\\" violate the new PodSecurity enforce level \\"baseline:latest\\"`,
    );
    expect(String(changed.headers['warning'])).toContain('a (and 1 other pod): host namespaces');
  });
});

describe('Priority', () => {
  it('takes the class, the global default, and nothing else', async () => {
    const ns = await namespace();
    const made = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' };
    await create('/apis/scheduling.k8s.io/v1/priorityclasses', { ...made, metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' });
    const high = await create(`/api/v1/namespaces/${ns}/pods`, pod('high', { priorityClassName: 'high' }));
    expect(high.body.spec).toMatchObject({ priority: 1000, preemptionPolicy: 'Never' });
    expect((await create(`/api/v1/namespaces/${ns}/pods`, pod('none'))).body.spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
    const absent = await create(`/api/v1/namespaces/${ns}/pods`, pod('absent', { priorityClassName: 'absent' }));
    expect(absent.body.message).toBe('pods "absent" is forbidden: no PriorityClass with name absent was found');
    const own = await create(`/api/v1/namespaces/${ns}/pods`, pod('own', { priority: 5 }));
    expect(own.code).toBe(403);
    await create('/apis/scheduling.k8s.io/v1/priorityclasses', { ...made, metadata: { name: 'usual' }, value: 7, globalDefault: true });
    expect((await create(`/api/v1/namespaces/${ns}/pods`, pod('usual'))).body.spec).toMatchObject({ priority: 7, priorityClassName: 'usual' });
    const second = await create('/apis/scheduling.k8s.io/v1/priorityclasses', { ...made, metadata: { name: 'other' }, value: 8, globalDefault: true });
    expect(second.body.message).toContain('PriorityClass usual is already marked as default. Only one default can exist');
    await t.call('DELETE', '/apis/scheduling.k8s.io/v1/priorityclasses/usual');
  });
});

describe('RuntimeClass', () => {
  it('refuses an absent class; adds overhead and scheduling of a known one', async () => {
    const ns = await namespace();
    const absent = await create(`/api/v1/namespaces/${ns}/pods`, pod('absent', { runtimeClassName: 'absent' }));
    expect([absent.code, absent.body.message]).toEqual([403, 'pods "absent" is forbidden: pod rejected: RuntimeClass "absent" not found']);
    await create('/apis/node.k8s.io/v1/runtimeclasses', {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { cpu: '10m' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
    const inVm = await create(`/api/v1/namespaces/${ns}/pods`, pod('in-vm', { runtimeClassName: 'vm' }));
    expect(inVm.body.spec).toMatchObject({ overhead: { cpu: '10m' }, nodeSelector: { vm: 'yes' } });
    expect(inVm.body.spec.tolerations).toContainEqual({ key: 'vm', operator: 'Exists' });
    const elsewhere = await create(`/api/v1/namespaces/${ns}/pods`, pod('elsewhere', { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } }));
    expect(elsewhere.body.message).toContain('conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no');
    const alone = await create(`/api/v1/namespaces/${ns}/pods`, pod('alone', { overhead: { cpu: '1' } }));
    expect(alone.body.message).toContain('Pod Overhead set without corresponding RuntimeClass defined Overhead');
  });
});

describe('TaintNodesByCondition', () => {
  it('keeps pods from new nodes', async () => {
    const node = (name: string, spec: object): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec });
    const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
    const gpu = { key: 'gpu', effect: 'NoSchedule' };
    expect((await create('/api/v1/nodes', node('new', { taints: [gpu] }))).body.spec.taints).toEqual([gpu, taint]);
    expect((await create('/api/v1/nodes', node('again', { taints: [taint] }))).body.spec.taints).toEqual([taint]);
  });
});

describe('default classes', () => {
  it('are set where none is named', async () => {
    const ns = await namespace();
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    const path = `/api/v1/namespaces/${ns}/persistentvolumeclaims`;
    const claim = (name: string, spec: object = {}): object => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
    });
    expect((await create(path, claim('before'))).body.spec.storageClassName).toBeUndefined();
    await create('/apis/storage.k8s.io/v1/storageclasses', {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'local', annotations },
      provisioner: 'example.com/local',
    });
    const after = await create(path, claim('after'));
    expect(after.body.spec.storageClassName).toBe('local');
    expect(after.body.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    expect((await create(path, claim('chosen', { storageClassName: '' }))).body.spec.storageClassName).toBe('');
    await t.call('PATCH', `${path}/after/status`, { contentType: 'application/merge-patch+json', body: { status: { phase: 'Bound' } } });
    const grown = await t.call('PATCH', `${path}/after`, {
      contentType: 'application/merge-patch+json',
      body: { spec: { resources: { requests: { storage: '2Gi' } } } },
    });
    expect(grown.body.message).toBe(
      'persistentvolumeclaims "after" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
    await create('/apis/networking.k8s.io/v1/ingressclasses', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'front', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'example.com/front' },
    });
    const ingress = await create(`/apis/networking.k8s.io/v1/namespaces/${ns}/ingresses`, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web' },
      spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    });
    expect(ingress.body.spec.ingressClassName).toBe('front');
  });
});
