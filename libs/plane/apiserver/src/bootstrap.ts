import { mapLimit } from '@tiphys/kernel';
import { deepEqual, isStatus, type corev1, type KubeObject, type rbacv1 } from '@tiphys/kube-model';
import { formatYaml } from '@tiphys/kube-yaml';
import { settleOwnVersions } from './aggregation/own-versions.ts';
import { settleAggregates } from './auth/aggregation.ts';
import { defaultRoles } from './auth/default-roles.ts';
import { compactRules, missingRules } from './auth/rules.ts';
import { SERVER_USER, type Core, type Scope, type WriteFlags } from './core.ts';
import { draftAs, type Draft } from './draft.ts';
import { CRD_PREFIX } from './crd/crd.ts';
import { servedResourcesOf } from './crd/establish.ts';
import { defaultFlows } from './flow/default-flows.ts';
import { settleDangling } from './flow/status.ts';
import { parseStored } from './registry/objects.ts';
import { objectKey } from './registry/served.ts';
import { createObject } from './verbs/create.ts';
import { changeObject, updateObject } from './verbs/update.ts';

// They share commits of the store.
const CONCURRENT_WRITES = 64;
const FLAGS: WriteFlags = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false, warn: () => undefined };

/** Reads back what the store says the server serves and holds: CRDs and the addresses of Services. */
export function restore(core: Core): void {
  for (const entry of core.store.list({ prefix: CRD_PREFIX }).entries) {
    const crd = parseStored(entry.value);
    core.catalog.setCustom(crd.metadata.name ?? '', servedResourcesOf(structuredClone(crd)));
  }
  for (const entry of core.store.list({ prefix: '/core/services/' }).entries) {
    const service = draftAs<corev1.Service>(structuredClone(parseStored(entry.value)));
    core.allocators.allocate(service, `${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}`);
  }
}

/** Creates what every cluster has, where it is missing. */
export async function bootstrap(core: Core, address: { readonly host: string; readonly port: number }): Promise<void> {
  for (const object of initialObjects(core)) await ensure(core, object);
  await mapLimit(defaultRoles(), CONCURRENT_WRITES, async (object) => await reconcileRole(core, object));
  await mapLimit(defaultFlows(), CONCURRENT_WRITES, async (object) => await ensure(core, object));
  await settleDangling(core);
  // A role of roles that aggregate takes two turns.
  for (let turn = 0; turn < 3; turn += 1) await settleAggregates(core);
  // There or not, they are as they should be afterwards.
  for (const object of [authenticationObject(core), clusterInfo(core, address), ...publicRole()]) await ensure(core, object);
  for (const object of [...endpointObjects(address), authenticationObject(core), clusterInfo(core, address)]) await replace(core, object);
  await settleOwnVersions(core);
}

function scopeOf(core: Core, object: KubeObject): Scope {
  const served = core.catalog.findKind(object.apiVersion, object.kind);
  if (served === undefined) throw new Error(`invariant broken: ${object.kind} is served`);
  return { served, namespace: object.metadata.namespace, name: '', subresource: undefined, user: SERVER_USER, userAgent: 'kube-apiserver' };
}

async function ensure(core: Core, object: KubeObject): Promise<void> {
  try {
    // A KubeObject of ours is a draft nobody else holds.
    await createObject(core, scopeOf(core, object), object as unknown as Draft, FLAGS);
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
  }
}

const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

// Gives a default role or binding back what it lacks, unless somebody has said to leave it alone; what was added stays.
async function reconcileRole(core: Core, wanted: KubeObject): Promise<void> {
  const scope = { ...scopeOf(core, wanted), name: wanted.metadata.name ?? '' };
  const entry = core.store.get(objectKey(scope.served, scope.namespace, scope.name));
  if (entry === undefined) return await ensure(core, wanted);
  const live = parseStored(entry.value);
  if (live.metadata.annotations?.[AUTO_UPDATE] === 'false') return;
  const change = missingOf(wanted, live);
  if (change === undefined) return;
  await changeObject(core, scope, (draft) => Object.assign(draft, change(draft)), FLAGS);
}

