import { deepEqual, schemaByName, type batchv1, type corev1, type Mutable } from '@tiphys/kube-model';
import { toTimestamp } from '@tiphys/kernel';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { shapeMetadata, visitEmbedded } from '../crd/embedded.ts';
import { defaultCustom, pruneCustom, pruneNulls } from '../crd/structural-schema.ts';
import { applyConditionalDefaults, applyEarlyDefaults } from '../defaults/by-hand.ts';
import { applyDefaultTable } from '../defaults/table.ts';
import { asMap, draftAs, type Draft, type DraftMeta, type JsonMap } from '../draft.ts';
import { badRequest } from '../failures.ts';
import { dropZeros } from './canonical.ts';
import { coerceObject } from './coerce.ts';
import type { ServedResource } from './served.ts';
import { keepServiceFields } from './service-fields.ts';
import { keepOthersThan } from './subresource-fields.ts';

/** Gives a decoded body the shape of its kind; unknown fields are refused, warned about or dropped as the request wants. */
export function shapeBody(scope: Scope, draft: Draft, flags: WriteFlags, duplicates: readonly string[] = []): void {
  const { served } = scope;
  // A Draft is a JSON object.
  const map = draft as unknown as JsonMap;
  const unknown: string[] = [];
  if (served.schema !== undefined) unknown.push(...coerceObject(map, served.schema, served.apiVersion, served.kind).unknown);
  else if (served.custom !== undefined) {
    const { schema } = served.custom;
    unknown.push(...shapeMetadata(map, served.apiVersion, served.kind));
    pruneCustom(map, schema, unknown);
    visitEmbedded(map, schema, (path, object) => unknown.push(...shapeMetadata(object, served.apiVersion, served.kind).map((field) => `${path}.${field}`)));
  }
  complain(served, [...unknown.map((path) => `unknown field "${path}"`), ...duplicates], flags);
}

function complain(served: ServedResource, complaints: readonly string[], flags: WriteFlags): void {
  if (complaints.length === 0 || flags.fieldValidation === 'Ignore') return;
  if (flags.fieldValidation === 'Strict') {
    throw badRequest(`${served.kind} in version "${served.version}" cannot be handled as a ${served.kind}: strict decoding error: ${complaints.join(', ')}`);
  }
  for (const complaint of complaints) flags.warn(complaint);
}

/** Sets every default of the kind. */
export function applyDefaults(served: ServedResource, draft: Draft): void {
  // A Draft is a JSON object.
  const map = draft as unknown as JsonMap;
  if (served.custom !== undefined) {
    pruneNulls(map, served.custom.schema);
    defaultCustom(map, served.custom.schema);
    return;
  }
  if (served.schema !== undefined) dropZeros(map, served.schema);
  applyEarlyDefaults(draft);
  applyDefaultTable(map, served.group, served.version, served.kind);
  applyConditionalDefaults(draft);
}

/** Whether status may only be written through its subresource. */
export function hasStatusSubresource(served: ServedResource): boolean {
  return served.custom === undefined ? served.subresources.some((sub) => sub.name === 'status') : served.custom.hasStatus;
}

// Built-in kinds whose storage counts generations (the strategies that call for it upstream).
const COUNTS_GENERATIONS: ReadonlySet<string> = new Set([
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'Ingress',
  'IngressClass',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'EndpointSlice',
  'CustomResourceDefinition',
  'FlowSchema',
  'PriorityLevelConfiguration',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'PriorityClass',
]);

function countsGenerations(served: ServedResource): boolean {
  return served.custom !== undefined || COUNTS_GENERATIONS.has(served.kind);
}

/** Completes a new object that has its defaults and has passed mutating admission: identity, times, first status. */
export function prepareCreate(core: Core, scope: Scope, draft: Draft, uid: string): void {
  const { served } = scope;
  const { metadata } = draft;
  metadata.uid = uid;
  metadata.creationTimestamp = toTimestamp(core.clock.now());
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
  delete metadata.selfLink;
  if (countsGenerations(served)) metadata.generation = 1;
  else delete metadata.generation;
  if (hasStatusSubresource(served) && served.kind !== 'Node') delete draft.status;
  initialStatus(draft, served);
}

// Who asks for a certificate is written into the request by the server, so that signers can trust it.
function initialStatus(draft: Draft, served: ServedResource): void {
  if (served.custom !== undefined) return;
  switch (`${draft.apiVersion}/${draft.kind}`) {
    case 'v1/Pod':
      draft.status = { phase: 'Pending', qosClass: qosClassOf(draftAs<corev1.Pod>(draft)) };
      return;
    case 'v1/Namespace':
      draft.status = { phase: 'Active' };
      draftAs<corev1.Namespace>(draft).spec = { finalizers: ['kubernetes'] };
      return;
    case 'v1/PersistentVolume':
    case 'v1/PersistentVolumeClaim':
      draft.status = { phase: 'Pending' };
      return;
    case 'v1/Service':
      draft.status = { loadBalancer: {} };
      return;
    case 'batch/v1/Job':
      generateJobSelector(draftAs<batchv1.Job>(draft));
      draft.status = {};
      return;
    default:
      if (hasStatusSubresource(served) && draft.status === undefined) draft.status = emptyStatus(served);
  }
}

const ZERO: Readonly<Record<string, unknown>> = { boolean: false, integer: 0, string: '' };

