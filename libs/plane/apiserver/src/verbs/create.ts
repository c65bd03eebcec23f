import { randomUUID } from 'node:crypto';
import { generateName, isStatus } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import type { Draft } from '../draft.ts';
import { alreadyExists, badRequest, invalid, problem } from '../failures.ts';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import { afterWrite, completeDraft, undoClaims } from '../registry/hooks.ts';
import { putObject } from '../registry/objects.ts';
import { applyDefaults, prepareCreate, shapeBody } from '../registry/prepare.ts';
import { dedupeOwners } from '../registry/owner-references.ts';
import { objectKey } from '../registry/served.ts';
import { validateDraft } from '../validation/validate.ts';
import { warningsOn } from '../validation/warnings.ts';
import { withManagers } from './managed.ts';

// Attempts to find a free generated name (KEP-4420).
const NAME_ATTEMPTS = 8;

/** Creates an object from a decoded body. The draft becomes the store's. */
export async function createObject(core: Core, scope: Scope, body: Draft, flags: WriteFlags, duplicates: readonly string[] = []): Promise<Draft> {
  checkBody(scope, body);
  delete body.metadata.managedFields;
  shapeBody(scope, body, flags, duplicates);
  await admitNew(core, scope, body, flags);
  const generates = (body.metadata.name ?? '') === '' && (body.metadata.generateName ?? '') !== '';
  for (let attempt = 1; ; attempt += 1) {
    const draft = generates ? structuredClone(body) : body;
    if (generates) draft.metadata.name = generateName(draft.metadata.generateName ?? '', core.random);
    try {
      return await createNamed(core, scope, draft, (prepared) => withManagers(core, scope, flags, undefined, prepared), flags);
    } catch (error) {
      if (!generates || attempt >= NAME_ATTEMPTS || !isStatus(error, 'AlreadyExists')) throw error;
    }
  }
}

/** Creates an object that a server-side apply has made, with the managedFields it has. */
export async function createApplied(core: Core, scope: Scope, body: Draft, flags: WriteFlags): Promise<Draft> {
  await admitNew(core, scope, body, flags);
  return await createNamed(core, scope, body, (prepared) => prepared, flags);
}

// Defaults, then what the cluster adds to the object.
async function admitNew(core: Core, scope: Scope, body: Draft, flags: WriteFlags): Promise<void> {
  const { served, namespace, name } = scope;
  if (name !== '' && body.metadata.name === undefined) body.metadata.name = name;
  if (served.namespaced && namespace !== undefined) body.metadata.namespace = namespace;
  else delete body.metadata.namespace;
  dedupeOwners(body.metadata, flags.warn);
  applyDefaults(served, body);
  await admitMutating(core, admissionRequest('CREATE', scope, flags, { object: body }));
}

async function createNamed(core: Core, scope: Scope, body: Draft, track: (prepared: Draft) => Draft, flags: WriteFlags): Promise<Draft> {
  prepareCreate(core, scope, body, randomUUID());
  if ((body.metadata.name ?? '') !== '' && core.store.get(objectKey(scope.served, scope.namespace, body.metadata.name ?? '')) !== undefined)
    throw alreadyExists(scope.served, body.metadata.name ?? '');
  const claims = completeDraft(core, scope, body, undefined);
  try {
    validateDraft(scope, body, undefined, flags.warn);
    for (const warning of warningsOn(body, undefined)) flags.warn(warning);
    const draft = track(body);
    return await admitWrite(core, admissionRequest('CREATE', scope, flags, { object: draft }), async () => {
      if (flags.dryRun) {
        undoClaims(core, claims);
        return draft;
      }
      const written = await putObject(core, scope, draft, undefined);
      await afterWrite(core, scope, written, undefined);
      return written;
    });
  } catch (error) {
    undoClaims(core, claims);
    throw error;
  }
}

/** Refuses a body that is not of the resource or not of the namespace the request names. */
export function checkBody(scope: Scope, body: Draft): void {
  const { served, namespace } = scope;
  const { metadata } = body;
  if (body.kind !== served.kind || body.apiVersion !== served.apiVersion) {
    throw badRequest(
      `${served.kind} in version "${served.version}" cannot be handled as a ${served.kind}: the object provided is of apiVersion ${JSON.stringify(body.apiVersion ?? '')} and kind ${JSON.stringify(body.kind ?? '')}, expected ${served.apiVersion} ${served.kind}`,
    );
  }
  if (served.namespaced && (metadata.namespace ?? '') !== '' && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  // What lives in no namespace is put there, whatever it says (apiserver rest.EnsureObjectNamespaceMatchesRequestNamespace).
  if (!served.namespaced) delete metadata.namespace;
  if ((metadata.resourceVersion ?? '') !== '' && scope.name === '') throw badRequest('resourceVersion should not be set on objects to be created');
  if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') === '' && scope.name === '')
    throw invalid(served.group, served.kind, '', [problem.required('metadata.name', 'name or generateName is required')]);
}
