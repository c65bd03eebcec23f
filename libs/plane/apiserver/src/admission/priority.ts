import type { schedulingv1 } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { draftAs } from '../draft.ts';
import { forbidden } from '../failures.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { newPod } from './pods.ts';
import { createView } from './view.ts';

interface Classes {
  readonly byName: ReadonlyMap<string, schedulingv1.PriorityClass>;
  readonly globalDefault: schedulingv1.PriorityClass | undefined;
}

const PREFIX = '/scheduling.k8s.io/priorityclasses/';

const classesOf = createView((objects): Classes => {
  const classes = objects.map((object) => draftAs<schedulingv1.PriorityClass>(object) as schedulingv1.PriorityClass); // Read only.
  const defaults = classes.filter((candidate) => candidate.globalDefault === true);
  return {
    byName: new Map(classes.map((candidate) => [candidate.metadata.name ?? '', candidate])),
    // Two defaults can only come of a race; the lower value wins, as upstream.
    globalDefault: defaults.toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0],
  };
});

/** A pod's priority is its class's, or that of the global default; there is one such default (plugin/priority). */
export const podPriority: AdmissionPlugin = {
  name: 'Priority',
  mutate: admitPod,
  validate: checkGlobalDefault,
};

function admitPod(core: Core, request: AdmissionRequest): void {
  const pod = newPod(request);
  if (pod === undefined) return;
  const { spec } = pod;
  const { byName, globalDefault } = classesOf(core, PREFIX);
  const wanted = spec.priorityClassName ?? '';
  const found = wanted === '' ? globalDefault : byName.get(wanted);
  if (wanted !== '' && found === undefined) throw forbidden(request.scope.served, pod.metadata.name ?? '', `no PriorityClass with name ${wanted} was found`);
  const value = found?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== value)
    throw forbidden(
      request.scope.served,
      pod.metadata.name ?? '',
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  if (found?.metadata.name !== undefined) spec.priorityClassName = found.metadata.name;
  spec.priority = value;
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    throw forbidden(
      request.scope.served,
      pod.metadata.name ?? '',
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  spec.preemptionPolicy = policy;
}

function checkGlobalDefault(core: Core, { operation, scope, object }: AdmissionRequest): void {
  if (object === undefined || scope.served.resource !== 'priorityclasses' || scope.served.group !== 'scheduling.k8s.io') return;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  if (draftAs<schedulingv1.PriorityClass>(object).globalDefault !== true) return;
  const { globalDefault } = classesOf(core, PREFIX);
  if (globalDefault === undefined || globalDefault.metadata.name === object.metadata.name) return;
  throw forbidden(
    scope.served,
    object.metadata.name ?? '',
    `PriorityClass ${globalDefault.metadata.name ?? ''} is already marked as default. Only one default can exist`,
  );
}
