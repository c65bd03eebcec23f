import { toTimestamp } from '@tiphys/kernel';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch, PatchError, serverSideApply, type FieldConflict } from '@tiphys/kube-patch';
import { isStatus, statusError, type KubeObject } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { asMap, type Draft } from '../draft.ts';
import { badRequest } from '../failures.ts';
import { shapeBody } from '../registry/prepare.ts';
import { objectKey } from '../registry/served.ts';
import { checkBody, createApplied } from './create.ts';
import { mergeSchemaOf, resetFieldsOf } from './managed.ts';
import { changeObject, type Written } from './update.ts';

/** A decoded PATCH body. */
export interface PatchBody {
  readonly contentType: string;
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

const APPLY = 'application/apply-patch+yaml';

/** Media types a resource takes. */
function patchTypesOf(scope: Scope): readonly string[] {
  return [
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(scope.served.custom === undefined ? ['application/strategic-merge-patch+json'] : []),
    APPLY,
  ];
}

/** Changes an object by a patch of any of the four types. */
export async function patchObject(core: Core, scope: Scope, body: PatchBody, flags: WriteFlags): Promise<Written> {
  if (!patchTypesOf(scope).includes(body.contentType)) {
    throw statusError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${patchTypesOf(scope).join(', ')}`,
    );
  }
  if (body.contentType === APPLY) return await applyObject(core, scope, body, flags);
  const object = await changeObject(core, scope, (live) => patched(scope, live, body, flags), flags);
  return { object, created: false };
}

function patched(scope: Scope, live: Draft, body: PatchBody, flags: WriteFlags): Draft {
  try {
    const result = asMap(applyOf(scope, live, body));
    if (result === undefined) throw badRequest('the patch does not leave an object');
    const draft = result as unknown as Draft; // Checked right below.
    if (asMap(draft.metadata) === undefined) draft.metadata = { ...live.metadata };
    draft.apiVersion = live.apiVersion;
    draft.kind = live.kind;
    draft.metadata.name = scope.name;
    shapeBody(scope, draft, flags, body.duplicates);
    return draft;
  } catch (error) {
    throw error instanceof PatchError ? translate(scope, error) : error;
  }
}

function applyOf(scope: Scope, live: Draft, { contentType, value }: PatchBody): unknown {
  if (contentType === 'application/json-patch+json') return structuredClone(applyJsonPatch(live, value));
  if (asMap(value) === undefined) throw badRequest('the patch must be an object');
  if (contentType === 'application/merge-patch+json') return structuredClone(applyMergePatch(live, value));
  const schema = mergeSchemaOf(scope.served);
  return structuredClone(schema === undefined ? applyMergePatch(live, value) : applyStrategicMergePatch(live, value, schema));
}

function translate(scope: Scope, error: PatchError): Error {
  const { served, name } = scope;
  switch (error.code) {
    case 'testFailed':
    case 'pathNotFound':
      return statusError('Invalid', `the server rejected our request due to an error in our request: ${error.message}`, {
        name,
        kind: served.kind,
        ...(served.group === '' ? {} : { group: served.group }),
      });
    case 'tooLarge':
      return statusError('RequestEntityTooLarge', error.message);
    case 'invalid':
      return badRequest(error.message);
  }
}

async function applyObject(core: Core, scope: Scope, body: PatchBody, flags: WriteFlags): Promise<Written> {
  const value = asMap(structuredClone(body.value));
  if (value === undefined || (value['metadata'] !== undefined && asMap(value['metadata']) === undefined))
    throw badRequest('the applied configuration must be an object, and its metadata too');
  const applied = value as unknown as Draft; // checkBody and shapeBody look at the rest.
  applied.metadata ??= {};
  applied.metadata.name ??= scope.name;
  checkBody(scope, applied);
  if (applied.metadata.name !== scope.name)
    throw badRequest(`the name of the object (${applied.metadata.name}) does not match the name on the URL (${scope.name})`);
  if ((applied.metadata.managedFields ?? []).length > 0) throw badRequest('metadata.managedFields must be nil');
  shapeBody(scope, applied, flags, body.duplicates);
  if (core.store.get(objectKey(scope.served, scope.namespace, scope.name)) === undefined && scope.subresource === undefined) {
    if ((applied.metadata.uid ?? '') !== '')
      throw statusError('Conflict', `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`);
    try {
      return { object: await createApplied(core, scope, merged(core, scope, undefined, applied, flags), flags), created: true };
    } catch (error) {
      // Somebody was faster: apply onto theirs.
      if (!isStatus(error, 'AlreadyExists')) throw error;
    }
  }
  return { object: await changeObject(core, scope, (live) => merged(core, scope, live, applied, flags), flags, { tracked: true }), created: false };
}

function merged(core: Core, scope: Scope, live: Draft | undefined, applied: Draft, flags: WriteFlags): Draft {
  const result = serverSideApply({
    live: live as KubeObject | undefined,
    applied: applied as KubeObject,
    manager: flags.fieldManager,
    force: flags.force,
    schema: mergeSchemaOf(scope.served),
    now: toTimestamp(core.clock.now()),
    resetFields: resetFieldsOf(scope),
    ...(scope.subresource === undefined ? {} : { subresource: scope.subresource }),
  });
  if (result.kind === 'conflict') throw conflictOf(result.conflicts);
  return structuredClone(result.object) as unknown as Draft; // A KubeObject of the scope's kind.
}

function conflictOf(conflicts: readonly FieldConflict[]): Error {
  const describe = ({ manager, operation, subresource, time, apiVersion }: FieldConflict): string =>
    `conflict with "${manager}"${subresource === '' ? '' : ` with subresource "${subresource}"`}${operation === 'Update' ? ` using ${apiVersion}${time === undefined ? '' : ` at ${time}`}` : ''}`;
  const byManager = new Map<string, string[]>();
  for (const found of conflicts) byManager.set(describe(found), [...(byManager.get(describe(found)) ?? []), found.path]);
  const count = conflicts.length === 1 ? 'conflict' : 'conflicts';
  const text =
    conflicts.length === 1
      ? `${describe(conflicts[0] as FieldConflict)}: ${conflicts[0]?.path}`
      : [...byManager].map(([who, paths]) => `${who.replace(/^conflict/, 'conflicts')}:\n- ${paths.join('\n- ')}`).join('\n');
  return statusError('Conflict', `Apply failed with ${conflicts.length} ${count}: ${text}`, {
    causes: conflicts.map((found) => ({ reason: 'FieldManagerConflict', message: describe(found), field: found.path })),
  });
}
