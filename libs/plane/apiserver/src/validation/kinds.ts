import { convertDraft } from '../convert/convert.ts';
import type { Draft } from '../draft.ts';
import type { FieldProblem } from '../failures.ts';
import { apiService } from './api-service.ts';
import { horizontalPodAutoscaler } from './autoscaling.ts';
import { certificateSigningRequest } from './certificates.ts';
import { configMap, secret } from './core/config.ts';
import { endpoints, endpointSlice } from './core/endpoints.ts';
import { limitRange, resourceQuota } from './core/limits.ts';
import { node } from './core/nodes.ts';
import { service } from './core/services.ts';
import { persistentVolume, persistentVolumeClaim } from './core/volumes.ts';
import { cronJob } from './cron-jobs.ts';
import { flowSchema, priorityLevelConfiguration } from './flow-control.ts';
import { job } from './jobs.ts';
import type { KindRules } from './kind-rules.ts';
import { ingress, ingressClass, ipAddress, networkPolicy, serviceCidr } from './networking.ts';
import { ephemeralContainers, event, lease, pod, podDisruptionBudget, priorityClass, resize, runtimeClass } from './others.ts';
import { mutatingAdmissionPolicy, mutatingAdmissionPolicyBinding, validatingAdmissionPolicy, validatingAdmissionPolicyBinding } from './policies.ts';
import { clusterRole, clusterRoleBinding, role, roleBinding } from './rbac.ts';
import { csiDriver, csiNode, csiStorageCapacity, storageClass, volumeAttachment, volumeAttributesClass } from './storage.ts';
import { webhookConfiguration } from './webhooks.ts';
import { controllerRevision, daemonSet, deployment, podTemplate, replicaSet, replicationController, statefulSet } from './workloads.ts';

const RULES: Readonly<Record<string, KindRules>> = {
  'v1/Pod': pod,
  'v1/Pod/ephemeralcontainers': ephemeralContainers,
  'v1/Pod/resize': resize,
  'v1/Service': service,
  'v1/Endpoints': endpoints,
  'v1/ConfigMap': configMap,
  'v1/Secret': secret,
  'v1/Node': node,
  'v1/LimitRange': limitRange,
  'v1/ResourceQuota': resourceQuota,
  'v1/PersistentVolume': persistentVolume,
  'v1/PersistentVolumeClaim': persistentVolumeClaim,
  'v1/PodTemplate': podTemplate,
  'v1/ReplicationController': replicationController,
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': webhookConfiguration,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': webhookConfiguration,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': validatingAdmissionPolicy,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': validatingAdmissionPolicyBinding,
  'admissionregistration.k8s.io/v1alpha1/MutatingAdmissionPolicy': mutatingAdmissionPolicy,
  'admissionregistration.k8s.io/v1alpha1/MutatingAdmissionPolicyBinding': mutatingAdmissionPolicyBinding,
  'apiregistration.k8s.io/v1/APIService': apiService,
  'apps/v1/ControllerRevision': controllerRevision,
  'apps/v1/DaemonSet': daemonSet,
  'apps/v1/Deployment': deployment,
  'apps/v1/ReplicaSet': replicaSet,
  'apps/v1/StatefulSet': statefulSet,
  'autoscaling/v2/HorizontalPodAutoscaler': horizontalPodAutoscaler,
  'batch/v1/CronJob': cronJob,
  'batch/v1/Job': job,
  'certificates.k8s.io/v1/CertificateSigningRequest': certificateSigningRequest,
  'certificates.k8s.io/v1/CertificateSigningRequest/approval': certificateSigningRequest,
  'coordination.k8s.io/v1/Lease': lease,
  'discovery.k8s.io/v1/EndpointSlice': endpointSlice,
  'events.k8s.io/v1/Event': event,
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': flowSchema,
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': priorityLevelConfiguration,
  'networking.k8s.io/v1/Ingress': ingress,
  'networking.k8s.io/v1/IngressClass': ingressClass,
  'networking.k8s.io/v1beta1/IPAddress': ipAddress,
  'networking.k8s.io/v1beta1/ServiceCIDR': serviceCidr,
  'networking.k8s.io/v1/IPAddress': ipAddress,
  'networking.k8s.io/v1/NetworkPolicy': networkPolicy,
  'networking.k8s.io/v1/ServiceCIDR': serviceCidr,
  'node.k8s.io/v1/RuntimeClass': runtimeClass,
  'policy/v1/PodDisruptionBudget': podDisruptionBudget,
  'rbac.authorization.k8s.io/v1/ClusterRole': clusterRole,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': clusterRoleBinding,
  'rbac.authorization.k8s.io/v1/Role': role,
  'rbac.authorization.k8s.io/v1/RoleBinding': roleBinding,
  'scheduling.k8s.io/v1/PriorityClass': priorityClass,
  'storage.k8s.io/v1/CSIDriver': csiDriver,
  'storage.k8s.io/v1/CSINode': csiNode,
  'storage.k8s.io/v1/CSIStorageCapacity': csiStorageCapacity,
  'storage.k8s.io/v1/StorageClass': storageClass,
  'storage.k8s.io/v1/VolumeAttachment': volumeAttachment,
  'storage.k8s.io/v1beta1/VolumeAttributesClass': volumeAttributesClass,
};

// Versions whose objects are looked at as those of another version.
const CHECKED_AS: Readonly<Record<string, string>> = { 'autoscaling/v1/HorizontalPodAutoscaler': 'autoscaling/v2' };

/** Everything wrong with an object of a built-in kind; `live` is the object before an update. */
export function validateKind(draft: Draft, live: Draft | undefined, subresource: string | undefined): readonly FieldProblem[] {
  const version = CHECKED_AS[`${draft.apiVersion}/${draft.kind}`];
  if (version === undefined) return problemsOf(draft, live, subresource);
  const inVersion = (object: Draft): Draft => convertDraft(structuredClone(object), version);
  return problemsOf(inVersion(draft), live === undefined ? undefined : inVersion(live), subresource);
}

function problemsOf(draft: Draft, live: Draft | undefined, subresource: string | undefined): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const kind = `${draft.apiVersion}/${draft.kind}`;
  if (subresource === 'status') {
    if (live !== undefined) RULES[kind]?.onStatus?.(draft, live, problems);
    return problems;
  }
  const rules = subresource === undefined ? RULES[kind] : (RULES[`${kind}/${subresource}`] ?? RULES[kind]);
  rules?.always?.(draft, problems);
  if (live === undefined) rules?.onCreate?.(draft, problems);
  else rules?.onUpdate?.(draft, live, problems);
  return problems;
}
