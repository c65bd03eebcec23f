import type { corev1, networkingv1 } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';
import type { AdmissionPlugin } from './chain.ts';
import { createView } from './view.ts';

/** The name of the newest class that is marked as the default; of equally old ones the first by name. */
function newestDefault(annotations: readonly string[]): (objects: readonly Draft[]) => string | undefined {
  return (objects) => {
    const defaults = objects.map(({ metadata }) => metadata).filter((metadata) => annotations.some((key) => metadata.annotations?.[key] === 'true'));
    const [newest] = defaults.toSorted((a, b) => {
      const [left, right] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
      return left === right ? ((a.name ?? '') < (b.name ?? '') ? -1 : 1) : left < right ? 1 : -1;
    });
    return newest?.name;
  };
}

const storageClassOf = createView(newestDefault(['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']));
const ingressClassOf = createView(newestDefault(['ingressclass.kubernetes.io/is-default-class']));

/** Claims that name no class get the default one (plugin/storage/storageclass/setdefault). */
export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  mutate(core, { operation, scope, object }) {
    if (operation !== 'CREATE' || object === undefined || scope.subresource !== undefined) return;
    if (scope.served.group !== '' || scope.served.resource !== 'persistentvolumeclaims') return;
    const { spec, metadata } = draftAs<corev1.PersistentVolumeClaim>(object);
    // The empty class is a choice: a volume without class.
    if (spec === undefined || spec.storageClassName !== undefined || metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return;
    const name = storageClassOf(core, '/storage.k8s.io/storageclasses/');
    if (name !== undefined) spec.storageClassName = name;
  },
};

/** Ingresses that name no class get the default one (plugin/network/defaultingressclass). */
export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  mutate(core, { operation, scope, object }) {
    if (operation !== 'CREATE' || object === undefined || scope.subresource !== undefined) return;
    if (scope.served.group !== 'networking.k8s.io' || scope.served.resource !== 'ingresses') return;
    const { spec, metadata } = draftAs<networkingv1.Ingress>(object);
    if (spec === undefined || spec.ingressClassName !== undefined || metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
    const name = ingressClassOf(core, '/networking.k8s.io/ingressclasses/');
    if (name !== undefined) spec.ingressClassName = name;
  },
};
