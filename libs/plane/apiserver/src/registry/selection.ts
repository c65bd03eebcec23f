import { fieldAt, isSelectorProblem, matchesSelector, parseFieldSelector, parseLabelSelector, type FieldRequirement, type Selector } from '@tiphys/kube-model';
import type { Draft } from '../draft.ts';
import { badRequest } from '../failures.ts';
import type { ServedResource } from './served.ts';

/** Which objects of a collection are wanted. */
export interface Selection {
  readonly labels: Selector;
  readonly fields: readonly FieldRequirement[];
  readonly isEmpty: boolean;
  /** Labels of built-in kinds may read another path than their own. */
  readonly isCustom: boolean;
}

// Field labels by kind, besides metadata.name and metadata.namespace (registry/*/strategy.go, core/v1 conversion.go).
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'v1/Pod': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
    'spec.host',
  ],
  'v1/Node': ['spec.unschedulable'],
  'v1/Namespace': ['status.phase'],
  'v1/Secret': ['type'],
  'v1/Service': ['spec.clusterIP', 'spec.type'],
  'v1/ReplicationController': ['status.replicas'],
  'apps/v1/ReplicaSet': ['status.replicas'],
  'batch/v1/Job': ['status.successful'],
  'certificates.k8s.io/v1/CertificateSigningRequest': ['spec.signerName'],
  'v1/Event': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  'events.k8s.io/v1/Event': [
    'regarding.kind',
    'regarding.namespace',
    'regarding.name',
    'regarding.uid',
    'regarding.apiVersion',
    'regarding.resourceVersion',
    'regarding.fieldPath',
    'reason',
    'reportingController',
    'type',
  ],
};

// Labels that read another path than their own.
const PATHS: Readonly<Record<string, readonly string[]>> = {
  'spec.host': ['spec', 'nodeName'],
  source: ['source', 'component'],
  'status.successful': ['status', 'succeeded'],
};

/** Reads the selectors of a request. Throws 400 for bad syntax and for labels the kind does not support. */
export function parseSelection(served: ServedResource, labelSelector: string, fieldSelector: string): Selection {
  const labels = labelSelector === '' ? [] : parseLabelSelector(labelSelector);
  if (isSelectorProblem(labels)) throw badRequest(labels.message);
  const fields = fieldSelector === '' ? [] : parseFieldSelector(fieldSelector);
  if (isSelectorProblem(fields)) throw badRequest(fields.message);
  for (const { path } of fields) {
    if (!isSupported(served, path))
      throw badRequest(
        `Unable to find "${served.apiVersion}, Resource=${served.resource}" that match label selector "${labelSelector}", field selector "${fieldSelector}": field label not supported: ${path}`,
      );
  }
  return { labels, fields, isEmpty: labels.length === 0 && fields.length === 0, isCustom: served.custom !== undefined };
}

function isSupported(served: ServedResource, path: string): boolean {
  if (path === 'metadata.name' || path === 'metadata.namespace') return true;
  if (served.custom !== undefined) return served.custom.selectableFields.includes(`.${path}`);
  return FIELDS[`${served.apiVersion}/${served.kind}`]?.includes(path) === true;
}

/** Whether an object is selected. */
export function isSelected(selection: Selection, draft: Draft): boolean {
  return (
    matchesSelector(selection.labels, draft.metadata.labels) && selection.fields.every((requirement) => matchesField(requirement, draft, selection.isCustom))
  );
}

function matchesField({ path, operator, value }: FieldRequirement, draft: Draft, isCustom: boolean): boolean {
  const found = fieldAt(draft, ...((isCustom ? undefined : PATHS[path]) ?? path.split('.')));
  const text =
    found === undefined || found === null
      ? isCustom
        ? ''
        : defaultOf(path)
      : Array.isArray(found)
        ? found.map((item) => String(fieldAt(item, 'ip') ?? '')).join(',')
        : String(found);
  return (text === value) === (operator === 'Equals');
}

function defaultOf(path: string): string {
  if (path === 'spec.unschedulable' || path === 'spec.hostNetwork') return 'false';
  return path.startsWith('status.replicas') || path === 'status.successful' ? '0' : '';
}

/** The one name a selection asks for, when it asks for exactly one. */
export function selectedName(selection: Selection): string | undefined {
  return selection.fields.find(({ path, operator }) => path === 'metadata.name' && operator === 'Equals')?.value;
}
