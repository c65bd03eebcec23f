import { ignoresExtraneous, roleOf, waveOf, type IgnoreDifference, type SyncStatusCode } from '@tiphys/delivery-applications';
import { refKey, refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import type { SchemaNode } from '@tiphys/kube-patch';
import type { Change, Digest } from './change.ts';
import { diffObject } from './diff-object.ts';
import { ignoreRulesFor } from './ignore.ts';

/** What is compared: everything Git wants, and everything that lives and is either wanted or tracked. */
export interface CompareRequest {
  /** Without hooks; each object once. */
  readonly desired: readonly KubeObject[];
  /** Live objects by `refKey`: those with the identity of a desired one. */
  readonly live: ReadonlyMap<string, KubeObject>;
  /** Live objects that carry the application's tracking id. */
  readonly tracked: readonly KubeObject[];
  readonly manager: string;
  readonly schemaFor: (apiVersion: string, kind: string) => SchemaNode | undefined;
  readonly ignoreDifferences?: readonly IgnoreDifference[];
  readonly digest?: Digest;
}

/** One object of the application, compared. OutOfSync always comes with a change. */
export interface ResourceComparison {
  readonly ref: ObjectRef;
  readonly desired: KubeObject | undefined;
  readonly live: KubeObject | undefined;
  readonly status: SyncStatusCode;
  readonly changes: readonly Change[];
  /** It lives, is ours, and Git has it no more. */
  readonly requiresPruning: boolean;
  readonly wave: number;
}

/** An application, compared. */
export interface Comparison {
  readonly status: SyncStatusCode;
  readonly resources: readonly ResourceComparison[];
}

/** Compares an application. Objects to prune count as out of sync unless they carry IgnoreExtraneous. */
export function compareApplication(request: CompareRequest): Comparison {
  const desiredKeys = new Set(request.desired.map((object) => refKey(refOf(object))));
  const wanted = request.desired.map((object) => compareDesired(object, request));
  const extra = request.tracked
    .filter((object) => !desiredKeys.has(refKey(refOf(object))) && !isChild(object) && roleOf(object).kind === 'resource')
    .map(compareExtra);
  const resources = [...wanted, ...extra].toSorted((a, b) => (refKey(a.ref) < refKey(b.ref) ? -1 : 1));
  return { status: resources.some((resource) => resource.status === 'OutOfSync') ? 'OutOfSync' : 'Synced', resources };
}

// Hooks live by their own deletion policies, so they are never extra. Controllers copy annotations to what they create; an object with an owner is theirs to delete.
function isChild(object: KubeObject): boolean {
  return (object.metadata.ownerReferences ?? []).length > 0;
}

function compareDesired(desired: KubeObject, request: CompareRequest): ResourceComparison {
  const ref = refOf(desired);
  const live = request.live.get(refKey(ref));
  const changes = diffObject({
    desired,
    live,
    manager: request.manager,
    schema: request.schemaFor(desired.apiVersion, desired.kind),
    ignore: ignoreRulesFor(desired, request.ignoreDifferences ?? []),
    ...(request.digest === undefined ? {} : { digest: request.digest }),
  });
  return { ref, desired, live, status: changes.length > 0 ? 'OutOfSync' : 'Synced', changes, requiresPruning: false, wave: waveOf(desired) };
}

function compareExtra(live: KubeObject): ResourceComparison {
  const status = ignoresExtraneous(live) ? 'Synced' : 'OutOfSync';
  // The live value is left out: whoever shows it asks for the object, with the rules for Secrets.
  return {
    ref: refOf(live),
    desired: undefined,
    live,
    status,
    changes: [{ path: '', elements: [], kind: 'removed', cause: 'desired' }],
    requiresPruning: true,
    wave: waveOf(live),
  };
}