// Go writes the zero of a required field, so a status that nobody has set yet has them too.
function emptyStatus(served: ServedResource): JsonMap {
  const { ref } = served.schema?.fields['status'] ?? {};
  const schema = ref === undefined ? undefined : schemaByName(ref);
  return Object.fromEntries(
    (schema?.required ?? []).flatMap((name) => {
      const zero = ZERO[schema?.fields[name]?.type ?? ''];
      return zero === undefined ? [] : [[name, zero]];
    }),
  );
}

/** The pod's quality of service from its containers' resources. */
export function qosClassOf(pod: Mutable<corev1.Pod>): string {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const amounts = containers.map((container) => ({
    limits: container.resources?.limits ?? {},
    requests: { ...container.resources?.limits, ...container.resources?.requests },
  }));
  const counts = (map: Readonly<Record<string, string>>): boolean => ['cpu', 'memory'].some((name) => map[name] !== undefined && map[name] !== '0');
  if (!amounts.some(({ limits, requests }) => counts(limits) || counts(requests))) return 'BestEffort';
  const guaranteed = amounts.every(({ limits, requests }) => ['cpu', 'memory'].every((name) => limits[name] !== undefined && limits[name] === requests[name]));
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

// The selector of a Job is the server's, so that no two Jobs can claim one pod (registry/batch/job strategy.go).
function generateJobSelector(job: Mutable<batchv1.Job>): void {
  const { spec, metadata } = job;
  if (spec?.template === undefined || spec.manualSelector === true) return;
  const uid = metadata.uid ?? '';
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    'controller-uid': uid,
    'batch.kubernetes.io/controller-uid': uid,
    'job-name': metadata.name ?? '',
    'batch.kubernetes.io/job-name': metadata.name ?? '',
  };
  spec.selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, 'batch.kubernetes.io/controller-uid': uid } };
  // A Job without labels has those of its pods, whenever it is read (batch/v1 SetDefaults_Job).
  if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...spec.template.metadata.labels };
}

/** Completes a changed object that has its defaults and has passed mutating admission from the live one: what this way of writing may not change is kept. */
export function prepareUpdate(scope: Scope, live: Draft, draft: Draft): void {
  const { served, subresource } = scope;
  const { metadata } = draft;
  const kept = live.metadata;
  if (subresource === 'status') keepAllButStatus(served, live, draft);
  else if (hasStatusSubresource(served) && subresource !== 'approval') keepField(draft, live, 'status');
  keepOthersThan(subresource, live, draft);
  for (const field of ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'namespace'] as const) {
    if (kept[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: kept[field] });
  }
  delete metadata.selfLink;
  if (subresource === 'status') return;
  keepServerFields(live, draft, subresource);
  if (countsGenerations(served) && !deepEqual(contentOf(served, live), contentOf(served, draft))) metadata.generation = (kept.generation ?? 0) + 1;
}

/** The part of an object whose changes count as a new generation. */
function contentOf(served: ServedResource, draft: Draft): JsonMap {
  const { metadata: _metadata, apiVersion: _apiVersion, ...rest } = draft as unknown as JsonMap; // A Draft is a JSON object.
  if (hasStatusSubresource(served)) delete rest['status'];
  return rest;
}

// Kinds whose status writers may not change metadata (their status strategies upstream put the old metadata back).
const KEEPS_METADATA: ReadonlySet<string> = new Set(['FlowSchema', 'PriorityLevelConfiguration', 'VolumeAttachment', 'APIService', 'ResourceClaim']);

function keepAllButStatus(served: ServedResource, live: Draft, draft: Draft): void {
  const { status, metadata } = draft;
  const map = draft as unknown as JsonMap; // A Draft is a JSON object.
  for (const key of Object.keys(map)) if (key !== 'apiVersion' && key !== 'kind' && key !== 'metadata') delete map[key];
  const kept = structuredClone(live);
  Object.assign(draft, kept, { status, apiVersion: draft.apiVersion });
  if (status === undefined) delete draft.status;
  if (served.custom === undefined && !KEEPS_METADATA.has(served.kind)) {
    draft.metadata = metadata;
    if (served.kind === 'Deployment') copyField(kept.metadata, metadata, 'labels');
    return;
  }
  copyField(metadata, draft.metadata, 'managedFields');
  copyField(metadata, draft.metadata, 'resourceVersion');
}

function copyField(from: DraftMeta, to: DraftMeta, field: 'labels' | 'managedFields' | 'resourceVersion'): void {
  if (from[field] === undefined) delete to[field];
  else Object.assign(to, { [field]: from[field] });
}

function keepField(draft: Draft, live: Draft, field: 'status' | 'spec'): void {
  if (live[field] === undefined) delete draft[field];
  else draft[field] = structuredClone(live[field]);
}

// What the server has given an object and clients may leave out when they write it back.
function keepServerFields(live: Draft, draft: Draft, subresource: string | undefined): void {
  if (draft.kind === 'Service' && draft.apiVersion === 'v1') keepServiceFields(draftAs<corev1.Service>(live), draftAs<corev1.Service>(draft));
  if (draft.kind === 'Namespace' && draft.apiVersion === 'v1' && subresource !== 'finalize') keepField(draft, live, 'spec');
  if (draft.kind === 'CertificateSigningRequest' && draft.apiVersion === 'certificates.k8s.io/v1') keepField(draft, live, 'spec');
  if (draft.kind === 'Job' && draft.apiVersion === 'batch/v1') {
    const [old, next] = [asMap(live.spec), asMap(draft.spec)];
    if (old !== undefined && next !== undefined && next['selector'] === undefined) next['selector'] = structuredClone(old['selector']);
  }
}
