import type { Core } from '../core.ts';
import type { Draft, JsonMap } from '../draft.ts';
import { convertByWebhook } from './conversion.ts';
import type { CustomVersion } from './custom-version.ts';
import { defaultCustom, pruneCustom, type StructuralSchema } from './structural-schema.ts';

/** Objects a webhook has converted, by the version they were converted to and the bytes they lie in. */
const converted = new WeakMap<CustomVersion, WeakMap<Uint8Array, Draft>>();

/** The stored object in a version of its CRD: converted, pruned and with defaults. Shared where it is stored just so: copy before change. */
export function readCustom(custom: CustomVersion, stored: Draft, bytes: Uint8Array): Draft {
  if (stored.apiVersion === custom.apiVersion) return custom.schema.defaultsBelow ? shaped(structuredClone(stored), custom.schema) : stored;
  if (custom.conversion === undefined) {
    const draft = structuredClone(stored);
    draft.apiVersion = custom.apiVersion;
    return pruned(draft, custom.schema);
  }
  const draft = converted.get(custom)?.get(bytes);
  if (draft === undefined)
    throw new Error(`invariant broken: ${stored.kind}/${stored.metadata.name ?? ''} was not converted to ${custom.apiVersion} before it was read`);
  return draft;
}

/**
 * Has the CRD's webhook convert stored objects that lie in another version; undefined when there is nothing to wait for.
 * Whoever reads objects of a custom resource calls it first.
 */
export function ensureConverted(
  core: Core,
  served: { readonly custom: CustomVersion | undefined },
  values: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => Draft,
): Promise<void> | undefined {
  const { custom } = served;
  if (custom?.conversion === undefined) return undefined;
  const known = converted.get(custom) ?? new WeakMap<Uint8Array, Draft>();
  converted.set(custom, known);
  const missing = values.filter((bytes) => !known.has(bytes) && parse(bytes).apiVersion !== custom.apiVersion);
  if (missing.length === 0) return undefined;
  return convertMissing(core, custom, missing, parse, known);
}

async function convertMissing(
  core: Core,
  custom: CustomVersion,
  missing: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => Draft,
  known: WeakMap<Uint8Array, Draft>,
): Promise<void> {
  if (custom.conversion === undefined) return;
  const drafts = await convertByWebhook(core, custom.conversion, missing.map(parse), custom.apiVersion);
  for (const [index, bytes] of missing.entries()) {
    const draft = drafts[index];
    if (draft !== undefined) known.set(bytes, pruned(draft, custom.schema));
  }
}

/** The object in the version its CRD stores; the draft itself where it is in that version. Throws what the CRD's webhook fails with. */
export async function toStoredVersion(core: Core, custom: CustomVersion, draft: Draft): Promise<Draft> {
  const { apiVersion, schema } = custom.storage;
  if (draft.apiVersion === apiVersion) return draft;
  if (custom.conversion === undefined) {
    const copy = structuredClone(draft);
    copy.apiVersion = apiVersion;
    return pruned(copy, schema);
  }
  const [stored] = await convertByWebhook(core, custom.conversion, [draft], apiVersion);
  if (stored === undefined) throw new Error('invariant broken: a conversion yields as many objects as it is given');
  return pruned(stored, schema);
}

// What the version has no field for is dropped, as it would be from a body.
function pruned(draft: Draft, schema: StructuralSchema): Draft {
  // A Draft is a JSON object.
  pruneCustom(draft as unknown as JsonMap, schema, []);
  return shaped(draft, schema);
}

function shaped(draft: Draft, schema: StructuralSchema): Draft {
  defaultCustom(draft as unknown as JsonMap, schema); // A Draft is a JSON object.
  return draft;
}
