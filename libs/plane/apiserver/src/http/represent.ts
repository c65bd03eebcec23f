import type { Core, Scope } from '../core.ts';
import { encodeDraft, type Draft } from '../draft.ts';
import { badRequest } from '../failures.ts';
import { bytesAs, readAs } from '../registry/objects.ts';
import type { ListPage } from '../verbs/list.ts';
import type { WatchFrame } from '../verbs/watch.ts';
import { partialMetadata, tableOf, tablePlan, tableRow, type IncludeObject } from '../table/table.ts';
import type { Representation } from './accept.ts';
import { json, type Answer } from './answer.ts';

/** How objects of one request are shown. */
export interface View {
  readonly core: Core;
  readonly scope: Scope;
  readonly form: Representation;
  readonly includeObject: IncludeObject;
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
  return { kind: 'bytes', code, contentType: 'application/json', chunks: [encodeDraft(object)] };
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
    return json(
      tableOf(
        plan.columns,
        drafts().map((draft) => tableRow(plan, draft, view.includeObject, form.version, now)),
        metadata,
        form.version,
      ),
    );
  }
  if (form.as === 'metadata')
    return json({
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata,
      items: drafts().map((draft) => partialMetadata(draft, form.version)),
    });
  const head = `{"kind":${JSON.stringify(scope.served.listKind)},"apiVersion":${JSON.stringify(scope.served.apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
  const chunks: (Uint8Array | string)[] = [head];
  for (const [index, entry] of page.entries.entries()) {
    if (index > 0) chunks.push(',');
    chunks.push(bytesAs(scope.served, entry.value));
  }
  chunks.push(']}');
  return { kind: 'bytes', code: 200, contentType: 'application/json', chunks };
}

/** The answer that is a watch: one JSON document a line. */
export function showWatch(view: View, frames: AsyncIterable<WatchFrame>): Answer {
  return { kind: 'stream', code: 200, contentType: 'application/json', chunks: lines(view, frames) };
}

async function* lines(view: View, frames: AsyncIterable<WatchFrame>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const frame of frames) {
    yield `{"type":"${frame.type}","object":${objectOf(view, frame, isFirst)}}\n`;
    isFirst = false;
  }
}

function objectOf(view: View, frame: WatchFrame, isFirst: boolean): string {
  const { scope, form } = view;
  if (frame.type === 'ERROR') return JSON.stringify(frame.error.status);
  if (frame.type === 'BOOKMARK') return JSON.stringify(bookmarkOf(view, frame.revision, frame.endsInitial));
  if (form.as === 'object') {
    const bytes = bytesAs(scope.served, frame.value);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }
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
