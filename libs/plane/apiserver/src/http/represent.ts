import { encodeKubeList, encodeKubeProtobuf, encodeKubeWatchEvent, statusError, wrapKubeProtobuf } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { encodeDraft, type Draft } from '../draft.ts';
import { badRequest } from '../failures.ts';
import { bytesAs, readAs } from '../registry/objects.ts';
import type { ListPage } from '../verbs/list.ts';
import type { WatchFrame } from '../verbs/watch.ts';
import { partialMetadata, tableOf, tablePlan, tableRow, tableRowText, type IncludeObject } from '../table/table.ts';
import { MEDIA_TYPES, type Representation } from './accept.ts';
import { json, type Answer } from './answer.ts';
import { storedMessage } from './encode.ts';

/** How objects of one request are shown. */
export interface View {
  readonly core: Core;
  readonly scope: Scope;
  readonly form: Representation;
  readonly includeObject: IncludeObject;
  /** JSON is indented, so stored bytes cannot be sent as they are. */
  readonly isPretty: boolean;
}

// Whether stored bytes can be sent without looking at them.
function sendsBytes({ form, isPretty }: View): boolean {
  return form.as === 'object' && form.encoding === 'json' && !isPretty;
}

/** Reads `includeObject`. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const text = query.get('includeObject') ?? '';
  if (text === '' || text === 'Metadata') return 'Metadata';
  if (text === 'None' || text === 'Object') return text;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(text)}`);
}

/** The answer that is one object. */
export function showObject(view: View, object: Draft, code: number = 200): Answer {
  const { core, form } = view;
  if (form.as === 'table') {
    const plan = tablePlan(view.scope.served);
    return json(
      tableOf(
        plan.columns,
        [tableRow(plan, object, view.includeObject, form.version, core.clock.now())],
        { resourceVersion: object.metadata.resourceVersion },
        form.version,
      ),
      code,
    );
  }
  if (form.as === 'metadata') return json(partialMetadata(object, form.version), code);
  if (!sendsBytes(view)) return json(object, code);
  return { kind: 'bytes', code, contentType: MEDIA_TYPES.json, chunks: [encodeDraft(object)] };
}

/** The answer that is one stored object. */
export function showStored(view: View, stored: Uint8Array): Answer {
  const { served } = view.scope;
  if (sendsBytes(view)) return { kind: 'bytes', code: 200, contentType: MEDIA_TYPES.json, chunks: [bytesAs(served, stored)] };
  if (view.form.as === 'object' && view.form.encoding === 'protobuf')
    return {
      kind: 'bytes',
      code: 200,
      contentType: MEDIA_TYPES.protobuf,
      chunks: [wrapKubeProtobuf(served.apiVersion, served.kind, storedMessage(served, stored))],
    };
  return showObject(view, readAs(served, stored));
}

/** The answer that is a page of a collection. Objects of the stored version are sent as they lie in the store. */
export function showList(view: View, page: ListPage): Answer {
  const { core, scope, form } = view;
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.continueToken === '' ? {} : { continue: page.continueToken }),
    ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
  };
  const drafts = (): Draft[] => page.entries.map((entry) => readAs(scope.served, entry.value));
  if (form.as === 'table') {
    const plan = tablePlan(scope.served);
    const now = core.clock.now();
    if (form.encoding !== 'json' || view.isPretty)
      return json(
        tableOf(
          plan.columns,
          drafts().map((draft) => tableRow(plan, draft, view.includeObject, form.version, now)),
          metadata,
          form.version,
        ),
      );
    const shape = { include: view.includeObject, version: form.version };
    const rows = page.entries.map(({ value }) => tableRowText(plan, value, () => readAs(scope.served, value), shape, now));
    const frame = JSON.stringify(tableOf(plan.columns, [], metadata, form.version));
    // The rows are the frame's last field.
    return { kind: 'bytes', code: 200, contentType: MEDIA_TYPES.json, chunks: [`${frame.slice(0, -2)}${rows.join(',')}]}`] };
  }
  if (form.as === 'metadata')
    return json({
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata,
      items: drafts().map((draft) => partialMetadata(draft, form.version)),
    });
  const { apiVersion, listKind: kind } = scope.served;
  if (form.encoding === 'protobuf') {
    const items = page.entries.map((entry) => storedMessage(scope.served, entry.value));
    return { kind: 'bytes', code: 200, contentType: MEDIA_TYPES.protobuf, chunks: encodeKubeList({ apiVersion, kind, metadata }, items) };
  }
  if (!sendsBytes(view)) return json({ kind, apiVersion, metadata, items: drafts() });
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
  const chunks: (Uint8Array | string)[] = [head];
  for (const [index, entry] of page.entries.entries()) {
    if (index > 0) chunks.push(',');
    chunks.push(bytesAs(scope.served, entry.value));
  }
  chunks.push(']}');
  return { kind: 'bytes', code: 200, contentType: MEDIA_TYPES.json, chunks };
}

