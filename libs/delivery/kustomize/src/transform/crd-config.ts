import { fromBytes, GoMap, readYaml, type GoValue } from '@tiphys/delivery-helm';
import { prefixed, reading } from '../kustomize-error.ts';
import type { FieldSpec } from '../load/fields.ts';
import type { Loader } from '../load/loader.ts';
import { emptyTransformerConfig, mergeConfigs, type TransformerConfig } from './transformer-config.ts';

const MAX_DEPTH = 50;

/** Reads the schemas of `crds` and makes configuration of the extensions in them (kustomize v5.8.1 loadconfigfromcrds.go). Throws KustomizeError. */
export async function loadCrdConfig(paths: readonly string[], loader: Loader): Promise<TransformerConfig> {
  let config = emptyTransformerConfig;
  for (const path of paths) {
    const bytes = await loader.load(path);
    let types: GoValue;
    try {
      types = reading(() => readYaml(fromBytes(bytes)));
    } catch (error) {
      const name = `'${path}'`;
      throw prefixed(`unable to parse open API definition from ${name}`, error);
    }
    for (const found of configsOf(types)) config = mergeConfigs(config, found);
  }
  return config;
}

function fieldOf(value: GoValue | undefined, name: string): GoValue | undefined {
  if (!(value instanceof GoMap)) return undefined;
  return value.entries.get(name) ?? [...value.entries].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function propertiesOf(type: GoValue | undefined): ReadonlyMap<string, GoValue> {
  const properties = fieldOf(fieldOf(type, 'Schema'), 'properties');
  return properties instanceof GoMap ? properties.entries : new Map();
}

function configsOf(types: GoValue): readonly TransformerConfig[] {
  if (!(types instanceof GoMap)) return [];
  return [...types.entries].flatMap(([name, type]) => {
    const properties = propertiesOf(type);
    if (!['kind', 'apiVersion', 'metadata'].every((field) => properties.has(field))) return [];
    return walk(types, name, { kind: name.slice(name.lastIndexOf('.') + 1), path: [], depth: 0 });
  });
}

interface Place {
  readonly kind: string;
  readonly path: readonly string[];
  readonly depth: number;
}

function walk(types: GoMap, name: string, { kind, path, depth }: Place): readonly TransformerConfig[] {
  if (depth > MAX_DEPTH) return [];
  return [...propertiesOf(types.entries.get(name))].flatMap(([field, property]) => {
    const here = [...path, field];
    const own = extensionsOf(property, kind, here);
    const reference = fieldOf(property, '$ref');
    return typeof reference === 'string' ? [...own, ...walk(types, reference, { kind, path: here, depth: depth + 1 })] : own;
  });
}

function extensionsOf(property: GoValue, kind: string, path: readonly string[]): readonly TransformerConfig[] {
  const extension = (name: string): string | undefined => {
    const value = fieldOf(property, `x-kubernetes-${name}`);
    return typeof value === 'string' ? value : undefined;
  };
  const spec: FieldSpec = { group: '', version: '', kind, path: path.join('/'), create: false };
  const configs: TransformerConfig[] = [];
  if (extension('annotation') !== undefined) configs.push({ ...emptyTransformerConfig, commonAnnotations: [spec] });
  if (extension('label-selector') !== undefined) configs.push({ ...emptyTransformerConfig, commonLabels: [spec] });
  if (extension('identity') !== undefined) configs.push({ ...emptyTransformerConfig, namePrefix: [spec] });
  const version = extension('object-ref-api-version');
  const target = extension('object-ref-kind');
  if (version !== undefined && target !== undefined) {
    const fieldSpecs = [{ ...spec, path: `${spec.path}/${extension('object-ref-name-key') ?? 'name'}` }];
    configs.push({ ...emptyTransformerConfig, nameReference: [{ group: '', version, kind: target, fieldSpecs }] });
  }
  return configs;
}
