export { formatAddress, isMapped, parseAddress, parsePrefix } from './address.ts';
export { adapt } from './adapt.ts';
export {
  BOOL,
  BYTES,
  DOUBLE,
  DYN,
  formatType,
  INT,
  listOf,
  mapOf,
  NULL,
  objectType,
  optionalOf,
  STRING,
  TIMESTAMP,
  type CelType,
  type ObjectType,
} from './cel-type.ts';
export { compile, evaluate, yields, type CelProgram, type Compilation, type CompileOptions, type Evaluation } from './compile.ts';
export { declTypeOf, objectDecl, type DeclField, type DeclType, type OpenApiSchema } from './decl-type.ts';
export { escapeFieldName, fieldNamed } from './field-name.ts';
export { authorizerValue, resourceCheckValue, type AuthorizationQuery, type Authorize } from './library/authorizers.ts';
export { CEL_LIMITS } from './limits.ts';
export { isKnownFormat, matchesFormat } from './openapi-format.ts';
export { functionTable, overloads, NAMED, type FunctionTable } from './overload.ts';
export { CelError } from './problem.ts';
export { matchesRegex, regexProblem } from './regex.ts';
export { toJson } from './to-json.ts';
export { CelList, CelOptional, CelStruct, isMap, NONE, type CelMap, type CelValue } from './value.ts';
