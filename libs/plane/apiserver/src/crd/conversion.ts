import { randomUUID } from 'node:crypto';
import { deepEqual, statusError, type apiextensionsv1, type StatusError } from '@tiphys/kube-model';
import { messageOf } from '@tiphys/kernel';
import { callWebhook } from '../admission/webhooks/call.ts';
import type { Core } from '../core.ts';
import { asList, asMap, asText, type Draft, type DraftMeta } from '../draft.ts';
import { validateLabels } from '../validation/names.ts';

/** The webhook of a CRD that converts its objects. */
export type ConversionWebhook = apiextensionsv1.WebhookConversion;

const TIMEOUT_SECONDS = 30;
// Objects of one review; a larger list takes several.
const MAX_BATCH = 500;

/**
 * Asks a CRD's webhook to convert objects to a version, in order (apiextensions pkg/apiserver/conversion/webhook_converter.go).
 * The drafts given stay as they are. Throws 500 when the webhook cannot be asked, fails, or answers what it may not.
 */
export async function convertByWebhook(core: Core, webhook: ConversionWebhook, drafts: readonly Draft[], apiVersion: string): Promise<readonly Draft[]> {
  const converted: Draft[] = [];
  for (let start = 0; start < drafts.length; start += MAX_BATCH) {
    const batch = drafts.slice(start, start + MAX_BATCH);
    converted.push(...(await convertBatch(core, webhook, batch, apiVersion)));
  }
  return converted;
}

async function convertBatch(core: Core, webhook: ConversionWebhook, drafts: readonly Draft[], apiVersion: string): Promise<readonly Draft[]> {
  const [first] = drafts;
  if (first === undefined) return [];
  const fail = (why: string): StatusError => statusError('InternalError', `conversion webhook for ${first.apiVersion}, Kind=${first.kind} failed: ${why}`);
  const version = webhook.conversionReviewVersions.find((candidate) => candidate === 'v1' || candidate === 'v1beta1') ?? 'v1';
  const uid = randomUUID();
  const review = { kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${version}`, request: { uid, desiredAPIVersion: apiVersion, objects: drafts } };
  let answer: unknown;
  try {
    answer = await callWebhook(core, webhook.clientConfig ?? {}, review, { timeoutSeconds: TIMEOUT_SECONDS, tellsTimeout: false }, (text): unknown =>
      JSON.parse(text),
    );
  } catch (error) {
    throw fail(messageOf(error));
  }
  const objects = responseObjects(answer, { uid, version, count: drafts.length });
  if (typeof objects === 'string') throw fail(objects);
  return objects.map((object, index) => {
    const original = drafts[index] ?? first;
    const accepted = acceptConverted(original, object, apiVersion);
    if (typeof accepted === 'string') throw fail(`${accepted.replace('%index', String(index))}`);
    return accepted;
  });
}

function responseObjects(answer: unknown, wanted: { readonly uid: string; readonly version: string; readonly count: number }): readonly unknown[] | string {
  const review = asMap(answer);
  const expected = `apiextensions.k8s.io/${wanted.version}`;
  if (review?.['kind'] !== 'ConversionReview' || review['apiVersion'] !== expected)
    return `expected webhook response of ${expected}, Kind=ConversionReview, got ${asText(review?.['apiVersion']) ?? ''}, Kind=${asText(review?.['kind']) ?? ''}`;
  const response = asMap(review['response']);
  if (response === undefined) return 'no response provided';
  // v1beta1 answers need not repeat the uid.
  if (wanted.version === 'v1' && response['uid'] !== wanted.uid)
    return `expected response.uid=${JSON.stringify(wanted.uid)}, got ${JSON.stringify(response['uid'] ?? '')}`;
  const result = asMap(response['result']);
  if (result?.['status'] !== 'Success') {
    if (asText(result?.['message']) !== undefined) return asText(result?.['message']) ?? '';
    return `response.result.status was '${asText(result?.['status']) ?? ''}', not 'Success'`;
  }
  const objects = asList(response['convertedObjects']);
  return objects.length === wanted.count ? objects : `webhook returned ${objects.length} objects, expected ${wanted.count}`;
}

// The converted object with the metadata of the original: a webhook may change labels and annotations only.
function acceptConverted(original: Draft, value: unknown, apiVersion: string): Draft | string {
  const object = asMap(value);
  if (object === undefined) return 'invalid converted object at index %index: not an object';
  if (object['apiVersion'] !== apiVersion)
    return `invalid converted object at index %index: invalid groupVersion (expected ${apiVersion}, received ${String(object['apiVersion'])})`;
  if (object['kind'] !== original.kind)
    return `invalid converted object at index %index: invalid kind (expected ${original.kind}, received ${String(object['kind'])})`;
  const metadata = asMap(object['metadata']);
  if (metadata === undefined) return 'invalid metadata in object at index %index: missing metadata in converted object';
  const moved = (['name', 'namespace', 'uid'] as const).find((field) => !deepEqual(metadata[field] ?? '', original.metadata[field] ?? ''));
  if (moved !== undefined)
    return `invalid converted object at index %index: must have the same ${moved}: ${String(metadata[moved])} != ${String(original.metadata[moved])}`;
  const labels = textMap(metadata['labels']);
  const annotations = textMap(metadata['annotations']);
  if (labels === undefined || annotations === undefined) return 'invalid metadata in object at index %index: labels and annotations must be maps of text';
  const [problem] = validateLabels(labels, 'metadata.labels');
  if (problem !== undefined) return `invalid metadata in object at index %index: ${problem.field}: ${problem.message}`;
  return { ...(object as unknown as Draft), metadata: withTexts(original.metadata, labels, annotations) }; // apiVersion and kind were looked at.
}

function textMap(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return {};
  const map = asMap(value);
  if (map === undefined || !Object.values(map).every((text) => typeof text === 'string')) return undefined;
  return map as Record<string, string>; // Every value was looked at.
}

function withTexts(original: DraftMeta, labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>): DraftMeta {
  const { labels: _labels, annotations: _annotations, ...kept } = structuredClone(original);
  return {
    ...kept,
    ...(Object.keys(labels).length === 0 ? {} : { labels: { ...labels } }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } }),
  };
}
