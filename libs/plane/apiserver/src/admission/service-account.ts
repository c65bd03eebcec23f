import { randomUUID } from 'node:crypto';
import { generateName, isStatus, type corev1, type Mutable } from '@tiphys/kube-model';
import { toTimestamp } from '@tiphys/kernel';
import type { Core, Scope } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored, putObject } from '../registry/objects.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { newPod } from './pods.ts';
import { refuse } from './refuse.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const DEFAULT_ACCOUNT = 'default';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
// An hour and a little: agents renew a token once a fifth of its life is left.
const TOKEN_SECONDS = 3_607;
const FILE_MODE = 0o644;

type Pod = Mutable<corev1.Pod> & { spec: Mutable<corev1.PodSpec> };

/** A pod runs as a service account that exists, with its token at hand and its pull secrets (plugin/serviceaccount). */
export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  async mutate(core, request) {
    const pod = newPod(request);
    if (pod === undefined) return;
    if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return checkMirror(request, pod);
    const { spec } = pod;
    const name = spec.serviceAccountName ?? '';
    spec.serviceAccountName = name === '' ? DEFAULT_ACCOUNT : name;
    spec.serviceAccount = spec.serviceAccountName;
    const account = await accountOf(core, request, spec.serviceAccountName);
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(core, spec);
    if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0)
      spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((secret) => ({ ...secret }));
  },
};

// A mirror pod stands for one that a node runs by itself: it may not gain anything by the API.
function checkMirror(request: AdmissionRequest, { spec }: Pod): void {
  if ((spec.serviceAccountName ?? '') !== '') throw refuse(request, 'a mirror pod may not reference service accounts');
  const volumes = spec.volumes ?? [];
  if (volumes.some((volume) => volume.secret !== undefined)) throw refuse(request, 'a mirror pod may not reference secrets');
  if (volumes.some((volume) => volume.projected?.sources?.some((source) => source.serviceAccountToken !== undefined) === true))
    throw refuse(request, 'a mirror pod may not use ServiceAccountToken volume projections');
}

async function accountOf(core: Core, request: AdmissionRequest, name: string): Promise<Mutable<corev1.ServiceAccount>> {
  const namespace = request.scope.namespace ?? '';
  const entry = core.store.get(keyOf(namespace, name));
  if (entry !== undefined) return draftAs<corev1.ServiceAccount>(parseStored(entry.value));
  if (name !== DEFAULT_ACCOUNT) throw refuse(request, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`);
  return await ensureDefault(core, request, namespace);
}

function keyOf(namespace: string, name: string): string {
  return `/core/serviceaccounts/${namespace}/${name}`;
}

// The controller makes a namespace's default account a moment after the namespace. Upstream refuses pods until then and
// leaves it to clients to try again; here the first pod that needs the account brings it about.
async function ensureDefault(core: Core, { scope, dryRun }: AdmissionRequest, namespace: string): Promise<Mutable<corev1.ServiceAccount>> {
  const account: Mutable<corev1.ServiceAccount> = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name: DEFAULT_ACCOUNT, uid: randomUUID(), creationTimestamp: toTimestamp(core.clock.now()) },
  };
  const served = core.catalog.find('', 'v1', 'serviceaccounts');
  if (served === undefined || dryRun) return account;
  const accountScope: Scope = { ...scope, served, name: DEFAULT_ACCOUNT, subresource: undefined };
  try {
    await putObject(core, accountScope, account as Parameters<typeof putObject>[2], undefined); // A ServiceAccount is a draft.
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
  }
  return account;
}

function mountToken(core: Core, spec: Mutable<corev1.PodSpec>): void {
  const known = spec.volumes?.find(({ name }: Partial<corev1.Volume>) => name?.startsWith(VOLUME_PREFIX) === true)?.name;
  const name = known ?? generateName(VOLUME_PREFIX, core.random);
  const mount = { name, readOnly: true, mountPath: MOUNT_PATH };
  const without = [...(spec.initContainers ?? []), ...spec.containers].filter(
    ({ volumeMounts = [] }) => !volumeMounts.some(({ mountPath }) => mountPath === MOUNT_PATH),
  );
  for (const container of without) container.volumeMounts = [...(container.volumeMounts ?? []), { ...mount }];
  if (known === undefined && without.length > 0) spec.volumes = [...(spec.volumes ?? []), { name, projected: tokenVolume() }];
}

// The token, the authority to check the server by, and the namespace: what in-cluster clients look for.
function tokenVolume(): Mutable<corev1.ProjectedVolumeSource> {
  return {
    defaultMode: FILE_MODE,
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  };
}
