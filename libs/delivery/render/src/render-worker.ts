import type { MessagePort } from 'node:worker_threads';
import { LIMITS, messageOf } from '@tiphys/kernel';
import { parseManifests } from '@tiphys/kube-yaml';
import { portReads } from './port-reads.ts';
import { RenderError, type RenderErrorDetail } from './render-error.ts';
import { renderSource } from './render-source.ts';
import type { RenderOutput, RenderRequest, RenderTool } from './tool.ts';

/** One job of a worker. */
export interface RenderTask {
  readonly request: RenderRequest;
  readonly port: MessagePort;
  /** What a plugin printed: only to be read as manifests. */
  readonly printed?: string;
}

/** What a worker answers: errors travel as data, so that their detail survives. */
export type RenderAnswer =
  | ({ readonly kind: 'rendered'; readonly tool: RenderTool['name'] } & RenderOutput)
  | { readonly kind: 'failed'; readonly detail: RenderErrorDetail; readonly message: string; readonly hint?: string };

const PRINTED_LIMITS = { maxBytes: LIMITS.renderOutputBytes, maxObjects: LIMITS.renderObjects };

/** The worker's one function. */
export async function render({ request, port, printed }: RenderTask): Promise<RenderAnswer> {
  try {
    if (printed !== undefined) return { kind: 'rendered', tool: 'Plugin', ...parseManifests(printed, { source: 'plugin output', limits: PRINTED_LIMITS }) };
    return { kind: 'rendered', ...(await renderSource(request, portReads(port))) };
  } catch (error) {
    if (error instanceof RenderError)
      return { kind: 'failed', detail: error.detail, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
    return { kind: 'failed', detail: { code: 'toolFailed', path: request.path }, message: messageOf(error) };
  } finally {
    port.close();
  }
}
