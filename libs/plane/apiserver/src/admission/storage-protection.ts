import type { AdmissionPlugin } from './chain.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

/** Claims and volumes in use are not lost by a deletion (plugin/storage/storageobjectinuseprotection). */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate(_core, { operation, scope, object }) {
    if (operation !== 'CREATE' || scope.served.group !== '' || scope.subresource !== undefined || object === undefined) return;
    const finalizer = FINALIZERS[scope.served.resource];
    if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer) === true) return;
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  },
};
