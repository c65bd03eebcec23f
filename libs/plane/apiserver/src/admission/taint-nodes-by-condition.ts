import type { corev1 } from '@tiphys/kube-model';
import { draftAs } from '../draft.ts';
import type { AdmissionPlugin } from './chain.ts';

const NOT_READY: corev1.Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A new node gets no pods before it has said that it is ready (plugin/nodetaint); a controller takes the taint off. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate(_core, { operation, scope, object }) {
    if (operation !== 'CREATE' || object === undefined || scope.served.group !== '' || scope.served.resource !== 'nodes') return;
    if (scope.subresource !== undefined) return;
    const node = draftAs<corev1.Node>(object);
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return;
    node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] };
  },
};
