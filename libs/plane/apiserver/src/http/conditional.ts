import { createHash } from 'node:crypto';
import type { Answer } from './answer.ts';
import { header, type Exchange } from './exchange.ts';

/** A document that changes seldom: an answer with an entity tag, or 304 for who has it already. */
export function withETag(
  exchange: Exchange,
  document: { readonly bytes: Uint8Array; readonly contentType: string },
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const etag = tagOf(document.bytes);
  const shared = { etag, vary: 'Accept', ...headers };
  const known = (header(exchange, 'if-none-match') ?? '').split(',').map((text) => text.trim().replace(/^W\//, ''));
  const isKnown = known.includes(etag) || known.includes('*');
  return { kind: 'bytes', code: isKnown ? 304 : 200, contentType: document.contentType, chunks: isKnown ? [] : [document.bytes], headers: shared };
}

const tags = new WeakMap<Uint8Array, string>();

function tagOf(bytes: Uint8Array): string {
  const tag = tags.get(bytes) ?? `"${createHash('sha256').update(bytes).digest('hex').toUpperCase()}"`;
  tags.set(bytes, tag);
  return tag;
}