function missingOf(wanted: KubeObject, live: Draft): ((draft: Draft) => object) | undefined {
  const role = wanted as KubeObject & Partial<Pick<rbacv1.ClusterRole, 'rules' | 'aggregationRule'>>; // A role or a binding.
  if (wanted.kind.endsWith('Role')) {
    if (role.aggregationRule !== undefined) return undefined;
    const held = draftAs<rbacv1.ClusterRole>(live).rules ?? [];
    const missing = compactRules(missingRules(held, role.rules ?? []));
    return missing.length === 0 ? undefined : () => ({ rules: [...held, ...missing] });
  }
  const { subjects = [] } = wanted as rbacv1.RoleBinding;
  const bound = draftAs<rbacv1.RoleBinding>(live).subjects ?? [];
  const missing = subjects.filter((subject) => !bound.some((other) => deepEqual({ apiGroup: '', ...other }, { apiGroup: '', ...subject })));
  return missing.length === 0 ? undefined : () => ({ subjects: [...bound, ...missing] });
}

async function replace(core: Core, object: KubeObject): Promise<void> {
  await updateObject(core, { ...scopeOf(core, object), name: object.metadata.name ?? '' }, object as unknown as Draft, FLAGS);
}

function initialObjects(core: Core): readonly KubeObject[] {
  const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const service: KubeObject & Pick<corev1.Service, 'spec'> = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: core.allocators.apiAddress, ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }] },
  };
  const classes = [
    ['system-cluster-critical', 2_000_000_000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'],
    ['system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'],
  ] as const;
  return [
    ...namespaces,
    service,
    ...classes.map(([name, value, description]) => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description })),
  ];
}

/** Common name of the certificate this server shows to other API servers. */
export const FRONT_PROXY_NAME = 'front-proxy-client';

// By what other API servers check the users this one vouches for, and its clients (KEP of API aggregation).
function authenticationObject(core: Core): KubeObject {
  const list = (...items: readonly string[]): string => JSON.stringify(items);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'client-ca-file': core.clientCaPem,
      'requestheader-client-ca-file': core.frontProxy.caPem,
      'requestheader-allowed-names': list(FRONT_PROXY_NAME),
      'requestheader-username-headers': list('X-Remote-User'),
      'requestheader-uid-headers': list('X-Remote-Uid'),
      'requestheader-group-headers': list('X-Remote-Group'),
      'requestheader-extra-headers-prefix': list('X-Remote-Extra-'),
    },
  } as KubeObject;
}

const CLUSTER_INFO = 'cluster-info';

// What somebody who has nothing yet may know: where the cluster is and which authority it trusts (as kubeadm leaves it).
function clusterInfo(core: Core, { host, port }: { readonly host: string; readonly port: number }): KubeObject {
  const cluster = { server: `https://${host}:${port}`, 'certificate-authority-data': Buffer.from(core.clientCaPem).toString('base64') };
  const kubeconfig = formatYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: '', cluster }],
    contexts: [],
    'current-context': '',
    preferences: {},
    users: [],
  });
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: CLUSTER_INFO, namespace: 'kube-public' }, data: { kubeconfig } } as KubeObject;
}

function publicRole(): readonly KubeObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: 'kubeadm:bootstrap-signer-clusterinfo', namespace: 'kube-public' };
  const group = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion,
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [CLUSTER_INFO], verbs: ['get'] }],
    } as KubeObject,
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name: metadata.name },
      subjects: [{ apiGroup: group, kind: 'User', name: 'system:anonymous' }],
    } as KubeObject,
  ];
}

function endpointObjects({ host, port }: { readonly host: string; readonly port: number }): readonly KubeObject[] {
  const metadata = { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } };
  const slice = { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } };
  return [
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata,
      subsets: [{ addresses: [{ ip: host }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    } as KubeObject,
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: slice,
      addressType: 'IPv4',
      endpoints: [{ addresses: [host], conditions: { ready: true } }],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    } as KubeObject,
  ];
}
