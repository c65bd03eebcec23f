import { decodeDraft, type Draft } from '../draft.ts';

// Parsed objects of recent entries, by identity of their bytes. Shared: whoever changes one copies it first.
const MAX_PARSED = 4_000;
const parsed = new Map<Uint8Array, Draft>();

/** The object of stored bytes, as stored. Shared: copy before change. */
export function parseStored(bytes: Uint8Array): Draft {
  const known = parsed.get(bytes);
  if (known !== undefined) return known;
  const draft = decodeDraft(bytes);
  if (parsed.size >= MAX_PARSED) for (const key of [...parsed.keys()].slice(0, MAX_PARSED / 4)) parsed.delete(key);
  parsed.set(bytes, draft);
  return draft;
}
