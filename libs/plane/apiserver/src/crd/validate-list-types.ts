import { asList, asMap, asText, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';

/** What is wrong with a schema's `x-kubernetes-map-type`. */
export function mapTypeProblems(schema: JsonMap, path: string): readonly FieldProblem[] {
  const mapType = asText(schema['x-kubernetes-map-type']);
  if (mapType === undefined) return [];
  return [
    ...typeProblem(schema, path, 'object', 'must be object if x-kubernetes-map-type is specified'),
    ...(['atomic', 'granular'].includes(mapType) ? [] : [problem.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])]),
  ];
}

function typeProblem(schema: JsonMap, path: string, wanted: string, text: string): readonly FieldProblem[] {
  const type = asText(schema['type']) ?? '';
  if (type === wanted) return [];
  return [type === '' ? problem.required(`${path}.type`, text) : problem.invalid(`${path}.type`, type, text)];
}

/** What is wrong with a schema's `x-kubernetes-list-type` and `x-kubernetes-list-map-keys`. */
export function listTypeProblems(schema: JsonMap, path: string): readonly FieldProblem[] {
  const listType = asText(schema['x-kubernetes-list-type']);
  const keys = asList(schema['x-kubernetes-list-map-keys']).map(String);
  const problems: FieldProblem[] = [];
  if (listType !== undefined) {
    problems.push(...typeProblem(schema, path, 'array', 'must be array if x-kubernetes-list-type is specified'));
    if (!['atomic', 'set', 'map'].includes(listType)) problems.push(problem.notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty';
    problems.push(
      listType === undefined ? problem.required(`${path}.x-kubernetes-list-type`, text) : problem.invalid(`${path}.x-kubernetes-list-type`, listType, text),
    );
  }
  const items = asMap(schema['items']);
  if (listType === 'set' && items !== undefined) problems.push(...setItemProblems(items, path));
  if (listType === 'map') problems.push(...mapItemProblems(items, keys, path));
  if ((listType === 'set' || listType === 'map') && items?.['nullable'] === true)
    problems.push(problem.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  return problems;
}

// Items of a set are told apart as a whole.
function setItemProblems(items: JsonMap, path: string): readonly FieldProblem[] {
  const text = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const [listType, mapType] = [items['x-kubernetes-list-type'], items['x-kubernetes-map-type']];
  if (items['type'] === 'array' && listType !== undefined && listType !== 'atomic')
    return [problem.invalid(`${path}.items.x-kubernetes-list-type`, listType, text)];
  return items['type'] === 'object' && mapType !== 'atomic' ? [problem.invalid(`${path}.items.x-kubernetes-map-type`, mapType ?? null, text)] : [];
}

function mapItemProblems(items: JsonMap | undefined, keys: readonly string[], path: string): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (keys.length === 0) problems.push(problem.required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  if (items === undefined) return [...problems, problem.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')];
  if (items['type'] !== 'object')
    return [...problems, problem.invalid(`${path}.items.type`, items['type'] ?? '', "must be object if parent array's x-kubernetes-list-type is map")];
  const required = new Set(asList(items['required']));
  const seen = new Set<string>();
  for (const key of keys) {
    const property = asMap(asMap(items['properties'])?.[key]);
    if (property === undefined) problems.push(problem.invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'));
    else problems.push(...keyProblems(property, required.has(key), `${path}.items.properties[${key}]`));
    if (seen.has(key)) problems.push(problem.invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'));
    seen.add(key);
  }
  return problems;
}

function keyProblems(property: JsonMap, isRequired: boolean, path: string): readonly FieldProblem[] {
  const { type } = property;
  return [
    ...(type === 'array' || type === 'object'
      ? [problem.invalid(`${path}.type`, type, "must be a scalar type if parent array's x-kubernetes-list-type is map")]
      : []),
    ...(!isRequired && property['default'] === undefined
      ? [problem.required(`${path}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property')]
      : []),
    ...(property['nullable'] === true
      ? [problem.forbidden(`${path}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable')]
      : []),
  ];
}
