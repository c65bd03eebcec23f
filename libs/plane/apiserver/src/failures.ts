import { statusError, type StatusCause, type StatusError } from '@tiphys/kube-model';

/** Names a resource in the sentences of errors. */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** `deployments.apps`, or `pods` in the core group. */
export function qualified({ group, resource }: ResourceName): string {
  return group === '' ? resource : `${resource}.${group}`;
}

const details = (type: ResourceName, name: string): { name?: string; group?: string; kind: string } => ({
  ...(name === '' ? {} : { name }),
  ...(type.group === '' ? {} : { group: type.group }),
  kind: type.resource,
});

/** 404: no such object. */
export function notFound(type: ResourceName, name: string): StatusError {
  return statusError('NotFound', `${qualified(type)} "${name}" not found`, details(type, name));
}

/** 404: no such path. */
export function noSuchPath(): StatusError {
  return statusError('NotFound', 'the server could not find the requested resource', {});
}

/** 405. */
export function methodNotAllowed(): StatusError {
  return statusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

/** 409: the name is taken. */
export function alreadyExists(type: ResourceName, name: string): StatusError {
  return statusError('AlreadyExists', `${qualified(type)} "${name}" already exists`, details(type, name));
}

/** 409: written in between, or a precondition does not hold. */
export function conflict(
  type: ResourceName,
  name: string,
  why: string = 'the object has been modified; please apply your changes to the latest version and try again',
): StatusError {
  return statusError('Conflict', `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`, details(type, name));
}

/** 400. */
export function badRequest(message: string): StatusError {
  return statusError('BadRequest', message);
}

/** 403 by admission. */
export function forbidden(type: ResourceName, name: string, why: string, causes: readonly StatusCause[] = []): StatusError {
  return statusError('Forbidden', `${qualified(type)} "${name}" is forbidden: ${why}`, { ...details(type, name), ...(causes.length > 0 ? { causes } : {}) });
}

/** One thing wrong with a field, as validation collects them. */
export interface FieldProblem {
  readonly field: string;
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  readonly message: string;
}

/** 422 with every problem as a cause. */
export function invalid(group: string, kind: string, name: string, problems: readonly FieldProblem[]): StatusError {
  const texts = problems.map(({ field, message }) => `${field}: ${message}`);
  const sentence = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const causes = problems.map(({ field, reason, message }) => ({ reason, message, field }));
  return statusError('Invalid', `${group === '' ? kind : `${kind}.${group}`} "${name}" is invalid: ${sentence}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes,
  });
}

/** A value in the form validation messages quote it. */
export function quoteValue(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

/** Shorthands for the usual problems. */
export const problem: Readonly<{
  required(field: string, detail?: string): FieldProblem;
  invalid(field: string, value: unknown, detail: string): FieldProblem;
  notSupported(field: string, value: unknown, supported: readonly string[]): FieldProblem;
  duplicate(field: string, value: unknown): FieldProblem;
  forbidden(field: string, detail: string): FieldProblem;
  notFound(field: string, value: unknown): FieldProblem;
  tooLong(field: string, maxBytes: number): FieldProblem;
  tooMany(field: string, count: number, max: number): FieldProblem;
}> = {
  required: (field, detail) => ({ field, reason: 'FieldValueRequired', message: detail === undefined ? 'Required value' : `Required value: ${detail}` }),
  invalid: (field, value, detail) => ({ field, reason: 'FieldValueInvalid', message: `Invalid value: ${quoteValue(value)}: ${detail}` }),
  notSupported: (field, value, supported) => ({
    field,
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${quoteValue(value)}: supported values: ${supported.map(quoteValue).join(', ')}`,
  }),
  duplicate: (field, value) => ({ field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${quoteValue(value)}` }),
  forbidden: (field, detail) => ({ field, reason: 'FieldValueForbidden', message: `Forbidden: ${detail}` }),
  notFound: (field, value) => ({ field, reason: 'FieldValueNotFound', message: `Not found: ${quoteValue(value)}` }),
  tooLong: (field, maxBytes) => ({ field, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${maxBytes} bytes` }),
  tooMany: (field, count, max) => ({
    field,
    reason: 'FieldValueTooMany',
    message: `Too many: ${count}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  }),
};

/** 504 for a resourceVersion that has not been assigned yet. */
export function tooLarge(wanted: number, latest: number): Error {
  return statusError('Timeout', `Too large resource version: ${wanted}, current: ${latest}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
