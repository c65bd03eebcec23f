export { adoptOwnership, type AdoptRequest } from './adopt-ownership.ts';
export { applyJsonPatch } from './json-patch.ts';
export { EMPTY_SET, type FieldSet } from './field-set.ts';
export { fieldOwners, ownerAt, parseManagedFields, withoutManagedFields, type FieldOwner, type ManagedEntry } from './managed-fields.ts';
export { applyMergePatch, createMergePatch } from './merge-patch.ts';
export { PatchError } from './patch-error.ts';
export { decodeElement, encodeElement, formatPath, itemElement, type PathElement } from './path-element.ts';
export { schemaNodeFromOpenApi, schemaNodeOf, schemaNodeOfType, UNTYPED, type SchemaNode } from './schema-node.ts';
export {
  serverSideApply,
  trackUpdate,
  type ApplyRequest,
  type ApplyResult,
  type FieldConflict,
  type UpdateRequest,
  type WriteRequest,
} from './server-side-apply.ts';
export { applyStrategicMergePatch } from './strategic-merge-patch.ts';
export { compareValues, mergeValues, shapeOf, toFieldSet, type Comparison } from './typed-value.ts';
