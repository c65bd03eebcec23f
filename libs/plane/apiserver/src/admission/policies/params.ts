import { matchesSelector, selectorOf, type admissionregistrationv1 } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import type { Draft } from '../../draft.ts';
import { parseStored, readable, readAs } from '../../registry/objects.ts';
import { listPrefix, objectKey, type ServedResource } from '../../registry/served.ts';
import type { AdmissionRequest } from '../chain.ts';
import type { Binding, PolicyBase } from './policy.ts';

/** The parameters a binding gives its policy, or why they cannot be had. An undefined parameter: the policy is asked once, without one. */
export type Params = { readonly kind: 'params'; readonly params: readonly (Draft | undefined)[] } | { readonly kind: 'problem'; readonly problem: string };

const problem = (text: string): Params => ({ kind: 'problem', problem: text });

/** Collects the parameters of a binding (apiserver policy/generic/policy_dispatcher.go CollectParams). */
export async function collectParams(core: Core, policy: PolicyBase, { paramRef }: Binding, request: AdmissionRequest): Promise<Params> {
  const { paramKind } = policy;
  if (paramKind === undefined || paramRef === undefined) return { kind: 'params', params: [undefined] };
  const { apiVersion = '', kind = '' } = paramKind;
  const served = core.catalog.findKind(apiVersion, kind);
  if (served === undefined) return problem(`paramKind kind \`${apiVersion}, Kind=${kind}\` not known`);
  const namespace = namespaceOf(served, paramRef, request);
  if (namespace.kind === 'problem') return namespace;
  const params = await find(core, served, paramRef, namespace.name);
  if (typeof params === 'string') return problem(params);
  if (params.length === 0 && paramRef.parameterNotFoundAction === 'Deny')
    return problem('no params found for policy binding with `Deny` parameterNotFoundAction');
  return { kind: 'params', params };
}

function namespaceOf(
  served: ServedResource,
  paramRef: admissionregistrationv1.ParamRef,
  { scope }: AdmissionRequest,
): { readonly kind: 'namespace'; readonly name: string | undefined } | { readonly kind: 'problem'; readonly problem: string } {
  const given = paramRef.namespace ?? '';
  if (!served.namespaced)
    return given === ''
      ? { kind: 'namespace', name: undefined }
      : { kind: 'problem', problem: 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`' };
  const name = given === '' ? (scope.namespace ?? '') : given;
  if (name === '') return { kind: 'problem', problem: 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources' };
  return { kind: 'namespace', name };
}

async function find(
  core: Core,
  served: ServedResource,
  { name = '', selector }: admissionregistrationv1.ParamRef,
  namespace: string | undefined,
): Promise<readonly Draft[] | string> {
  if (name !== '' && selector !== undefined) return 'paramRef.name and paramRef.selector are mutually exclusive';
  if (name !== '') {
    const entry = core.store.get(objectKey(served, namespace, name));
    if (entry === undefined) return [];
    await readable(core, served, [entry.value]);
    return [readAs(served, entry.value)];
  }
  if (selector === undefined) return 'one of name or selector must be provided';
  const wanted = selectorOf(selector);
  const values = core.store
    .list({ prefix: listPrefix(served, namespace) })
    .entries.map((entry) => entry.value)
    .filter((value) => matchesSelector(wanted, parseStored(value).metadata.labels));
  await readable(core, served, values);
  return values.map((value) => readAs(served, value));
}
