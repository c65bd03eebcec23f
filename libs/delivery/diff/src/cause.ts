import { ownerAt, parseManagedFields, type FieldOwner, type PathElement, type SchemaNode } from '@tiphys/kube-patch';
import { deepEqual, type KubeObject } from '@tiphys/kube-model';
import { valueAt } from './place.ts';
import { PREVIOUS_APPLIERS } from './previous-appliers.ts';

/**
 * Why a place is not as Git wants it:
 * `gitChanged` the wish is new · `rendererChanged` the same commit renders otherwise · `humanEdit` a person wrote or removed it ·
 * `controller` a program did · `webhook` admission changed what we applied · `defaulted` the server filled it in.
 */
export type ChangeCause = 'gitChanged' | 'rendererChanged' | 'humanEdit' | 'controller' | 'webhook' | 'defaulted';

/** What is known of the last sync of an object. */
export interface LastSynced {
  /** Whether it was of the same commits and sources as the wish. */
  readonly isSameInput: boolean;
  /** What it wanted, where that is still known. */
  readonly desired?: KubeObject | undefined;
}

/** A place where live and wish differ. */
export interface DifferingPlace {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly elements: readonly PathElement[];
  readonly desired?: unknown;
}

/** What a cause is decided from. */
export interface CauseEvidence {
  /** The live object as it is stored. */
  readonly live: KubeObject;
  /** The live object with what is ours owned by us, where it is stored otherwise. */
  readonly owned?: KubeObject | undefined;
  readonly manager: string;
  readonly schema: SchemaNode;
  readonly lastSynced: LastSynced | undefined;
}

/** Programs that people drive: what they wrote, a person wrote. */
const HAND_TOOLS =
  /^(?:kubectl|oc|k9s|lens|openlens|freelens|node-fetch|headlamp|dashboard|kubernetes-dashboard|rancher|tiphys-action|tiphys-api|tiphys-cli|curl|python-requests|mozilla|okteto|kubectx|kustomize|helm)\b/i;

/** Tools that deliver manifests: what they wrote, an earlier wish of Git was. Those that people also drive by hand are not among them. */
const DELIVERERS: ReadonlySet<string> = new Set([...PREVIOUS_APPLIERS].filter((name) => name !== 'kubectl' && name !== 'helm'));

/** Decides why a place differs, from managedFields and the last sync. */
export function causeOf(place: DifferingPlace, evidence: CauseEvidence): ChangeCause {
  const owner = place.kind === 'added' ? undefined : ownerOf(place, evidence);
  const isNewWish = wishChanged(place, evidence);
  if (isNewWish === true) return evidence.lastSynced?.isSameInput === true ? 'rendererChanged' : 'gitChanged';
  if (owner !== undefined) return causeByOwner(owner, isNewWish, evidence);
  if (place.kind === 'removed') return 'defaulted';
  // Somebody took away what the last sync had put there; with no last sync it was never there.
  return isNewWish === false || evidence.lastSynced?.isSameInput === true ? causeByLastWriter(evidence) : 'gitChanged';
}

function wishChanged({ elements, desired }: DifferingPlace, { lastSynced, schema }: CauseEvidence): boolean | undefined {
  if (lastSynced?.desired === undefined) return undefined;
  return !deepEqual(valueAt(lastSynced.desired, elements, schema), desired);
}

// What a client-side apply sent is an update of ours: it counts as applied.
function ownerOf({ elements }: DifferingPlace, { live, owned = live, manager }: CauseEvidence): FieldOwner | undefined {
  const owner = ownerAt(live, elements);
  if (owned === live || owner?.manager !== manager) return owner;
  const answering = ownerAt(owned, elements);
  return answering?.manager === manager ? answering : owner;
}

function causeByOwner(owner: FieldOwner, isNewWish: boolean | undefined, { manager, lastSynced }: CauseEvidence): ChangeCause {
  // The API server writes what admission changed in our name, but as an update.
  if (owner.manager === manager && owner.operation === 'Update') return 'webhook';
  if (owner.manager !== manager && !DELIVERERS.has(owner.manager)) return writerCause(owner);
  if (isNewWish === false) return 'webhook';
  return lastSynced?.isSameInput === true ? 'rendererChanged' : 'gitChanged';
}

function writerCause({ manager, subresource }: Pick<FieldOwner, 'manager' | 'subresource'>): 'humanEdit' | 'controller' {
  return subresource === '' && HAND_TOOLS.test(manager) ? 'humanEdit' : 'controller';
}

// A place that is gone has no owner; who wrote last is the best witness.
function causeByLastWriter({ live, manager }: CauseEvidence): ChangeCause {
  const others = parseManagedFields(live).filter((entry) => entry.manager !== manager && entry.subresource === '');
  const [last] = others.toSorted((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : -1));
  return last === undefined ? 'humanEdit' : writerCause(last);
}
