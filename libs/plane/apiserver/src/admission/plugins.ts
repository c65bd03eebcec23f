import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import type { AdmissionPlugin } from './chain.ts';
import { persistentVolumeClaimResize } from './claim-resize.ts';
import { defaultIngressClass, defaultStorageClass } from './default-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import { podPriority } from './priority.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import { mutatingAdmissionPolicy } from './policies/mutating.ts';
import { validatingAdmissionPolicy } from './policies/validating.ts';
import { mutatingWebhooks } from './webhooks/mutating.ts';
import { validatingWebhooks } from './webhooks/validating.ts';

// The order is upstream's (kubeapiserver/options/plugins.go): a plugin may rely on what those before it have set.
const BUILT_IN: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  limitRanger,
  serviceAccount,
  taintNodesByCondition,
  podSecurity,
  podPriority,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClass,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  defaultIngressClass,
];

/** Plugins that may change the object: the built-in ones, then policies, then webhooks. */
export const MUTATING: readonly AdmissionPlugin[] = [...BUILT_IN.filter((plugin) => plugin.mutate !== undefined), mutatingAdmissionPolicy, mutatingWebhooks];

/** Plugins that see what will be stored: the built-in ones, then policies, then webhooks. Quota follows them all. */
export const VALIDATING: readonly AdmissionPlugin[] = [
  ...BUILT_IN.filter((plugin) => plugin.validate !== undefined),
  validatingAdmissionPolicy,
  validatingWebhooks,
];
