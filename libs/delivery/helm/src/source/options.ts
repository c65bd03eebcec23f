import { fromJson, GoMap } from '../go/value.ts';
import { HelmError } from '../chart/helm-error.ts';
import { createBlockReader, type BlockFields } from './block-reader.ts';

/** A value set by name, as with `--set`, or `--set-string` where it is forced. */
interface HelmParameter {
  readonly name: string;
  readonly value: string;
  readonly forceString: boolean;
}

/** The `helm` block of an application source, with defaults filled in. */
export interface HelmBlock {
  readonly valueFiles: readonly string[];
  readonly ignoreMissingValueFiles: boolean;
  /** Values as YAML text; `valuesObject` wins over it. */
  readonly values: string;
  readonly valuesObject: GoMap | undefined;
  readonly parameters: readonly HelmParameter[];
  readonly fileParameters: readonly { readonly name: string; readonly path: string }[];
  readonly releaseName: string;
  readonly namespace: string;
  readonly skipCrds: boolean;
  readonly skipTests: boolean;
  readonly skipSchemaValidation: boolean;
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
}

const { text, flag, texts, structs } = createBlockReader((name, wanted) => new HelmError({ code: 'values' }, `spec.source.helm: "${name}" must be ${wanted}`));

/** Reads the `helm` block of a source; unknown fields are left alone. Throws HelmError of stage `values` naming the field. */
export function readHelmBlock(block: object | undefined): HelmBlock {
  // An object of a parsed manifest: every field is checked before it is used.
  const fields = (block ?? {}) as BlockFields;
  return {
    valueFiles: texts(fields, 'valueFiles'),
    ignoreMissingValueFiles: flag(fields, 'ignoreMissingValueFiles'),
    values: text(fields, 'values'),
    valuesObject: valuesObject(fields),
    parameters: structs(fields, 'parameters').map((item) => ({ name: text(item, 'name'), value: text(item, 'value'), forceString: flag(item, 'forceString') })),
    fileParameters: structs(fields, 'fileParameters').map((item) => ({ name: text(item, 'name'), path: text(item, 'path') })),
    releaseName: text(fields, 'releaseName'),
    namespace: text(fields, 'namespace'),
    skipCrds: flag(fields, 'skipCrds'),
    skipTests: flag(fields, 'skipTests'),
    skipSchemaValidation: flag(fields, 'skipSchemaValidation'),
    kubeVersion: text(fields, 'kubeVersion'),
    apiVersions: texts(fields, 'apiVersions'),
  };
}

function valuesObject(fields: BlockFields): GoMap | undefined {
  const value = fromJson(fields['valuesObject'] ?? null);
  if (value === null || value instanceof GoMap) return value ?? undefined;
  throw new HelmError({ code: 'values' }, 'spec.source.helm: "valuesObject" must be an object');
}
