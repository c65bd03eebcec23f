import { statusError } from '@tiphys/kube-model';
import type { Answer } from './answer.ts';
import { decodeBody } from './body.ts';

/** A request's body as the audit log shows it; undefined when there is none or it cannot be read. */
export function valueOfBody(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return decodeBody(bytes, contentType).value;
  } catch {
    // The answer says what is wrong with it.
    return undefined;
  }
}

/** An answer's body as the audit log shows it; undefined for streams and texts. */
export function valueOfAnswer(answer: Answer | undefined): unknown {
  if (answer === undefined) return statusError('Timeout', 'the client went away').status;
  if (answer.kind === 'json') return answer.value;
  if (answer.kind === 'stream' || answer.contentType.startsWith('text/')) return undefined;
  return valueOfBody(Buffer.concat(answer.chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))), answer.contentType);
}
