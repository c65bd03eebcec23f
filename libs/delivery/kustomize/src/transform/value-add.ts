import { fromBytes, readYaml } from '@tiphys/delivery-helm';
import { fail, reading } from '../kustomize-error.ts';
import { decodeWith } from '../load/decode.ts';
import { valueAddConfigDecoder, type ValueAddConfig, type ValueTarget } from '../load/config-fields.ts';
import type { Loader } from '../load/loader.ts';
import type { ResMap } from '../resource/res-map.ts';
import { expectKind, lookUp, setScalar } from '../yaml/fields.ts';
import { scalarNode } from '../yaml/rnode.ts';
import { moveToNamespace } from './namespace.ts';
import { splitPath } from '../yaml/paths.ts';

/** A value and the fields it is put into. */
export interface ValueAdd {
  readonly value: string;
  readonly targets: readonly ValueTarget[];
}

/** Checks a ValueAddTransformer's configuration; without a value it is the name of the folder (kustomize v5.8.1). Throws KustomizeError. */
export async function loadValueTargets(config: ValueAddConfig, loader: Loader): Promise<ValueAdd> {
  const value = config.value.trim();
  const targets = [...(config.targets ?? [])];
  if (config.targetFilePath !== '') {
    const bytes = await loader.load(config.targetFilePath);
    const more = reading(() => readYaml(fromBytes(bytes)));
    targets.push(...(decodeWith(valueAddConfigDecoder, more, 'lenient').targets ?? []));
  }
  if (targets.length === 0) fail('must specify at least one target');
  for (const { fieldPath, filePathPosition } of targets) {
    if (fieldPath === '') fail('fieldPath cannot be empty');
    if (filePathPosition < 0) fail(`value of FilePathPosition (${filePathPosition}) cannot be negative`);
  }
  return { value: value === '' ? loader.root.slice(loader.root.lastIndexOf('/') + 1) : value, targets };
}

/** Puts the value into the fields. Throws KustomizeError. */
export function addValue(map: ResMap, { value, targets }: ValueAdd): void {
  for (const { selector, fieldPath, filePathPosition } of targets) {
    for (const resource of selector === undefined ? map.resources : map.select(selector)) {
      if (fieldPath === 'metadata/namespace') {
        moveToNamespace(resource, { namespace: value, specs: [], unsetOnly: false, subjects: 'defaultOnly' });
        continue;
      }
      const node = lookUp(resource.node, splitPath(fieldPath, '/'), 'scalar');
      if (node === undefined) continue;
      expectKind(node, 'scalar');
      setScalar(node, scalarNode(filePathPosition > 0 ? insertPart(node.value, filePathPosition - 1, value) : value));
    }
  }
}

function insertPart(path: string, position: number, part: string): string {
  if (part === '') return path;
  const parts = path === '' ? [] : path.split('/');
  const at = Math.min(position, parts.length);
  return parts.toSpliced(parts[0] === '' && at < parts.length ? at + 1 : at, 0, part).join('/');
}
