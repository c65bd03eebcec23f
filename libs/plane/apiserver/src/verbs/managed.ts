import { schemaNodeFromOpenApi, schemaNodeOf, trackUpdate, type SchemaNode } from '@tiphys/kube-patch';
import { toTimestamp } from '@tiphys/kernel';
import type { KubeObject } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import type { Draft } from '../draft.ts';
import { hasStatusSubresource } from '../registry/prepare.ts';
import type { ServedResource } from '../registry/served.ts';

const customNodes = new WeakMap<object, SchemaNode>();

/** The merge schema of a kind. */
export function mergeSchemaOf(served: ServedResource): SchemaNode | undefined {
  const { custom } = served;
  if (custom === undefined) return schemaNodeOf(served.apiVersion, served.kind);
  const known = customNodes.get(custom) ?? schemaNodeFromOpenApi(custom.openApiSchema);
  customNodes.set(custom, known);
  return known;
}

/** Top-level fields this way of writing cannot set. */
export function resetFieldsOf(scope: Scope): readonly string[] {
  if (scope.subresource === 'status') return ['spec'];
  return hasStatusSubresource(scope.served) ? ['status'] : [];
}

/** The draft with managedFields that say who changed what. */
export function withManagers(core: Core, scope: Scope, flags: WriteFlags, live: Draft | undefined, draft: Draft): Draft {
  const tracked = trackUpdate({
    live: live as KubeObject | undefined,
    updated: draft as KubeObject,
    manager: flags.fieldManager,
    schema: mergeSchemaOf(scope.served),
    now: toTimestamp(core.clock.now()),
    resetFields: resetFieldsOf(scope),
    ...(scope.subresource === undefined ? {} : { subresource: scope.subresource }),
  });
  // trackUpdate returns a fresh object or the draft it was given.
  return tracked as unknown as Draft;
}
