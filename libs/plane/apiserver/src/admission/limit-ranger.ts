import { parseQuantity, type corev1, type Mutable } from '@tiphys/kube-model';
import { formatAmounts, podLimits, podRequests, type ResourceList } from '@tiphys/plane-quota';
import type { Core } from '../core.ts';
import { draftAs } from '../draft.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { newPod } from './pods.ts';
import { refuse } from './refuse.ts';
import { createView } from './view.ts';

const NANO = 1_000_000_000;
const ANNOTATION = 'kubernetes.io/limit-ranger';

const rangesOf = createView((objects) => objects.map((object) => draftAs<corev1.LimitRange>(object) as corev1.LimitRange)); // Read only.

/** Limit ranges of a namespace: what containers get that ask for nothing, and what is too little or too much (plugin/limitranger). */
export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  mutate(core, request) {
    const pod = newPod(request);
    if (pod === undefined) return;
    for (const range of rangesIn(core, request)) addDefaults(pod, range);
  },
  validate(core, request) {
    const { operation, scope, object } = request;
    if (object === undefined || scope.served.group !== '' || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
    const isPod = scope.served.resource === 'pods' && (scope.subresource === 'resize' || (scope.subresource === undefined && operation === 'CREATE'));
    const isClaim = scope.served.resource === 'persistentvolumeclaims' && scope.subresource === undefined;
    if (!isPod && !isClaim) return;
    for (const range of rangesIn(core, request)) {
      const problems = isPod ? podProblems(draftAs<corev1.Pod>(object), range) : claimProblems(draftAs<corev1.PersistentVolumeClaim>(object), range);
      if (problems.length > 0) throw refuse(request, problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
    }
  },
};

function rangesIn(core: Core, { scope }: AdmissionRequest): readonly corev1.LimitRange[] {
  return rangesOf(core, `/core/limitranges/${scope.namespace ?? ''}/`);
}

function addDefaults(pod: Mutable<corev1.Pod> & { spec: Mutable<corev1.PodSpec> }, range: corev1.LimitRange): void {
  const items = (range.spec?.limits ?? []).filter(({ type }) => type === 'Container');
  const limits = Object.assign({}, ...items.map((item) => item.default)) as ResourceList; // Maps of quantities.
  const requests = Object.assign({}, ...items.map((item) => item.defaultRequest)) as ResourceList;
  const notes = [
    ...pod.spec.containers.flatMap((container) => complete(container, requests, limits, 'container')),
    ...(pod.spec.initContainers ?? []).flatMap((container) => complete(container, requests, limits, 'init container')),
  ];
  if (notes.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` };
}

function complete(container: Mutable<corev1.Container>, requests: ResourceList, limits: ResourceList, what: string): readonly string[] {
  const fill = (field: 'requests' | 'limits', from: ResourceList): readonly string[] => {
    const missing = Object.keys(from).filter((name) => container.resources?.[field]?.[name] === undefined);
    if (missing.length === 0) return [];
    const added = Object.fromEntries(missing.map((name) => [name, from[name] ?? '0']));
    container.resources = { ...container.resources, [field]: { ...container.resources?.[field], ...added } };
    return [`${missing.toSorted().join(', ')} ${field.slice(0, -1)} for ${what} ${container.name}`];
  };
  return [...fill('requests', requests), ...fill('limits', limits)];
}

interface Amounts {
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

function podProblems(pod: Mutable<corev1.Pod>, range: corev1.LimitRange): readonly string[] {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return (range.spec?.limits ?? []).flatMap((item) => {
    if (item.type === 'Container')
      return containers.flatMap(({ resources }) => problemsOf(item, { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} }));
    return item.type === 'Pod' && pod.spec !== undefined
      ? problemsOf(item, { requests: formatAmounts(podRequests(pod.spec)), limits: formatAmounts(podLimits(pod.spec)) })
      : [];
  });
}

function problemsOf(item: corev1.LimitRangeItem, { requests, limits }: Amounts): readonly string[] {
  const { type } = item;
  const each = (
    bounds: ResourceList | undefined,
    check: (name: string, bound: string, request?: string, limit?: string) => readonly string[],
  ): readonly string[] => Object.entries(bounds ?? {}).flatMap(([name, bound]) => check(name, bound, requests[name], limits[name]));
  return [
    ...each(item.min, (name, bound, request, limit) => [
      ...(request === undefined ? [`minimum ${name} usage per ${type} is ${bound}.  No request is specified`] : []),
      ...(request !== undefined && isLess(request, bound) ? [`minimum ${name} usage per ${type} is ${bound}, but request is ${request}`] : []),
      ...(request !== undefined && !isLess(request, bound) && limit !== undefined && isLess(limit, bound)
        ? [`minimum ${name} usage per ${type} is ${bound}, but limit is ${limit}`]
        : []),
    ]),
    ...each(item.max, (name, bound, request, limit) => {
      if (limit === undefined) return [`maximum ${name} usage per ${type} is ${bound}.  No limit is specified`];
      if (isLess(bound, limit)) return [`maximum ${name} usage per ${type} is ${bound}, but limit is ${limit}`];
      return request !== undefined && isLess(bound, request) ? [`maximum ${name} usage per ${type} is ${bound}, but request is ${request}`] : [];
    }),
    ...each(item.maxLimitRequestRatio, (name, bound, request, limit) => {
      const allowed = `${name} max limit to request ratio per ${type} is ${bound}`;
      if (request === undefined || nanoOf(request) === 0n) return [`${allowed}, but no request is specified or request is 0`];
      if (limit === undefined || nanoOf(limit) === 0n) return [`${allowed}, but no limit is specified or limit is 0`];
      const ratio = Number(nanoOf(limit)) / Number(nanoOf(request));
      return ratio > Number(nanoOf(bound)) / NANO ? [`${allowed}, but provided ratio is ${ratio.toFixed(6)}`] : [];
    }),
  ];
}

function nanoOf(text: string): bigint {
  return parseQuantity(text)?.nano ?? 0n;
}

function isLess(a: string, b: string): boolean {
  return nanoOf(a) < nanoOf(b);
}

function claimProblems(claim: Mutable<corev1.PersistentVolumeClaim>, range: corev1.LimitRange): readonly string[] {
  const requests = claim.spec?.resources?.requests ?? {};
  return (range.spec?.limits ?? [])
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => [
      ...Object.entries(item.min ?? {}).flatMap(([name, bound]) => bounded('minimum', name, bound, requests[name], isLess)),
      ...Object.entries(item.max ?? {}).flatMap(([name, bound]) => bounded('maximum', name, bound, requests[name], (request, limit) => isLess(limit, request))),
    ]);
}

function bounded(
  word: string,
  name: string,
  bound: string,
  request: string | undefined,
  isBeyond: (request: string, bound: string) => boolean,
): readonly string[] {
  const rule = `${word} ${name} usage per PersistentVolumeClaim is ${bound}`;
  if (request === undefined) return [`${rule}.  No request is specified`];
  return isBeyond(request, bound) ? [`${rule}, but request is ${request}`] : [];
}
