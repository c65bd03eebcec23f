import type { appsv1, autoscalingv1, autoscalingv2, batchv1, corev1, KubeObject, Mutable, networkingv1, rbacv1 } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';
import { defaultAutoscaler, defaultAutoscalerV1 } from './autoscaling.ts';
import { defaultLimitRange, defaultNamespace, defaultNode, defaultService } from './core.ts';
import { defaultPod, defaultTemplate } from './pods.ts';
import {
  defaultDaemonSet,
  defaultDeployment,
  defaultJob,
  defaultJobEarly,
  defaultReplicationController,
  defaultStatefulSet,
  defaultStatefulSetEarly,
} from './workloads.ts';

type Defaulting = (draft: Draft) => void;

const on =
  <T extends KubeObject>(set: (object: Mutable<T>) => void): Defaulting =>
  (draft) =>
    set(draftAs<T>(draft));

const EARLY: Readonly<Record<string, Defaulting>> = {
  'apps/v1/StatefulSet': on<appsv1.StatefulSet>(defaultStatefulSetEarly),
  'batch/v1/Job': on<batchv1.Job>(defaultJobEarly),
};

// Defaults that depend on other fields (kubernetes pkg/apis/<group>/<version>/defaults.go).
const BY_KIND: Readonly<Record<string, Defaulting>> = {
  'v1/Pod': on<corev1.Pod>(defaultPod),
  'v1/PodTemplate': on<corev1.PodTemplate>(({ template }) => defaultTemplate(template)),
  'v1/ReplicationController': on<corev1.ReplicationController>(defaultReplicationController),
  'v1/Service': on<corev1.Service>(defaultService),
  'v1/Secret': on<corev1.Secret>((secret) => void (secret.type ??= 'Opaque')),
  'v1/Namespace': on<corev1.Namespace>(defaultNamespace),
  'v1/Node': on<corev1.Node>(defaultNode),
  'v1/LimitRange': on<corev1.LimitRange>(defaultLimitRange),
  'apps/v1/Deployment': on<appsv1.Deployment>(defaultDeployment),
  'apps/v1/ReplicaSet': on<appsv1.ReplicaSet>(({ spec }) => defaultTemplate(spec?.template)),
  'apps/v1/StatefulSet': on<appsv1.StatefulSet>(defaultStatefulSet),
  'apps/v1/DaemonSet': on<appsv1.DaemonSet>(defaultDaemonSet),
  'autoscaling/v1/HorizontalPodAutoscaler': on<autoscalingv1.HorizontalPodAutoscaler>(defaultAutoscalerV1),
  'autoscaling/v2/HorizontalPodAutoscaler': on<autoscalingv2.HorizontalPodAutoscaler>(defaultAutoscaler),
  'batch/v1/Job': on<batchv1.Job>(defaultJob),
  'batch/v1/CronJob': on<batchv1.CronJob>(({ spec }) => defaultTemplate(spec?.jobTemplate?.spec?.template)),
  'networking.k8s.io/v1/NetworkPolicy': on<networkingv1.NetworkPolicy>(defaultNetworkPolicy),
  'rbac.authorization.k8s.io/v1/RoleBinding': on<rbacv1.RoleBinding>(defaultSubjects),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': on<rbacv1.ClusterRoleBinding>(defaultSubjects),
};

/** Defaults that must look at fields before the table fills them. */
export function applyEarlyDefaults(draft: Draft): void {
  EARLY[`${draft.apiVersion}/${draft.kind}`]?.(draft);
}

/** Defaults that depend on other fields, by kind; after the table's. */
export function applyConditionalDefaults(draft: Draft): void {
  BY_KIND[`${draft.apiVersion}/${draft.kind}`]?.(draft);
}

function defaultNetworkPolicy({ spec }: Mutable<networkingv1.NetworkPolicy>): void {
  if (spec === undefined || (spec.policyTypes ?? []).length > 0) return;
  spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function defaultSubjects({ subjects }: Mutable<rbacv1.RoleBinding> | Mutable<rbacv1.ClusterRoleBinding>): void {
  for (const subject of subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= 'rbac.authorization.k8s.io';
}
