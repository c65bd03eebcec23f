import { deepEqual, type corev1, type Mutable, type nodev1 } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { newPod } from './pods.ts';
import { refuse } from './refuse.ts';

/** A pod of a runtime class pays its overhead and goes where it runs (plugin/runtimeclass, KEP-688). */
export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  mutate(core, request) {
    const pod = newPod(request);
    if (pod === undefined) return;
    const found = classOf(core, request, pod.spec.runtimeClassName);
    if (found === undefined) return;
    setOverhead(request, pod.spec, found);
    setScheduling(request, pod.spec, found);
  },
  validate(core, request) {
    const pod = newPod(request);
    if (pod === undefined || Object.keys(pod.spec.overhead ?? {}).length === 0) return;
    if (classOf(core, request, pod.spec.runtimeClassName)?.overhead === undefined)
      throw refuse(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  },
};

function classOf(core: Core, request: AdmissionRequest, name: string | undefined): Mutable<nodev1.RuntimeClass> | undefined {
  if (name === undefined || name === '') return undefined;
  const entry = core.store.get(`/node.k8s.io/runtimeclasses/${name}`);
  if (entry === undefined) throw refuse(request, `pod rejected: RuntimeClass "${name}" not found`);
  return draftAs<nodev1.RuntimeClass>(parseStored(entry.value));
}

function setOverhead(request: AdmissionRequest, spec: Mutable<corev1.PodSpec>, found: Mutable<nodev1.RuntimeClass>): void {
  const fixed = found.overhead?.podFixed;
  if (fixed === undefined) return;
  if (spec.overhead !== undefined && !deepEqual(spec.overhead, fixed))
    throw refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  spec.overhead = { ...fixed };
}

function setScheduling(request: AdmissionRequest, spec: Mutable<corev1.PodSpec>, { scheduling }: Mutable<nodev1.RuntimeClass>): void {
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value)
      throw refuse(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const added = (scheduling?.tolerations ?? []).filter((toleration) => spec.tolerations?.some((own) => deepEqual(own, toleration)) !== true);
  if (added.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...added];
}
