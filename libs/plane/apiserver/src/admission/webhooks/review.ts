import { randomUUID } from 'node:crypto';
import { applyJsonPatch } from '@tiphys/kube-patch';
import { StatusError, type metav1 } from '@tiphys/kube-model';
import { convertDraft } from '../../convert/convert.ts';
import { asList, asMap, asText, type Draft, type JsonMap } from '../../draft.ts';
import type { ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';

/** A review as it is sent. */
export interface Review {
  readonly uid: string;
  readonly apiVersion: string;
  readonly body: JsonMap;
}

const VERSIONS = ['v1', 'v1beta1'];

/** The review of a request for a webhook that sees it as `version` and reads one of `reviewVersions`. */
export function makeReview(request: AdmissionRequest, version: ServedResource, reviewVersions: readonly string[]): Review {
  const { served } = request.scope;
  const uid = randomUUID();
  const apiVersion = `admission.k8s.io/${VERSIONS.find((known) => reviewVersions.includes(known)) ?? 'v1'}`;
  return {
    uid,
    apiVersion,
    body: {
      kind: 'AdmissionReview',
      apiVersion,
      request: {
        uid,
        ...requestOf(request, version),
        object: inVersion(request.object, served, version) ?? null,
        oldObject: inVersion(request.oldObject, served, version) ?? null,
      },
    },
  };
}

/** A request as reviews and expressions describe it, without its objects. */
export function requestOf(request: AdmissionRequest, version: ServedResource): JsonMap {
  const { scope, operation, dryRun, options } = request;
  const { served, namespace, subresource, user } = scope;
  const name = request.object?.metadata.name ?? scope.name;
  const asked = request.object ?? request.oldObject;
  const ofParent = asked === undefined || asked.kind === served.kind;
  const kindOf = (of: ServedResource): JsonMap => (ofParent ? { group: of.group, version: of.version, kind: of.kind } : kindOfDraft(asked));
  const resourceOf = (of: ServedResource): JsonMap => ({ group: of.group, version: of.version, resource: of.resource });
  return {
    kind: kindOf(version),
    resource: resourceOf(version),
    ...(subresource === undefined ? {} : { subResource: subresource }),
    requestKind: kindOf(served),
    requestResource: resourceOf(served),
    ...(subresource === undefined ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun,
    options: operation === 'CONNECT' ? null : options,
  };
}

function kindOfDraft({ apiVersion, kind }: Draft): JsonMap {
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
}

/** The object as the webhook sees it. A copy where it has to be converted. */
export function inVersion(object: Draft | undefined, served: ServedResource, version: ServedResource): Draft | undefined {
  if (object === undefined || version === served || object.apiVersion !== served.apiVersion) return object;
  return convertDraft(structuredClone(object), version.apiVersion);
}

/** What a webhook answered. */
export interface Verdict {
  readonly allowed: boolean;
  readonly status: metav1.Status | undefined;
  readonly patch: readonly unknown[];
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Reads a webhook's answer. Throws an Error that says what is wrong with it. */
export function parseVerdict(review: Review, text: string): Verdict {
  const answer = asMap(JSON.parse(text));
  const response = asMap(answer?.['response']);
  if (answer === undefined || response === undefined) throw new Error('webhook response is missing');
  if (answer['apiVersion'] !== review.apiVersion || answer['kind'] !== 'AdmissionReview')
    throw new Error(
      `expected webhook response of ${review.apiVersion}, Kind=AdmissionReview, got ${String(answer['apiVersion'])}, Kind=${String(answer['kind'])}`,
    );
  if (response['uid'] !== review.uid) throw new Error(`expected response.uid="${review.uid}", got "${String(response['uid'])}"`);
  const patch = asText(response['patch']);
  if (patch !== undefined && response['patchType'] !== 'JSONPatch') throw new Error(`invalid response.patchType "${String(response['patchType'])}"`);
  return {
    allowed: response['allowed'] === true,
    status: asMap(response['status']) as metav1.Status | undefined, // Shown to the client as it is; describeDenial checks what it reads.
    patch: patch === undefined ? [] : asList(JSON.parse(Buffer.from(patch, 'base64').toString('utf8'))),
    warnings: asList(response['warnings']).flatMap((warning) => asText(warning) ?? []),
    annotations: Object.fromEntries(Object.entries(asMap(response['auditAnnotations']) ?? {}).map(([key, value]) => [key, String(value)])),
  };
}

/** The refusal of a webhook in upstream's words (webhook/errors/statuserror.go). */
export function denialOf(name: string, status: metav1.Status | undefined): StatusError {
  const denied = `admission webhook "${name}" denied the request`;
  const why = [status?.message, status?.reason].find((text) => text !== undefined && text !== '');
  const code = status?.code ?? 0;
  return new StatusError({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    ...status,
    status: 'Failure',
    code: code < 400 ? 400 : code,
    message: why === undefined ? `${denied} without explanation` : `${denied}: ${why}`,
  });
}

/** Applies a webhook's patch to the request's object, in place. Throws when it does not apply or leaves another kind. */
export function applyVerdict(request: AdmissionRequest, version: ServedResource, patch: readonly unknown[]): void {
  const { object, scope } = request;
  if (object === undefined) throw new Error('there is no object to patch');
  const { apiVersion } = object;
  const patched = asMap(structuredClone(applyJsonPatch(inVersion(object, scope.served, version), patch)));
  if (patched === undefined || asMap(patched['metadata']) === undefined) throw new Error('the patch does not leave an object');
  const next = convertDraft(patched as unknown as Draft, apiVersion); // An object with metadata, of a kind that is compared below.
  if (next.kind !== object.kind) throw new Error(`the patch changes the kind to ${String(next.kind)}`);
  replaceDraft(object, next);
}

/** Makes a draft equal to another, in place. */
export function replaceDraft(object: Draft, next: Draft): void {
  const map = object as unknown as JsonMap; // A Draft is a JSON object.
  for (const key of Object.keys(map)) delete map[key];
  Object.assign(map, next);
}
