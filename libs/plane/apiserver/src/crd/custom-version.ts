import type { apiextensionsv1 } from '@tiphys/kube-model';
import type { RuleNode } from './rules.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** What a CRD says about one of its versions. */
export interface CustomVersion {
  /** Name of the CRD. */
  readonly crd: string;
  /** Group and version as objects have it. */
  readonly apiVersion: string;
  readonly schema: StructuralSchema;
  /** The compiled rules of the schema; undefined when it has none. */
  readonly rules: RuleNode | undefined;
  /** The schema as the CRD has it, for server-side apply and OpenAPI. */
  readonly openApiSchema: unknown;
  /** The version objects are stored in. */
  readonly storage: { readonly apiVersion: string; readonly schema: StructuralSchema };
  /** The webhook that converts between versions; undefined where versions only differ by name. */
  readonly conversion: apiextensionsv1.WebhookConversion | undefined;
  readonly hasStatus: boolean;
  readonly scale: apiextensionsv1.CustomResourceSubresourceScale | undefined;
  readonly columns: readonly apiextensionsv1.CustomResourceColumnDefinition[];
  readonly selectableFields: readonly string[];
  readonly deprecationWarning: string | undefined;
}
