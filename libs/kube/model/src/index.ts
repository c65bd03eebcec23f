export type * from './generated/types/index.ts';
export { fnv32a, generateName, isDnsLabel, isDnsSubdomain, randomSuffix, safeEncode } from './names.ts';
export {
  cloneMutable,
  controllerOf,
  deepEqual,
  describeObject,
  describeRef,
  fieldAt,
  formatApiVersion,
  gvkOf,
  isJsonObject,
  keyOf,
  parseApiVersion,
  parseKey,
  refKey,
  refOf,
  toKey,
  type GroupVersionKind,
  type JsonObject,
  type JsonValue,
  type KubeList,
  type KubeObject,
  type Mutable,
  type ObjectKey,
  type ObjectRef,
} from './object.ts';
export { decodeKubeProtobuf, isKubeProtobuf, isOmittedZero } from './protobuf.ts';
export { encodeKubeList, encodeKubeMessage, encodeKubeProtobuf, encodeKubeWatchEvent, hasKubeProtobuf, wrapKubeProtobuf } from './protobuf-encode.ts';
export { ProtobufError } from './protobuf-table.ts';
export { ProtobufWriter } from './protobuf-writer.ts';
export { canonicalQuantity, formatQuantity, parseQuantity, quantityMilli, quantityUnits, type Quantity } from './quantity.ts';
export { compareResourceVersions } from './resource-version.ts';
export {
  builtin,
  BUILTIN_RESOURCES,
  BUILTIN_SUBRESOURCES,
  customResource,
  findBuiltin,
  resourcePath,
  type ResourceRow,
  type ResourceType,
} from './resource.ts';
export { schemaByName, schemaNames, schemaOf, type FieldSchema, type ObjectSchema } from './schema.ts';
export {
  formatSelector,
  isSelectorProblem,
  matchesSelector,
  parseFieldSelector,
  parseLabelSelector,
  selectorOf,
  selectorOfMap,
  type FieldRequirement,
  type Labels,
  type Requirement,
  type Selector,
  type SelectorProblem,
} from './selector.ts';
export { isStatus, StatusError, statusError, type StatusCause, type StatusReason } from './status.ts';
