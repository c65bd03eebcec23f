import { ignoresExtraneous, roleOf, waveOf, type CompareOptions, type IgnoreDifference, type SyncStatusCode } from '@tiphys/delivery-applications';
import { refKey, refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import type { SchemaNode } from '@tiphys/kube-patch';
import type { Change, Digest } from './change.ts';
import { diffObject, predict, type DiffRequest } from './diff-object.ts';
import { ignoreRulesFor, type IgnoreRules, type Path } from './ignore.ts';
import type { DryRun } from './server-side.ts';

/** What is compared: everything Git wants, and everything that lives and is either wanted or tracked. */
export interface CompareRequest {
  /** Without hooks; each object once. */
  readonly desired: readonly KubeObject[];
  /** Live objects by `refKey`: those with the identity of a desired one. */
  readonly live: ReadonlyMap<string, KubeObject>;
  /** Live objects that carry the application's tracking id. */
  readonly tracked: readonly KubeObject[];
  /** Live objects as they are stored, by `refKey`, where `live` has other owners than that. */
  readonly stored?: ReadonlyMap<string, KubeObject>;
  readonly manager: string;
  readonly schemaFor: (apiVersion: string, kind: string) => SchemaNode | undefined;
  readonly ignoreDifferences?: readonly IgnoreDifference[];
  /** Where jq expressions point, by `jqKey`: the answers to `jqQuestions`. */
  readonly jqPaths?: ReadonlyMap<string, readonly Path[]>;
  readonly compareOptions?: CompareOptions;
  /** The server's predictions by `refKey`, where it was asked. */
  readonly dryRuns?: ReadonlyMap<string, DryRun>;
  /** What the last sync wanted. */
  readonly lastSynced?: { readonly isSameInput: boolean; readonly desired?: ReadonlyMap<string, KubeObject> };
  readonly digest?: Digest;
  readonly sensitiveAnnotations?: readonly string[];
}

/** One object of the application, compared. OutOfSync always comes with a change. */
export interface ResourceComparison {
  readonly ref: ObjectRef;
  readonly desired: KubeObject | undefined;
  /** As it is stored. */
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

/** A question for jq: where an expression points in one of the two states of an object. */
export interface JqQuestion {
  readonly key: string;
  readonly ref: ObjectRef;
  readonly expression: string;
  readonly input: KubeObject;
}

/** What jq has to be asked before an application can be compared: nothing where no rule has an expression. */
export function jqQuestions(request: CompareRequest): readonly JqQuestion[] {
  return request.desired.flatMap((desired) => {
    const { ref, ignore, diff } = toDiff(desired, request);
    const states = ignore.expressions.length === 0 ? undefined : predict(diff);
    if (states === undefined) return [];
    return ignore.expressions.flatMap((expression) =>
      (['predicted', 'live'] as const).map((side) => ({ key: jqKey(ref, side, expression), ref, expression, input: states[side] })),
    );
  });
}

function jqKey(ref: ObjectRef, side: 'predicted' | 'live', expression: string): string {
  return `${side} ${refKey(ref)} ${expression}`;
}

// Hooks live by their own deletion policies, so they are never extra. Controllers copy annotations to what they create; an object with an owner is theirs to delete.
function isChild(object: KubeObject): boolean {
  return (object.metadata.ownerReferences ?? []).length > 0;
}

function toDiff(desired: KubeObject, request: CompareRequest): { readonly ref: ObjectRef; readonly ignore: IgnoreRules; readonly diff: DiffRequest } {
  const ref = refOf(desired);
  const key = refKey(ref);
  const { compareOptions, digest, sensitiveAnnotations, lastSynced, jqPaths } = request;
  const ignore = ignoreRulesFor(desired, request.ignoreDifferences ?? []);
  const dryRun = request.dryRuns?.get(key);
  const pathsOn = (side: 'predicted' | 'live'): readonly Path[] => ignore.expressions.flatMap((expression) => jqPaths?.get(jqKey(ref, side, expression)) ?? []);
  const diff: DiffRequest = {
    desired,
    live: request.live.get(key),
    stored: request.stored?.get(key),
    manager: request.manager,
    schema: request.schemaFor(desired.apiVersion, desired.kind),
    ignore,
    jqPaths: { predicted: pathsOn('predicted'), live: pathsOn('live') },
    ...(compareOptions === undefined ? {} : { compareOptions }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(lastSynced === undefined ? {} : { lastSynced: { isSameInput: lastSynced.isSameInput, desired: lastSynced.desired?.get(key) } }),
    ...(digest === undefined ? {} : { digest }),
    ...(sensitiveAnnotations === undefined ? {} : { sensitiveAnnotations }),
  };
  return { ref, ignore, diff };
}

function compareDesired(desired: KubeObject, request: CompareRequest): ResourceComparison {
  const { ref, diff } = toDiff(desired, request);
  const changes = diffObject(diff);
  const live = diff.stored ?? diff.live;
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
    changes: [{ path: '', elements: [], kind: 'removed', cause: 'gitChanged' }],
    requiresPruning: true,
    wave: waveOf(live),
  };
}
