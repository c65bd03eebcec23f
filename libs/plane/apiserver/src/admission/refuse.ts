import type { StatusError } from '@tiphys/kube-model';
import { forbidden } from '../failures.ts';
import type { AdmissionRequest } from './chain.ts';

/** The name a refusal gives the object: its own, or what it will be generated from (apiserver pkg/admission/errors.go). */
function nameOf({ scope, object }: AdmissionRequest): string {
  const { name = '', generateName = '' } = object?.metadata ?? {};
  return [name, generateName, scope.name].find((candidate) => candidate !== '') ?? 'Unknown';
}

/** 403 of an admission plugin: `pods "web" is forbidden: why`. */
export function refuse(request: AdmissionRequest, why: string): StatusError {
  return forbidden(request.scope.served, nameOf(request), why);
}
