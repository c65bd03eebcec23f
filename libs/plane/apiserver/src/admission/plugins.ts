import type { AdmissionPlugin } from './chain.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { podPriority } from './priority.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-protection.ts';

// The order is upstream's (kubeapiserver/options/plugins.go): a plugin may rely on what those before it have set.
const BUILT_IN: readonly AdmissionPlugin[] = [namespaceLifecycle, serviceAccount, podPriority, defaultTolerationSeconds, storageObjectInUseProtection];

/** Plugins that may change the object: the built-in ones, then policies, then webhooks. */
export const MUTATING: readonly AdmissionPlugin[] = BUILT_IN.filter((plugin) => plugin.mutate !== undefined);

/** Plugins that see what will be stored: the built-in ones, then policies, then webhooks. Quota follows them all. */
export const VALIDATING: readonly AdmissionPlugin[] = BUILT_IN.filter((plugin) => plugin.validate !== undefined);
