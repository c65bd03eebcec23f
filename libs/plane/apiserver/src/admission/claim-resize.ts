import { parseQuantity, type corev1, type storagev1 } from '@tiphys/kube-model';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import type { AdmissionPlugin } from './chain.ts';
import { refuse } from './refuse.ts';

/** Only a bound claim of a class that allows it may grow (plugin/storage/persistentvolume/resize). */
export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  validate(core, request) {
    const { operation, scope, object, oldObject } = request;
    if (operation !== 'UPDATE' || object === undefined || oldObject === undefined || scope.subresource !== undefined) return;
    if (scope.served.group !== '' || scope.served.resource !== 'persistentvolumeclaims') return;
    const old = draftAs<corev1.PersistentVolumeClaim>(oldObject);
    if (sizeOf(draftAs<corev1.PersistentVolumeClaim>(object)) <= sizeOf(old)) return;
    if (old.status?.phase !== 'Bound') throw refuse(request, 'Only bound persistent volume claims can be expanded');
    const className = old.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? old.spec?.storageClassName ?? '';
    const entry = core.store.get(`/storage.k8s.io/storageclasses/${className}`);
    if (entry !== undefined && draftAs<storagev1.StorageClass>(parseStored(entry.value)).allowVolumeExpansion === true) return;
    throw refuse(request, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
  },
};

function sizeOf({ spec }: { readonly spec?: corev1.PersistentVolumeClaimSpec }): bigint {
  return parseQuantity(spec?.resources?.requests?.['storage'] ?? '0')?.nano ?? 0n;
}
