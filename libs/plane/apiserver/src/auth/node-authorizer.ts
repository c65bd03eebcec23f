import type { corev1 } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import type { Attributes } from './attributes.ts';

const PREFIX = 'system:node:';
const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

type ResourceAttributes = Extract<Attributes, { kind: 'resource' }>;

/**
 * Whether a node's agent may: what the pods bound to its node refer to, its own Node, lease and CSINode, and what every
 * agent reads (plugin/pkg/auth/authorizer/node). False says nothing: RBAC is asked next.
 */
export function authorizeNode(core: Core, user: UserInfo, attributes: Attributes): boolean {
  if (attributes.kind !== 'resource' || !user.username.startsWith(PREFIX) || !user.groups.includes('system:nodes')) return false;
  const node = user.username.slice(PREFIX.length);
  return node !== '' && mayNode(core, node, attributes);
}

function mayNode(core: Core, node: string, attributes: ResourceAttributes): boolean {
  const { verb, group, resource, subresource, namespace, name } = attributes;
  switch (`${group}/${resource}`) {
    case '/secrets':
    case '/configmaps':
      return subresource === '' && READS.has(verb) && name !== '' && isReferred(core, node, attributes);
    case '/persistentvolumeclaims':
      return verb === 'get' && name !== '' && isReferred(core, node, attributes);
    case '/persistentvolumes':
      return verb === 'get' && name !== '' && hasVolume(core, node, name);
    case '/serviceaccounts':
      return subresource === 'token' && verb === 'create' && podsOf(core, node, namespace).some((pod) => (pod.spec?.serviceAccountName ?? 'default') === name);
    case 'coordination.k8s.io/leases':
      return namespace === 'kube-node-lease' && (name === node || verb === 'create') && verb !== 'list' && verb !== 'watch';
    case 'storage.k8s.io/csinodes':
      return (name === node || verb === 'create') && verb !== 'list' && verb !== 'watch';
    case '/nodes':
      return (verb === 'create' && subresource === '') || READS.has(verb) || (name === node && (verb === 'update' || verb === 'patch'));
    case '/pods':
      return mayPod(core, node, attributes);
    default:
      return isCommon(attributes);
  }
}

function mayPod(core: Core, node: string, { verb, subresource, namespace, name }: ResourceAttributes): boolean {
  const isOwn = (): boolean => podsOf(core, node, namespace).some((pod) => pod.metadata.name === name);
  if (subresource === 'status') return (verb === 'update' || verb === 'patch') && isOwn();
  if (subresource === 'eviction') return verb === 'create' && isOwn();
  if (subresource !== '') return false;
  return READS.has(verb) || (verb === 'delete' && isOwn());
}

// What every agent needs, whatever runs on its node.
function isCommon({ verb, group, resource, subresource }: ResourceAttributes): boolean {
  if (subresource !== '') return false;
  switch (`${group}/${resource}`) {
    case '/services':
    case 'node.k8s.io/runtimeclasses':
    case 'storage.k8s.io/csidrivers':
      return READS.has(verb);
    case '/events':
    case 'events.k8s.io/events':
      return verb === 'create' || verb === 'patch' || verb === 'update';
    case 'authentication.k8s.io/tokenreviews':
    case 'authorization.k8s.io/subjectaccessreviews':
    case 'authorization.k8s.io/localsubjectaccessreviews':
      return verb === 'create';
    case 'certificates.k8s.io/certificatesigningrequests':
      return verb === 'create' || READS.has(verb);
    default:
      return false;
  }
}

function podsOf(core: Core, node: string, namespace: string): readonly corev1.Pod[] {
  return core.store
    .list({ prefix: namespace === '' ? '/core/pods/' : `/core/pods/${namespace}/` })
    .entries.map((entry) => draftAs<corev1.Pod>(parseStored(entry.value)) as corev1.Pod) // Read only.
    .filter((pod) => pod.spec?.nodeName === node);
}

function isReferred(core: Core, node: string, { resource, namespace, name }: ResourceAttributes): boolean {
  return namespace !== '' && podsOf(core, node, namespace).some((pod) => referencesOf(pod).has(`${resource}/${name}`));
}

function hasVolume(core: Core, node: string, volume: string): boolean {
  return podsOf(core, node, '').some((pod) =>
    [...referencesOf(pod)]
      .filter((reference) => reference.startsWith('persistentvolumeclaims/'))
      .some((reference) => {
        const entry = core.store.get(`/core/persistentvolumeclaims/${pod.metadata.namespace ?? ''}/${reference.slice(reference.indexOf('/') + 1)}`);
        return entry !== undefined && draftAs<corev1.PersistentVolumeClaim>(parseStored(entry.value)).spec?.volumeName === volume;
      }),
  );
}

/** `resource/name` of every Secret, ConfigMap and claim a pod uses. */
function referencesOf(pod: corev1.Pod): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (resource: string, name: string | undefined): void => void (name !== undefined && name !== '' && found.add(`${resource}/${name}`));
  const { spec } = pod;
  for (const secret of spec?.imagePullSecrets ?? []) add('secrets', secret.name);
  for (const volume of spec?.volumes ?? []) {
    add('secrets', volume.secret?.secretName);
    add('configmaps', volume.configMap?.name);
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral !== undefined) add('persistentvolumeclaims', `${pod.metadata.name ?? ''}-${volume.name}`);
    add('secrets', volume.csi?.nodePublishSecretRef?.name);
    for (const source of volume.projected?.sources ?? []) {
      add('secrets', source.secret?.name);
      add('configmaps', source.configMap?.name);
    }
  }
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])]) {
    for (const from of container.envFrom ?? []) {
      add('secrets', from.secretRef?.name);
      add('configmaps', from.configMapRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('secrets', valueFrom?.secretKeyRef?.name);
      add('configmaps', valueFrom?.configMapKeyRef?.name);
    }
  }
  return found;
}
