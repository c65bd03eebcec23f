import { deepEqual } from '@tiphys/kube-model';
import type { Scope } from '../core.ts';
import { validateCrd } from '../crd/validate-crd.ts';
import { validateCustomObject } from '../crd/validate-object.ts';
import type { Draft } from '../draft.ts';
import { invalid, problem, type FieldProblem } from '../failures.ts';
import { validateKind } from './kinds.ts';
import { validateMetadata } from './names.ts';

/** Throws 422 with everything that is wrong with the object; `live` is the object before an update. `warn` is told what an update left wrong. */
export function validateDraft(scope: Scope, draft: Draft, live: Draft | undefined, warn: (text: string) => void): void {
  const { served } = scope;
  const problems: FieldProblem[] = [];
  if (live === undefined) problems.push(...validateMetadata(served, draft.metadata));
  else problems.push(...validateMetadata(served, draft.metadata).filter(({ field }) => field !== 'metadata.name'), ...validateMetadataUpdate(draft, live));
  if (served.custom !== undefined) problems.push(...validateCustomObject(scope, served.custom, { draft, live }, warn));
  else if (!isLettingGo(draft, live)) problems.push(...validateKind(draft, live, scope.subresource));
  if (draft.kind === 'CustomResourceDefinition' && served.custom === undefined && scope.subresource === undefined) problems.push(...validateCrd(draft, live));
  if (problems.length > 0) throw invalid(served.group, served.kind, draft.metadata.name ?? '', problems);
}

// What is going may be let go of in whatever state it is, as long as it stays in it.
function isLettingGo(draft: Draft, live: Draft | undefined): boolean {
  if (live?.metadata.deletionTimestamp === undefined) return false;
  const [{ metadata: _new, ...next }, { metadata: _old, ...before }] = [draft, live];
  return deepEqual(next, before);
}

function validateMetadataUpdate(draft: Draft, live: Draft): readonly FieldProblem[] {
  if (live.metadata.deletionTimestamp === undefined) return [];
  const added = (draft.metadata.finalizers ?? []).filter((finalizer) => live.metadata.finalizers?.includes(finalizer) !== true);
  return added.length === 0
    ? []
    : [
        problem.forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
        ),
      ];
}
