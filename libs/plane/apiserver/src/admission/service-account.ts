import type { AdmissionPlugin } from './chain.ts';
import { newPod } from './pods.ts';

/** A pod runs as a service account (plugin/serviceaccount). */
export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  mutate(_core, request) {
    const pod = newPod(request);
    if (pod === undefined) return;
    const { spec } = pod;
    if ((spec.serviceAccountName ?? '') === '') spec.serviceAccountName = 'default';
    if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  },
};
