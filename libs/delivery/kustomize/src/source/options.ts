import { createBlockReader, type BlockFields } from '@tiphys/delivery-helm';
import { KustomizeError } from '../kustomize-error.ts';
import type { Patch } from '../load/fields.ts';

/** The `kustomize` block of an application source, with defaults filled in (Argo CD v3.5 `ApplicationSourceKustomize`). */
export interface KustomizeBlock {
  readonly namePrefix: string;
  readonly nameSuffix: string;
  readonly namespace: string;
  readonly images: readonly string[];
  readonly replicas: readonly { readonly name: string; readonly count: number }[];
  readonly commonLabels: ReadonlyMap<string, string>;
  readonly forceCommonLabels: boolean;
  readonly labelWithoutSelector: boolean;
  readonly labelIncludeTemplates: boolean;
  readonly commonAnnotations: ReadonlyMap<string, string>;
  readonly commonAnnotationsEnvsubst: boolean;
  readonly forceCommonAnnotations: boolean;
  readonly patches: readonly Patch[];
  readonly components: readonly string[];
  readonly ignoreMissingComponents: boolean;
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
  /** The Kustomize the application asks for; empty for the one there is. */
  readonly version: string;
}

function wrong(name: string, wanted: string): KustomizeError {
  return new KustomizeError({ code: 'other' }, `spec.source.kustomize: "${name}" must be ${wanted}`);
}

const { text, flag, texts, structs, struct, textMap } = createBlockReader(wrong);

/** Reads the `kustomize` block of a source; unknown fields are left alone. Throws KustomizeError naming the field. */
export function readKustomizeBlock(block: object | undefined): KustomizeBlock {
  // An object of a parsed manifest: every field is checked before it is used.
  const fields = (block ?? {}) as BlockFields;
  return {
    namePrefix: text(fields, 'namePrefix'),
    nameSuffix: text(fields, 'nameSuffix'),
    namespace: text(fields, 'namespace'),
    images: texts(fields, 'images'),
    replicas: structs(fields, 'replicas').map((item) => ({ name: text(item, 'name'), count: count(item) })),
    commonLabels: textMap(fields, 'commonLabels'),
    forceCommonLabels: flag(fields, 'forceCommonLabels'),
    labelWithoutSelector: flag(fields, 'labelWithoutSelector'),
    labelIncludeTemplates: flag(fields, 'labelIncludeTemplates'),
    commonAnnotations: textMap(fields, 'commonAnnotations'),
    commonAnnotationsEnvsubst: flag(fields, 'commonAnnotationsEnvsubst'),
    forceCommonAnnotations: flag(fields, 'forceCommonAnnotations'),
    patches: structs(fields, 'patches').map(readPatch),
    components: texts(fields, 'components'),
    ignoreMissingComponents: flag(fields, 'ignoreMissingComponents'),
    kubeVersion: text(fields, 'kubeVersion'),
    apiVersions: texts(fields, 'apiVersions'),
    version: text(fields, 'version'),
  };
}

function readPatch(item: BlockFields): Patch {
  const target = struct(item, 'target');
  const options = struct(item, 'options');
  const name = (field: string): string => (target === undefined ? '' : text(target, field));
  return {
    path: text(item, 'path'),
    patch: text(item, 'patch'),
    target:
      target === undefined
        ? undefined
        : {
            group: name('group'),
            version: name('version'),
            kind: name('kind'),
            name: name('name'),
            namespace: name('namespace'),
            labelSelector: name('labelSelector'),
            annotationSelector: name('annotationSelector'),
          },
    options: options === undefined ? undefined : { allowNameChange: flag(options, 'allowNameChange'), allowKindChange: flag(options, 'allowKindChange') },
  };
}

// A number, or a text that is one, as everywhere in Kubernetes where both may stand.
function count(fields: BlockFields): number {
  const value = fields['count'] ?? 0;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw wrong('replicas', 'a list of names and whole numbers');
}
