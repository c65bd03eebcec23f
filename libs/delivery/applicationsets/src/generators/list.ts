import { isJsonObject } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import type { ListGenerator, Parameters } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import { flatten } from '../render-text.ts';
import { isGo, type GeneratorContext } from './context.ts';

/** Parameters that are written out, as a list or as YAML (applicationset/generators/list.go). */
export function listParameters({ elements = [], elementsYaml = '' }: ListGenerator, context: GeneratorContext): readonly Parameters[] {
  const all = [...elements, ...fromYaml(elementsYaml)];
  // The schema, or the check below, has made sure that elements are objects of JSON.
  return isGo(context) ? (all as readonly Parameters[]) : all.map((element) => flatten(element as Parameters));
}

function fromYaml(text: string): readonly object[] {
  if (text.trim() === '') return [];
  const { values, problems } = parseDocuments(text, { source: 'elementsYaml' });
  const [problem] = problems;
  if (problem !== undefined) throw new GenerateError({ code: 'invalid' }, `list generator: elementsYaml: ${problem.message}`);
  const list = values[0]?.value ?? [];
  if (!Array.isArray(list) || !list.every((item: unknown): item is object => isJsonObject(item)))
    throw new GenerateError({ code: 'invalid' }, 'list generator: elementsYaml is not a list of maps');
  return list;
}
