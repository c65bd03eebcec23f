import type { apiextensionsv1, Mutable } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';

/** A CRD whose spec names what it defines. */
export type Crd = Mutable<apiextensionsv1.CustomResourceDefinition> & { spec: Mutable<apiextensionsv1.CustomResourceDefinitionSpec> };

/** Prefix of the CRDs in the store. */
export const CRD_PREFIX = '/apiextensions.k8s.io/customresourcedefinitions/';

/** Finalizer that keeps a CRD until its objects are gone. */
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** The draft as a CRD whose spec names what it defines; undefined when it does not, and validation will say so. */
export function asCrd(draft: Draft): Crd | undefined {
  const crd = draftAs<apiextensionsv1.CustomResourceDefinition>(draft);
  if (typeof crd.spec?.names?.kind !== 'string' || !Array.isArray(crd.spec.versions)) return undefined;
  return crd as Crd; // spec was looked at.
}

/** Whether a condition of a CRD is True. */
export function isTrue({ status }: Pick<apiextensionsv1.CustomResourceDefinition, 'status'>, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}
