import { deepEqual, isJsonObject, type JsonObject } from '@tiphys/kube-model';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { PatchError } from './patch-error.ts';

/** Operations of one patch (apiserver: maxJSONPatchOperations). */
const MAX_OPERATIONS = 10_000;

/** Applies a JSON patch (RFC 6902) to a copy of the document. Throws PatchError. */
export function applyJsonPatch(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new PatchError({ code: 'invalid' }, 'json patch: must be a list of operations');
  if (operations.length > MAX_OPERATIONS)
    throw new PatchError(
      { code: 'tooLarge', limit: MAX_OPERATIONS },
      `json patch: the allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`,
    );
  let result: unknown = structuredClone(document);
  operations.forEach((operation: unknown, index) => {
    result = applyOperation(result, checked(operation, index), index);
  });
  return result;
}

function checked(operation: unknown, index: number): JsonObject {
  if (!isJsonObject(operation) || typeof operation['op'] !== 'string' || typeof operation['path'] !== 'string') {
    throw new PatchError({ code: 'invalid' }, `json patch: operation ${index} needs "op" and "path"`);
  }
  for (const pointer of [operation['path'], operation['from']]) {
    if (typeof pointer === 'string' && pointer.split('/').some((step) => step === '__proto__'))
      throw new PatchError({ code: 'invalid' }, `json patch: operation ${index} addresses "__proto__"`);
  }
  // RFC 6902, 4.4: what is moved cannot be moved into itself.
  if (operation['op'] === 'move' && operation['path'].startsWith(`${String(operation['from'])}/`))
    throw new PatchError({ code: 'invalid' }, `json patch: operation ${index} moves a value into itself`);
  return operation;
}

function applyOperation(document: unknown, operation: JsonObject, index: number): unknown {
  const path = String(operation['path']);
  if (operation['op'] === 'test') {
    const found: unknown = valueAt(document, path, index);
    if (!deepEqual(found, operation['value'])) throw new PatchError({ code: 'testFailed', path }, `json patch: testing value ${path} failed`);
    return document;
  }
  try {
    // The shape was checked above; the library checks the rest.
    return jsonPatch.applyOperation(document, operation as unknown as Operation, true, true, false, index).newDocument;
  } catch (cause) {
    const code =
      cause instanceof jsonPatch.JsonPatchError &&
      ['OPERATION_PATH_UNRESOLVABLE', 'OPERATION_FROM_UNRESOLVABLE', 'OPERATION_PATH_CANNOT_ADD'].includes(cause.name)
        ? 'pathNotFound'
        : 'invalid';
    const problem = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new PatchError(
      code === 'pathNotFound' ? { code, path } : { code },
      `json patch: operation ${index} (${String(operation['op'])} ${path}): ${problem}`,
      { cause },
    );
  }
}

function valueAt(document: unknown, path: string, index: number): unknown {
  try {
    return jsonPatch.getValueByPointer(document, path) as unknown;
  } catch (cause) {
    throw new PatchError({ code: 'pathNotFound', path }, `json patch: operation ${index}: ${path} does not exist`, { cause });
  }
}
