import { toBytes } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';
import type { ConfigMapArgs, GeneratorOptions, SecretArgs } from '../load/generator-fields.ts';
import type { Loader } from '../load/loader.ts';
import type { ReadContext } from '../load/resources.ts';
import { BUILD } from '../resource/annotations.ts';
import { setDataField } from '../resource/res-map.ts';
import { Resource } from '../resource/resource.ts';
import { setField } from '../yaml/fields.ts';
import { mapNode, RNode, scalarNode, stringNode, TAG } from '../yaml/rnode.ts';
import { loadKeyValues } from './key-values.ts';

const BASE64_LINE = 70;

/** Makes a ConfigMap (kustomize v5.8.1 api/internal/generators). Throws KustomizeError. */
export async function generateConfigMap(args: ConfigMapArgs, loader: Loader, context: ReadContext, file: string): Promise<Resource> {
  const node = baseNode('ConfigMap', args);
  const data = await loadKeyValues(args, loader);
  for (const key of [...data.keys()].sort()) {
    const value = data.get(key) ?? '';
    context.budget.spend('bytes', value.length);
    if (isValidText(value)) setDataField(node, 'data', key, value);
    else setDataField(node, 'binaryData', key, toBase64(value));
  }
  return finish(node, args, context, file);
}

/** Makes a Secret. Throws KustomizeError. */
export async function generateSecret(args: SecretArgs, loader: Loader, context: ReadContext, file: string): Promise<Resource> {
  const node = baseNode('Secret', args);
  setField(node, 'type', stringNode(args.type === '' ? 'Opaque' : args.type));
  const data = await loadKeyValues(args, loader);
  setField(node, 'data', mapNode());
  for (const key of [...data.keys()].sort()) {
    const value = data.get(key) ?? '';
    context.budget.spend('bytes', value.length);
    setDataField(node, 'data', key, toBase64(value));
  }
  return finish(node, args, context, file);
}

function baseNode(kind: string, { name, namespace }: ConfigMapArgs): RNode {
  if (name === '') fail('a configmap must have a name');
  const metadata = new RNode('map', '', '', [scalarNode('name'), stringNode(name)]);
  if (namespace !== '') setField(metadata, 'namespace', stringNode(namespace));
  const text = (value: string): RNode => new RNode('scalar', TAG.string, value);
  return new RNode('map', TAG.map, '', [text('apiVersion'), text('v1'), text('kind'), text(kind), scalarNode('metadata'), metadata]);
}

// Bytes that are no text are carried as lone surrogates.
function isValidText(value: string): boolean {
  return !/[\ud800-\udfff]/u.test(value);
}

function toBase64(value: string): string {
  const encoded = Buffer.from(toBytes(value)).toString('base64');
  if (encoded.length < BASE64_LINE) return encoded;
  return `${encoded.match(new RegExp(`.{1,${BASE64_LINE}}`, 'g'))?.join('\n') ?? ''}\n`;
}

function finish(node: RNode, args: ConfigMapArgs, { schemas }: ReadContext, file: string): Resource {
  const resource = new Resource(node, schemas, file);
  const { options } = args;
  if (options?.labels !== undefined && options.labels.size > 0) resource.setLabels(options.labels);
  for (const name of [...(options?.annotations?.keys() ?? [])].sort()) resource.annotate(name, options?.annotations?.get(name) ?? '');
  if (options?.immutable === true) setField(node, 'immutable', new RNode('scalar', TAG.bool, 'true'));
  if (options?.disableNameSuffixHash !== true) resource.enable(BUILD.needsHash);
  const { behavior } = args;
  resource.setAnnotations(resource.annotations.set(BUILD.behavior, ['create', 'replace', 'merge'].includes(behavior) ? behavior : 'unspecified'));
  return resource;
}

/** The options of one generator, with those of the kustomization: what that says is on cannot be turned off. */
export function mergeGeneratorOptions(local: GeneratorOptions | undefined, global: GeneratorOptions | undefined): GeneratorOptions | undefined {
  if (global === undefined) return local;
  const both = (name: 'labels' | 'annotations'): ReadonlyMap<string, string> | undefined =>
    global[name] === undefined ? local?.[name] : new Map([...global[name], ...(local?.[name] ?? [])]);
  return {
    labels: both('labels'),
    annotations: both('annotations'),
    disableNameSuffixHash: global.disableNameSuffixHash || local?.disableNameSuffixHash === true,
    immutable: global.immutable || local?.immutable === true,
  };
}