/** The answer that is a watch: one JSON document a line, or protobuf frames with their length. Throws 406 for YAML, which has no frames. */
export function showWatch(view: View, frames: AsyncIterable<WatchFrame>): Answer {
  switch (view.form.encoding) {
    case 'json':
      return { kind: 'stream', code: 200, contentType: MEDIA_TYPES.json, chunks: lines(view, frames) };
    case 'protobuf':
      return { kind: 'stream', code: 200, contentType: `${MEDIA_TYPES.protobuf};stream=watch`, chunks: messages(view, frames) };
    case 'yaml':
      throw statusError('NotAcceptable', `only the following media types are accepted: ${MEDIA_TYPES.json};stream=watch, ${MEDIA_TYPES.protobuf};stream=watch`);
  }
}

async function* lines(view: View, frames: AsyncIterable<WatchFrame>): AsyncGenerator<Uint8Array | string> {
  let isFirst = true;
  for await (const frame of frames) {
    const isObject = frame.type === 'ADDED' || frame.type === 'MODIFIED' || frame.type === 'DELETED';
    yield isObject && view.form.as === 'object'
      ? lineOf(frame.type, bytesAs(view.scope.served, frame.value))
      : `{"type":"${frame.type}","object":${objectOf(view, frame, isFirst)}}\n`;
    isFirst = false;
  }
}

// Watchers of one event are sent the same bytes; they come for them within moments.
const MAX_SENT_LINES = 256;
const sentLines = new Map<Uint8Array, { readonly type: string; readonly line: Uint8Array }>();

function lineOf(type: string, object: Uint8Array): Uint8Array {
  const known = sentLines.get(object);
  if (known?.type === type) return known.line;
  const line = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, Buffer.from('}\n')]);
  const [oldest] = sentLines.keys();
  if (sentLines.size >= MAX_SENT_LINES && oldest !== undefined) sentLines.delete(oldest);
  sentLines.set(object, { type, line });
  return line;
}

async function* messages(view: View, frames: AsyncIterable<WatchFrame>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) yield encodeKubeWatchEvent(frame.type, envelopeOf(view, frame));
}

type Kind = Parameters<typeof encodeKubeProtobuf>[0];

function envelopeOf(view: View, frame: WatchFrame): Uint8Array {
  const { scope, form } = view;
  if (frame.type === 'ERROR') return encodeKubeProtobuf({ ...frame.error.status, apiVersion: 'v1', kind: 'Status' });
  // Both are objects with an apiVersion and a kind, by their own functions.
  if (frame.type === 'BOOKMARK') return encodeKubeProtobuf(bookmarkOf(view, frame.revision, frame.endsInitial) as Kind);
  if (form.as === 'metadata') return encodeKubeProtobuf(partialMetadata(readAs(scope.served, frame.value), form.version) as Kind);
  return wrapKubeProtobuf(scope.served.apiVersion, scope.served.kind, storedMessage(scope.served, frame.value));
}

function objectOf(view: View, frame: WatchFrame, isFirst: boolean): string {
  const { scope, form } = view;
  if (frame.type === 'ERROR') return JSON.stringify(frame.error.status);
  if (frame.type === 'BOOKMARK') return JSON.stringify(bookmarkOf(view, frame.revision, frame.endsInitial));
  const draft = readAs(scope.served, frame.value);
  return JSON.stringify(form.as === 'table' ? watchTable(view, draft, isFirst) : partialMetadata(draft, form.version));
}

// Only the first event of a Table watch carries columns.
function watchTable(view: View, draft: Draft, isFirst: boolean): unknown {
  const plan = tablePlan(view.scope.served);
  const row = tableRow(plan, draft, view.includeObject, view.form.version, view.core.clock.now());
  return tableOf(isFirst ? plan.columns : undefined, [row], { resourceVersion: draft.metadata.resourceVersion }, view.form.version);
}

function bookmarkOf(view: View, revision: number, endsInitial: boolean): unknown {
  const { form, scope } = view;
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(endsInitial ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  if (form.as === 'object') return { kind: scope.served.kind, apiVersion: scope.served.apiVersion, metadata };
  const object = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata };
  return form.as === 'metadata' ? object : tableOf(undefined, [{ cells: [], object }], { resourceVersion: String(revision) }, form.version);
}
